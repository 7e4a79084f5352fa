"""The command as a process: signals, a full disk, and what starting it costs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import platematte
from platematte.images.write import read_attributes
from platematte.shot import Shot

MakeShot = Callable[..., Shot]

FRAMES = 40
CORE = Path(platematte.__file__).resolve().parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(CORE)}
# Long enough for a machine on which everything else is busy.
PATIENCE_S = 120

posix_only = pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX systems")


def command(shot: Shot, weights: Path, *flags: str) -> list[str]:
    module = [sys.executable, "-m", "platematte.cli.main"]
    arguments = ["matte", shot.plate, shot.clean, "--out", shot.out, "--weights", str(weights)]
    return [*module, *arguments, "--device", "cpu", *flags]


def imported_after(statement: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter has after a statement."""
    program = f"import sys\n{statement}\nprint(*{{n.split('.')[0] for n in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=ENVIRONMENT
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def whole_frames(folder: Path) -> list[str]:
    """Return what is in the folder; every file of it must be a whole frame of ours."""
    names = sorted(os.listdir(folder))  # noqa: PTH208
    assert all(name.startswith("matte.") and name.endswith(".exr") for name in names), names
    assert all(read_attributes(folder / name) for name in names)
    return names


def test_importing_the_package_brings_no_library_with_it() -> None:
    found = imported_after("import platematte; platematte.__version__")
    assert "platematte" in found
    assert found.isdisjoint({"torch", "numpy", "cv2", "OpenImageIO", "av", "rich", "msgspec"})


def test_a_missing_plate_is_told_without_waiting_for_torch(tmp_path: Path) -> None:
    shot = (str(tmp_path / "plate.####.exr"), str(tmp_path / "clean.exr"))
    arguments = ["matte", *shot, "--out", str(tmp_path / "out.####.exr")]
    found = imported_after(f"from platematte.cli.main import main\nassert main({arguments!r}) == 3")
    assert "OpenImageIO" in found
    assert "torch" not in found


def test_shots_and_settings_are_made_without_torch() -> None:
    found = imported_after(
        "from platematte import MatteSettings, Shot; MatteSettings(); Shot('p', 'c', 'o')"
    )
    assert found.isdisjoint({"torch", "numpy", "cv2", "OpenImageIO"})


def test_help_is_printed_without_torch() -> None:
    found = imported_after(
        "from platematte.cli.main import main\n"
        "import contextlib, io\n"
        "with contextlib.redirect_stdout(io.StringIO()) as text:\n"
        "    try: main(['matte', '--help'])\n"
        "    except SystemExit: pass\n"
        "assert '--resume' in text.getvalue()"
    )
    assert found.isdisjoint({"torch", "cv2", "av"})


def test_wrong_settings_are_refused_without_torch() -> None:
    found = imported_after(
        "from platematte.cli.main import main\n"
        "flags = ['--out', 'o', '--set', 'a.b=1', '--progress', 'none']\n"
        "assert main(['matte', 'p', 'c', *flags]) == 2"
    )
    assert "torch" not in found


@posix_only
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_whole_frames_and_resume_finishes_the_shot(
    tmp_path: Path, make_shot: MakeShot, tiny_weights: Path, number: signal.Signals, status: int
) -> None:
    shot = make_shot(tmp_path, frames=FRAMES)
    arguments = command(shot, tiny_weights, "--progress", "json")
    with subprocess.Popen(
        arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["kind"] == "frame":
                process.send_signal(number)
                break
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == status, err
    assert "cancelled" in err
    assert "--resume" in err
    assert "Traceback" not in err
    assert json.loads(out.splitlines()[-1])["exit_status"] == status
    left = whole_frames(tmp_path / "out")
    assert 1 <= len(left) < FRAMES
    before = {name: (tmp_path / "out" / name).stat().st_mtime_ns for name in left}
    resumed = subprocess.run(
        command(shot, tiny_weights, "--progress", "none", "--resume"),
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=PATIENCE_S,
    )
    assert resumed.returncode == 0, resumed.stderr
    assert len(whole_frames(tmp_path / "out")) == FRAMES
    assert {n: (tmp_path / "out" / n).stat().st_mtime_ns for n in left} == before


@posix_only
def test_a_full_disk_is_status_1_with_the_reason_and_no_half_frame(
    tmp_path: Path, make_shot: MakeShot, tiny_weights: Path
) -> None:
    shot = make_shot(tmp_path, frames=4)

    def no_file_over_4_kib() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = subprocess.run(
        command(shot, tiny_weights, "--progress", "none"),
        capture_output=True,
        text=True,
        env={**ENVIRONMENT, "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=PATIENCE_S,
        preexec_fn=no_file_over_4_kib,
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "frame 1001" in done.stderr
    assert "did not reach the disk" in done.stderr or "File too large" in done.stderr
    assert "GiB free" in done.stderr
    assert "free space" in done.stderr
    assert whole_frames(tmp_path / "out") == []
