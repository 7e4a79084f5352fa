"""Plug-in, client and double in the Pythons of real Nukes, with the real engine beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import interpreters
import numpy as np
import pytest
from comp import PLUGIN, REPOSITORY, read_exr, write_shot

HOST = Path(__file__).with_name("old_nuke.py")
PATIENCE_S = 280
every_python_of_nuke = pytest.mark.parametrize("version", interpreters.NUKE_PYTHONS)


@every_python_of_nuke
def test_the_plug_in_imports_without_any_package(
    find_python: Callable[[str], str], version: str
) -> None:
    program = (
        "import sys, types\n"
        "nuke = types.ModuleType('nuke'); nuke.GUI = False; sys.modules['nuke'] = nuke\n"
        f"sys.path[:0] = [{str(PLUGIN)!r}, {str(REPOSITORY / 'core')!r}]\n"
        "import platematte_nuke, platematte_nuke.buttons, platematte_nuke.callbacks\n"
        "from platematte_client.frames import format_frames, parse_frames\n"
        "print(format_frames(parse_frames('1-5x2,4')))"
    )
    # -I and -S keep every installed package out.
    command = [find_python(version), "-I", "-S", "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1,3-5\n", "")


@pytest.mark.slow
@every_python_of_nuke
def test_a_matte_goes_from_the_button_to_the_graph(
    tmp_path: Path, engine: Path, find_environment: Callable[[str], str], version: str
) -> None:
    python = find_environment(version)
    folder = tmp_path / "Aufnahme é 1"
    write_shot(folder / "shot", (1001, 1002, 1003), overscan_px=8)
    command = [python, "-I", str(HOST), str(REPOSITORY / "core"), str(engine), str(folder)]
    environment = {**os.environ, "PLATEMATTE_EXR_PYTHON": sys.executable}
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", env=environment, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout.splitlines()[-1])
    assert ".".join(map(str, seen["python"])) == version
    _check_terminal(seen["terminal"], folder)
    _check_windows(seen["windows"], version)


def _check_terminal(seen: dict, folder: Path) -> None:
    assert seen["before"] == "no matte yet: press Matte this frame"
    assert Path(seen["first"]) == folder / "cache/v001"
    assert seen["shown"] == "v001, frames 1001,1003, premultiplied; up to date"
    for frame in (1001, 1003):
        shown = np.load(folder / f"shown.{frame}.npy")
        written = read_exr(folder / f"cache/v001/matte.{frame}.exr")[0][..., :4]
        plate = read_exr(folder / f"shot/plate.{frame}.exr")[0]
        np.testing.assert_array_equal(shown, written)
        assert shown.shape[:2] == plate.shape[:2], "the overscan is not in the graph"
        solid = shown[..., 3] == 1
        assert solid.any() and shown[solid].max() > 3
        np.testing.assert_array_equal(shown[solid][:, :3], plate[solid].astype(np.float16))
    assert "1002" in seen["hole"]
    assert "STALE, changed since: align" in seen["stale"]
    assert seen["second"] == 2
    assert "memory_mib" in seen["refused"]
    assert seen["failed"].startswith("last run: ") and "memory_mib" in seen["failed"]
    assert seen["opened"] is True


def _check_windows(seen: dict, version: str) -> None:
    # v001 to v003 are the terminal's: two mattes and one that the engine refused.
    assert "frames 1001-1003, premultiplied; up to date" in seen["pressed"]
    assert seen["cancelled"].startswith("last run: cancelled.")
    assert f"Python {version}." in seen["report"]
    assert "torch" in seen["report"]
