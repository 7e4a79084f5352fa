"""The tests of the widget, its window and the real engine once more, under PySide2 (Nuke to 15)."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from pyside2 import NoPySide2, find_pyside2

pytest.importorskip("numpy", reason="runs in the engine's Python")
pytestmark = pytest.mark.slow

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
FILES = (
    "test_rows.py",
    "test_orders.py",
    "test_shot_files.py",
    "test_dialogs.py",
    "test_widget.py",
    "test_window.py",
    "test_real_engine.py",
)
LIMIT_S = 280


def test_all_of_it_holds_under_pyside2(real_shot: dict[str, str]) -> None:
    try:
        python = find_pyside2()
    except NoPySide2 as error:
        pytest.skip(f"no PySide2: {error}")
    command = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short"]
    # The folder above has the engine's fixtures, and numpy with them.
    command += [f"--confcutdir={HERE}", *(str(HERE / name) for name in FILES)]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "core")}
    environment["PLATEMATTE_TEST_REAL_SHOT"] = json.dumps(real_shot)
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    done = subprocess.run(
        command,
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed is not None
    # All of them, and none left out in silence.
    assert int(passed.group(1)) > 70
    assert "skipped" not in done.stdout


def test_it_is_pyside2_that_is_meant() -> None:
    try:
        python = find_pyside2()
    except NoPySide2 as error:
        pytest.skip(f"no PySide2: {error}")
    told = subprocess.run(
        [
            python,
            "-c",
            "from platematte_panel.qt import BINDING, QtCore; print(BINDING, QtCore.qVersion())",
        ],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / "core")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.startswith("PySide2 5.15")
