"""`platematte gui` as a command: what it says where it cannot open a window."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("numpy", reason="runs in the engine's Python")

CORE = Path(__file__).resolve().parents[2] / "core"


def run(*arguments: str, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, with these variables set; "" takes one away."""
    program = f"import sys\nsys.path.insert(0, {str(CORE)!r})\n{before}\n"
    program += "from platematte.cli.main import main\nsys.exit(main())"
    values = {**os.environ, **environment}
    return subprocess.run(
        [sys.executable, "-c", program, "gui", *arguments],
        env={name: value for name, value in values.items() if value},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_without_qt_it_names_the_extra_to_install() -> None:
    hide = "for name in ('PySide6', 'PySide2'): sys.modules[name] = None"
    done = run(before=hide)
    assert done.returncode == 1
    assert "needs Qt for Python" in done.stderr
    assert 'pip install "platematte[gui]"' in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a screen")
def test_without_a_screen_it_says_so_instead_of_being_aborted_by_qt() -> None:
    pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
    done = run(QT_QPA_PLATFORM="", DISPLAY="", WAYLAND_DISPLAY="")
    assert done.returncode == 1
    assert "no screen" in done.stderr


def test_wrong_settings_are_refused_before_a_window_opens() -> None:
    done = run("--set", "solve.temporl=off")
    assert done.returncode == 2
    assert "temporal" in done.stderr


def test_a_window_opens_over_the_shots_and_ends_well(tmp_path: Path) -> None:
    pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
    listed = tmp_path / "shots.txt"
    listed.write_text("a/plate.####.exr a/clean.exr 1-2\n")
    live = (
        "import platematte_panel.app as app\n"
        "def run_event_loop(application):\n"
        "    for _ in range(10): application.processEvents()\n"
        "    windows = [w for w in application.topLevelWidgets() if isinstance(w, app.Window)]\n"
        "    print(windows[0].isVisible(), windows[0].panel.summary.text())\n"
        "    windows[0].close()\n"
        "    return 0\n"
        "app.run_event_loop = run_event_loop"
    )
    done = run(str(listed), before=live)
    assert (done.returncode, done.stdout) == (0, "True 1 shot: 1 not started\n"), done.stderr


def test_settings_and_shots_reach_the_window_and_the_engine_is_this_program() -> None:
    pytest.importorskip("PySide6.QtWidgets", reason="needs PySide6", exc_type=ImportError)
    catch = (
        "import json, platematte_panel.app as app\n"
        "app.run_application = lambda *told: print(json.dumps(told)) or 0"
    )
    done = run("a.txt", "b", "--set", "solve.temporal=off", "--layers", "clean", before=catch)
    assert done.returncode == 0, done.stderr
    command, settings, paths = json.loads(done.stdout)
    assert command == [sys.executable, "-m", "platematte.cli.main"]
    assert paths == ["a.txt", "b"]
    assert settings["solve"] == {"temporal": "off"}
    assert settings["output"]["layers"] == ["clean"]
