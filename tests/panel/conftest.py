"""Fixtures for the panel's tests.

They run in the Python of the engine, under PySide6, and once more in one that has PySide2, pytest
and nothing else (test_pyside2.py): so nothing here imports the engine, numpy or OpenImageIO before
a fixture needs it.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Before Qt is loaded. A test must not open windows on a developer's screen.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

REAL_SHOT = "PLATEMATTE_TEST_REAL_SHOT"
"""Environment variable: plate, clean plate and engine as JSON, made by the engine's Python."""


@pytest.fixture(scope="session")
def application() -> Iterator[Any]:
    """The one QApplication of the process; skips where there is no Qt."""
    try:
        from platematte_panel.qt import QtWidgets
    except ImportError as error:
        pytest.skip(str(error))
    running = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["tests"])
    running.setStyle("Fusion")
    yield running


@pytest.fixture(scope="session")
def real_shot(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A shot of three frames on disk, and the real engine's program."""
    given = os.environ.get(REAL_SHOT)
    if given:
        return json.loads(given)  # type: ignore[no-any-return]
    sys.path.insert(0, str(HERE.parent / "nuke"))
    from comp import write_engine, write_shot

    folder = tmp_path_factory.mktemp("Aufnahme é 1")
    write_shot(folder / "shot", (1001, 1002, 1003))
    return {
        "plate": (folder / "shot" / "plate.####.exr").as_posix(),
        "clean": (folder / "shot" / "clean.exr").as_posix(),
        "engine": str(write_engine(tmp_path_factory.mktemp("engine"))),
    }
