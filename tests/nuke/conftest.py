"""Fixtures for the tests of the Nuke plug-in: a double of Nuke, as `nuke -t` or with a GUI.

Every test fails that leaves a misuse of Nuke behind (`session.violations`), a callback's error, a
progress bar, or undo switched off. A test that provokes one takes it out of the list.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
PLUGIN = HERE.parents[1] / "nuke_plugin"

sys.path.insert(0, str(HERE))


@pytest.fixture
def session() -> Iterator[Any]:
    """A Nuke without windows (`nuke -t`); `import nuke` gives it."""
    yield from _running(gui=False)


@pytest.fixture
def gui_session() -> Iterator[Any]:
    """A Nuke with windows, whose event loop the test runs by `pump`."""
    yield from _running(gui=True)


@pytest.fixture
def nuke(session: Any) -> Any:
    """The module of `nuke -t`."""
    return sys.modules["nuke"]


@pytest.fixture
def nuke_gui(gui_session: Any) -> Any:
    """The module of a Nuke with windows."""
    return sys.modules["nuke"]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The real engine's program, below a path with spaces and more than ASCII; ended afterwards."""
    from comp import stop_engine, write_engine

    yield write_engine(tmp_path_factory.mktemp("Rechner von Zoë"))
    stop_engine()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """List the planted mistakes with the test that caught each."""
    told = [
        value
        for reports in (
            terminalreporter.getreports("passed"),
            terminalreporter.getreports("failed"),
        )
        for report in reports
        for name, value in report.user_properties
        if name == "seeded bug"
    ]
    if told:
        terminalreporter.section(f"{len(told)} mistakes planted in the Nuke plug-in")
        for line in told:
            terminalreporter.write_line(line)


def _running(gui: bool) -> Iterator[Any]:
    from doubles import install, remove

    path = list(sys.path)
    running = install(gui)
    try:
        yield running
    finally:
        sys.path[:] = path
        # What imported this double's `nuke` must not meet the next test's.
        for name in [n for n in sys.modules if n.partition(".")[0] == "platematte_nuke"]:
            del sys.modules[name]
        remove()
    assert running.violations == []
    assert running.callback_errors == []
    assert running.open_tasks == 0, "a progress bar stayed on the screen"
    assert running.undo_disabled == 0, "undo stayed switched off"
