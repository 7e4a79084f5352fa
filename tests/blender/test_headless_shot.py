"""examples/blender_shot.py: from an empty file to a comp, without a window, by the real engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
SCRIPT = REPOSITORY / "examples" / "blender_shot.py"
PATIENCE_S = 240
FRAMES = (1001, 1002)


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    # A process of its own: this is how a farm calls it, and a crash at its end would be seen.
    return subprocess.run(
        [sys.executable, str(SCRIPT), *words],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def _read(path: Path) -> np.ndarray:
    image = oiio.ImageBuf(str(path))
    assert not image.has_error, image.geterror()
    return image.get_pixels(oiio.FLOAT)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the script leaves."""
    folder = tmp_path_factory.mktemp("shot")
    done = _run(str(folder), "--frames", "1001-1002")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "PlateMatte: v001, frames 1001-1002" in done.stdout
    assert "up to date" in done.stdout
    return folder


def test_the_script_leaves_mattes_comp_and_file(out: Path) -> None:
    version = out / "platematte" / "PlateMatte" / "v001"
    names = sorted(path.name for path in version.glob("*.exr"))
    assert names == [f"matte.{frame}.exr" for frame in FRAMES]
    assert not (version / "inputs").exists()
    comps = sorted(path.name for path in (out / "comp").iterdir())
    assert comps == [f"comp.{frame}.exr" for frame in FRAMES]
    assert (out / "shot.blend").is_file()


def test_the_comp_is_the_matte_over_the_background(out: Path) -> None:
    for frame in FRAMES:
        matte = _read(out / "platematte" / "PlateMatte" / "v001" / f"matte.{frame}.exr")
        comp = _read(out / "comp" / f"comp.{frame}.exr")[..., :3]
        assert comp.shape == (360, 640, 3)
        alpha = matte[..., 3:4]
        # A subject is there and does not fill the frame.
        assert 0.05 < alpha.mean() < 0.6
        expected = matte[..., :3] + (1 - alpha) * np.float32(0.18)
        assert np.abs(comp - expected).max() < 1e-6


def test_a_subject_that_fills_its_pixels_is_the_plate(out: Path) -> None:
    frame = FRAMES[0]
    matte = _read(out / "platematte" / "PlateMatte" / "v001" / f"matte.{frame}.exr")
    comp = _read(out / "comp" / f"comp.{frame}.exr")[..., :3]
    plate = _read(REPOSITORY / "examples" / "shot" / f"plate.{frame}.exr")
    solid = matte[..., 3] == 1
    assert solid.sum() > 1000
    assert np.array_equal(comp[solid], plate[solid])


def test_what_goes_wrong_ends_the_script_with_a_failure(tmp_path: Path) -> None:
    done = _run(str(tmp_path), "--frames", "1000-1001")
    assert done.returncode == 1
    assert "PlateMatte: plate, node 'Plate', frame 1000: " in done.stderr
    assert "plate.1000.exr is missing" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "comp").exists()
