"""Fixtures for what starts Blenders, and the list of Blenders that ran at the end of the output."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.append(str(Path(__file__).resolve().parents[1] / "blender"))

import environments

TESTS = Path(__file__).resolve().parents[1]
PROPERTY = "Blender"


@pytest.fixture(scope="session")
def find_blender() -> Callable[[str], str]:
    """Finder of a Python with `bpy`, by series as in "4.2"; skips the test where there is none."""

    # Each look is a start of that Blender.
    @functools.cache
    def look(series: str) -> tuple[str, str]:
        try:
            return environments.find_environment(series), ""
        except environments.NoBlender as error:
            return "", str(error)

    def find(series: str) -> str:
        python, reason = look(series)
        if reason:
            pytest.skip(f"Blender {series}: {reason}")
        return python

    return find


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real engine's program: that of this Python and this repository."""
    sys.path.insert(0, str(TESTS / "nuke"))
    from comp import write_engine

    return write_engine(tmp_path_factory.mktemp("Rechner von Zoë"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """List the Blenders: how many tests passed in each, or why it did not run."""
    told = []
    for verdict in ("passed", "failed", "error", "skipped"):
        for report in terminalreporter.getreports(verdict):
            told += [value for name, value in report.user_properties if name == PROPERTY]
    if not told:
        return
    ran = sum("not run" not in line for line in told)
    terminalreporter.section(f"the add-on's tests in {ran} of {len(told)} Blenders")
    for line in sorted(told):
        terminalreporter.write_line(line)
    terminalreporter.write_line("no window was opened: `make test-blender-gui` does that")
