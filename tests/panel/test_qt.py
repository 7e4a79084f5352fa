"""The shim: which binding it takes, and what it says when there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import platematte_panel

CORE = Path(platematte_panel.__file__).resolve().parents[1]
_ABSENT = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {absent!r}:
            raise ImportError("no " + name)
sys.meta_path.insert(0, Absent())
sys.path.insert(0, {core!r})
"""


def run(program: str, *absent: str) -> str:
    """Run a program where some modules cannot be imported; return its last line."""
    text = _ABSENT.format(absent=absent, core=str(CORE)) + program
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return done.stdout.strip().splitlines()[-1]


def test_without_qt_the_error_says_what_to_install() -> None:
    told = run(
        "try:\n    import platematte_panel.qt\n"
        "except ImportError as error:\n    print(type(error).__name__, error)",
        "PySide6",
        "PySide2",
    )
    assert told.startswith("QtMissing")
    assert 'pip install "platematte[gui]"' in told
    assert "no PySide6" in told and "no PySide2" in told


@pytest.mark.parametrize("name", ["PySide2", "PySide6"])
def test_the_binding_that_the_host_has_loaded_is_taken(name: str) -> None:
    other = "PySide6" if name == "PySide2" else "PySide2"
    told = run(
        "import types\n"
        f"for part in ('{name}', '{name}.QtCore', '{name}.QtGui', '{name}.QtWidgets'):\n"
        "    sys.modules[part] = types.ModuleType(part)\n"
        f"sys.modules['{name}.QtCore'].Qt = sys.modules['{name}.QtCore'].Signal = None\n"
        f"sys.modules['{name}.QtGui'].QAction = sys.modules['{name}.QtWidgets'].QAction = None\n"
        "import platematte_panel.qt as qt\n"
        f"assert '{other}.QtCore' not in sys.modules\n"
        "print(qt.BINDING)"
    )
    assert told == name


def test_the_package_and_its_rows_need_no_qt() -> None:
    told = run(
        "import platematte_panel.rows, platematte_panel.shots, platematte_panel.shot_files\n"
        "print('fine')",
        "PySide6",
        "PySide2",
    )
    assert told == "fine"
