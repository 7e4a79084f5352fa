"""Pythons of hosts are found wherever people keep them; one that does not start is none."""

from __future__ import annotations

import sys
from pathlib import Path

import interpreters
import pytest

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="makes programs of shell scripts")


def make_python(path: Path, status: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\nexit {status}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any of them."""
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("PLATEMATTE_PYTHON37", raising=False)
    return tmp_path


def test_where_there_is_none_a_line_says_how_to_name_one(machine: Path) -> None:
    assert interpreters.find_interpreter("3.7") is None
    told = interpreters.describe("3.7")
    assert "Python 3.7 (Nuke 13): not found, its tests are skipped" in told
    assert "$PLATEMATTE_PYTHON37" in told


@posix_only
def test_the_variable_is_asked_first_then_pyenv_then_path(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = make_python(machine / "bin" / "python3.7")
    assert interpreters.find_interpreter("3.7") == str(on_path)
    in_pyenv = make_python(machine / "pyenv" / "versions" / "3.7.16" / "bin" / "python3.7")
    make_python(machine / "pyenv" / "versions" / "3.70.1" / "bin" / "python3.7")
    assert interpreters.find_interpreter("3.7") == str(in_pyenv)
    named = make_python(machine / "mine")
    monkeypatch.setenv("PLATEMATTE_PYTHON37", str(named))
    assert interpreters.find_interpreter("3.7") == str(named)
    assert str(named) in interpreters.describe("3.7")


@posix_only
def test_a_program_that_does_not_start_is_passed_over(machine: Path) -> None:
    make_python(machine / "bin" / "python3.7", status=127)
    assert interpreters.find_interpreter("3.7") is None


@posix_only
def test_an_environment_without_numpy_is_none(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATEMATTE_HOST_ENVIRONMENTS", str(machine / "hosts"))
    assert interpreters.find_environment("3.7") is None
    python = make_python(machine / "hosts" / "3.7" / "bin" / "python", status=1)
    assert interpreters.find_environment("3.7") is None
    make_python(python, status=0)
    assert interpreters.find_environment("3.7") == str(python)
