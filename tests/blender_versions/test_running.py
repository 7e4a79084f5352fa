"""A Blender that crashes, hangs or does not end fails its own test, in time, and says how."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import running

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="ends processes by their group")


def run(
    folder: Path,
    body: str,
    limit_s: float = 120,
    exit_limit_s: float = 60,
    python: str = sys.executable,
) -> running.Outcome:
    """Run tests of these lines in a Python; this one, as if it were a Blender's."""
    tests, scratch = folder / "tests", folder / "scratch"
    tests.mkdir()
    scratch.mkdir()
    (tests / "test_it.py").write_text("import os, time, pytest\n" + body, encoding="utf-8")
    engine = folder / "engine"
    return running.run_tests(python, engine, scratch, tests, limit_s, exit_limit_s)


def test_all_is_well_when_tests_pass_and_the_process_ends(tmp_path: Path) -> None:
    outcome = run(
        tmp_path,
        "def test_a(): pass\ndef test_b(): pass\ndef test_c(): pytest.skip('no 5.x')\n",
    )
    assert outcome.problem == ""
    assert str(outcome).startswith("2 passed, 1 skipped in ")
    assert "no 5.x" in outcome.output


def test_a_failure_is_counted_and_its_words_are_passed_on(tmp_path: Path) -> None:
    outcome = run(tmp_path, "def test_a(): pass\ndef test_b(): assert 3 == 4, 'half a frame'\n")
    assert outcome.problem == "tests failed"
    assert (outcome.counts["passed"], outcome.counts["failed"]) == (1, 1)
    assert "half a frame" in outcome.output


def test_a_crash_is_told_by_its_signal_and_the_stack(tmp_path: Path) -> None:
    outcome = run(tmp_path, "def test_a(): os.kill(os.getpid(), 11)\n")
    assert outcome.problem == "Blender was ended by signal 11 in a test"
    assert "Segmentation fault" in outcome.output and "test_a" in outcome.output


def test_a_crash_after_the_last_test_is_no_success(tmp_path: Path) -> None:
    outcome = run(
        tmp_path,
        "import atexit\ndef test_a(): atexit.register(os.kill, os.getpid(), 11)\n",
    )
    assert outcome.counts["passed"] == 1
    assert outcome.problem == "Blender was ended by signal 11 after the last test"


def test_a_test_that_hangs_is_ended_in_time(tmp_path: Path) -> None:
    start = time.monotonic()
    outcome = run(tmp_path, "def test_a(): time.sleep(600)\n", limit_s=3)
    assert outcome.problem == "the tests did not end within 3 s"
    assert time.monotonic() - start < 30


def test_a_hang_at_the_exit_is_ended_in_time_and_told_apart(tmp_path: Path) -> None:
    start = time.monotonic()
    outcome = run(
        tmp_path,
        "import atexit\ndef test_a(): atexit.register(time.sleep, 600)\n",
        exit_limit_s=2,
    )
    assert outcome.problem == "Blender did not end within 2 s of its last test"
    assert outcome.counts["passed"] == 1
    assert time.monotonic() - start < 30


def test_what_a_test_left_running_is_ended_and_holds_nothing_up(tmp_path: Path) -> None:
    start = time.monotonic()
    outcome = run(
        tmp_path,
        "import subprocess, sys\n"
        "def test_a():\n"
        "    left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "    open('left.txt', 'w').write(str(left.pid))\n"
        "@pytest.fixture(autouse=True)\n"
        "def here(monkeypatch): monkeypatch.chdir(os.path.dirname(__file__))\n",
    )
    assert outcome.problem == ""
    assert time.monotonic() - start < 30
    left = int((tmp_path / "tests" / "left.txt").read_text())
    # A signal takes a moment to arrive.
    deadline = time.monotonic() + 10
    while _is_running(left) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _is_running(left)


def test_no_test_at_all_is_no_success(tmp_path: Path) -> None:
    assert run(tmp_path, "").problem == "pytest ended with status 5"


def test_tests_that_are_all_skipped_are_no_success(tmp_path: Path) -> None:
    assert run(tmp_path, "def test_a(): pytest.skip('none')\n").problem == "no test passed"


def _is_running(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return False
    # Ended, and not yet collected by whoever inherited it.
    return state[0] not in "ZX"


@pytest.mark.slow
@pytest.mark.blender
@pytest.mark.parametrize("series", ["4.2", "4.5"])
def test_an_add_on_that_was_left_registered_is_found_out_at_the_end(
    series: str, find_blender: Callable[[str], str], tmp_path: Path
) -> None:
    outcome = run(
        tmp_path,
        "def test_a():\n    import blender_addon\n    blender_addon.register()\n",
        exit_limit_s=10,
        python=find_blender(series),
    )
    assert outcome.counts["passed"] == 1
    assert (
        outcome.problem
        == {
            "4.2": "Blender was ended by signal 11 after the last test",
            "4.5": "Blender did not end within 10 s of its last test",
        }[series]
    )
