"""Runs the tests of the add-on once inside a Blender, in a process of its own that may die."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "tests" / "blender"
LIMIT_S = 900
"""For all tests in one Blender."""
EXIT_LIMIT_S = 60
"""For the end of the process after its last test: Blender 4.5 hangs there over a class that was
left registered."""
_SILENCE_S = 200
"""After which a test's stack is printed; it may wait inside Blender, where no signal reaches it."""
_POLL_S = 0.2
_KEPT_CHARACTERS = 12000


@dataclass(frozen=True)
class Outcome:
    """What came of the tests in one Blender."""

    counts: Counter[str]
    """How many passed, failed, were skipped."""
    seconds: float
    problem: str
    """Why this was no success; empty when all is well."""
    output: str
    """The end of what was printed."""

    def __str__(self) -> str:
        """Return it as one line."""
        words = [f"{self.counts[k]} {k}" for k in ("passed", "failed", "skipped") if self.counts[k]]
        told = f"{', '.join(words) or 'no test ended'} in {self.seconds:.0f} s"
        return f"{told}; {self.problem}" if self.problem else told


def run_tests(
    python: str,
    engine: Path,
    scratch: Path,
    tests: Path = FOLDER,
    limit_s: float = LIMIT_S,
    exit_limit_s: float = EXIT_LIMIT_S,
) -> Outcome:
    """Run a folder of tests in the Python of a Blender and return when its process is gone.

    engine: the program that the add-on finds. scratch: an empty folder, which holds Blender's
    settings and extensions too, so that none of this machine's has a say.
    """
    report, log = scratch / "report.xml", scratch / "output.txt"
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short", "-rfEs"]
    command += [f"--junitxml={report}", "-o", f"faulthandler_timeout={_SILENCE_S}", str(tests)]
    start = time.monotonic()
    # A file, not a pipe: what a killed test has started may hold a pipe open for ever.
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=_environment(engine, scratch),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            late = _wait(process, report, limit_s, exit_limit_s)
        finally:
            _kill(process)
    counts = _count(report)
    problem = late or _problem(process.returncode, counts)
    text = log.read_text(encoding="utf-8", errors="replace")
    return Outcome(counts, time.monotonic() - start, problem, text[-_KEPT_CHARACTERS:])


def _environment(engine: Path, scratch: Path) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BLENDER_", "PYTEST_"))}
    settings = scratch / "blender"
    settings.mkdir()
    return {
        **kept,
        "PYTHONPATH": os.pathsep.join((str(REPOSITORY / "core"), str(REPOSITORY))),
        "PYTHONDONTWRITEBYTECODE": "1",
        "BLENDER_USER_RESOURCES": str(settings),
        "PLATEMATTE_ENGINE": str(engine),
    }


def _wait(
    process: subprocess.Popen[bytes], report: Path, limit_s: float, exit_limit_s: float
) -> str:
    """Return when the process ended or has had its time; then say which time that was."""
    deadline = time.monotonic() + limit_s
    is_at_end = False
    while process.poll() is None:
        # pytest writes its report when the last test is over and all fixtures are taken down.
        if not is_at_end and report.is_file():
            is_at_end, deadline = True, time.monotonic() + exit_limit_s
        if time.monotonic() > deadline:
            if is_at_end:
                return f"Blender did not end within {exit_limit_s:.0f} s of its last test"
            return f"the tests did not end within {limit_s:.0f} s"
        time.sleep(_POLL_S)
    return ""


def _kill(process: subprocess.Popen[bytes]) -> None:
    # The whole group: also what the tests have started and left behind.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _count(report: Path) -> Counter[str]:
    """Return how many tests passed, failed or were skipped, by what pytest wrote."""
    counts: Counter[str] = Counter()
    if not report.is_file():
        return counts
    try:
        cases = list(ElementTree.parse(report).iter("testcase"))
    except ElementTree.ParseError:
        return counts
    for case in cases:
        ends = {child.tag for child in case}
        if ends & {"failure", "error"}:
            counts["failed"] += 1
        else:
            counts["skipped" if "skipped" in ends else "passed"] += 1
    return counts


def _problem(status: int, counts: Counter[str]) -> str:
    """Return why an end was no success; empty for one that was."""
    if status < 0:
        where = "after the last test" if counts else "in a test"
        return f"Blender was ended by signal {-status} {where}"
    if status and not counts["failed"]:
        return f"pytest ended with status {status}"
    if status or counts["failed"]:
        return "tests failed"
    if not counts["passed"]:
        return "no test passed"
    return ""
