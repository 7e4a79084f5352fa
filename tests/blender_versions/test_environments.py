"""Blenders are found or made where people keep them; what is missing is told with what to do."""

from __future__ import annotations

import sys
from pathlib import Path

import environments
import pytest

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="makes programs of shell scripts")


def make_python(path: Path, words: str = "", status: int = 0) -> Path:
    """Write a program that answers for a Python: words on stdout, or on stderr when it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    where = " >&2" if status else ""
    path.write_text(f"#!/bin/sh\necho '{words}'{where}\nexit {status}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any Blender, and without the Pythons to make one of."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    for release in environments.RELEASES.values():
        monkeypatch.delenv("PLATEMATTE_PYTHON" + release.python.replace(".", ""), raising=False)
    for series in environments.RELEASES:
        monkeypatch.delenv(environments.variable_of(series), raising=False)
    return tmp_path / "platematte-tests"


def reason_of(series: str, make: bool = False) -> str:
    look = environments.make_environment if make else environments.find_environment
    with pytest.raises(environments.NoBlender) as caught:
        look(series)
    return str(caught.value)


def test_where_there_is_none_the_reason_says_how_to_make_or_name_one(machine: Path) -> None:
    told = reason_of("4.2")
    assert str(machine / "bpy-4.2") in told
    assert "environments.py --make 4.2" in told and "$PLATEMATTE_BPY_42" in told


def test_without_the_python_of_a_blender_none_is_made(machine: Path) -> None:
    assert "no Python 3.13 ($PLATEMATTE_PYTHON313" in reason_of("5.2", make=True)
    assert not machine.exists()


@posix_only
def test_without_room_on_the_disk_none_is_made(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_python(machine.parent / "bin" / "python3.11")
    monkeypatch.setattr(environments, "_NEEDED_GIB", 2.0**30)
    assert "GiB left" in reason_of("4.2", make=True)
    assert list(machine.iterdir()) == []


@posix_only
def test_an_install_that_fails_leaves_its_last_words_and_no_folder(machine: Path) -> None:
    # It ends well as long as it is asked for nothing.
    make_python(machine.parent / "bin" / "python3.11").write_text(
        '#!/bin/sh\ntest "$2" = "" && exit 0\necho no network >&2\nexit 1\n'
    )
    assert reason_of("4.2", make=True).endswith("failed: no network")
    assert list(machine.iterdir()) == []


@posix_only
def test_the_one_of_the_cache_is_found(machine: Path) -> None:
    python = make_python(machine / "bpy-4.5" / "bin" / "python", "4.5.15 LTS")
    assert environments.find_environment("4.5") == str(python)
    make_python(machine / "bpy-5.0" / "bin" / "python", "noise of a library\n5.0.1")
    assert environments.make_environment("5.0").endswith("bpy-5.0/bin/python")


@posix_only
def test_the_variable_is_asked_first_and_what_it_names_is_taken_or_refused(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_python(machine / "bpy-4.5" / "bin" / "python", "4.5.15 LTS")
    mine = make_python(machine / "mine", "4.5.1 LTS")
    monkeypatch.setenv("PLATEMATTE_BPY_45", str(mine))
    assert environments.find_environment("4.5") == str(mine)
    make_python(mine, "No module named bpy", status=1)
    told = reason_of("4.5", make=True)
    assert told == f"{mine} of $PLATEMATTE_BPY_45: No module named bpy"


@posix_only
def test_another_blender_is_not_taken_for_the_one_that_is_meant(machine: Path) -> None:
    make_python(machine / "bpy-4.5" / "bin" / "python", "4.2.23 LTS")
    assert "is Blender 4.2.23, not 4.5" in reason_of("4.5")


@posix_only
def test_a_library_that_the_system_lacks_is_told_with_the_packages_that_have_it(
    machine: Path,
) -> None:
    words = "ImportError: libXi.so.6: cannot open shared object file"
    make_python(machine / "bpy-5.1" / "bin" / "python", words, status=1)
    assert "libXi.so.6" in reason_of("5.1")
    assert "apt-get install libx11-6" in reason_of("5.1")


def test_ci_installs_every_package_that_is_told() -> None:
    script = Path(__file__).resolve().parents[2] / ".ci" / "run"
    words = script.read_text(encoding="utf-8").split()
    assert [name for name in environments.LIBRARIES.split() if name not in words] == []


def test_a_blender_that_was_asked_for_and_is_not_there_is_a_line_and_status_1(
    machine: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["environments.py", "4.2", "5.1"])
    assert environments.main() == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line[:12] for line in lines] == ["Blender 4.2:", "Blender 5.1:"]
    assert "not here, its tests are skipped: " in lines[0]
