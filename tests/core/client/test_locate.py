"""Where the engine is looked for, and what is said when it is not there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from platematte_client import locate
from platematte_client.engine import EngineMissing, find_engine

MakeProgram = Callable[..., Path]


@pytest.fixture(autouse=True)
def _nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty PATH, home and usual places, so that this machine's own install is not found."""
    monkeypatch.delenv(locate.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(locate, "usual_places", lambda: [tmp_path / "usual"])


@pytest.fixture
def make_program(tmp_path: Path) -> MakeProgram:
    """Builder of an empty program: `make_program("env/bin/platematte", mode=0o644)`."""

    def build(name: str, mode: int = 0o755) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(mode)
        return path

    return build


def test_an_explicit_program_wins_over_all_others(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(locate.VARIABLE, str(make_program("variable/platematte")))
    make_program("path/platematte")
    explicit = make_program("a folder é/engine")
    assert find_engine(str(explicit)) == [str(explicit)]


def test_the_variable_wins_over_path_and_path_over_usual_places(
    make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = make_program("usual/bin/platematte")
    assert find_engine() == [str(usual)]
    on_path = make_program("path/platematte")
    assert find_engine() == [str(on_path)]
    named = make_program("variable/platematte")
    monkeypatch.setenv(locate.VARIABLE, str(named))
    assert find_engine() == [str(named)]
    assert find_engine("  ") == [str(named)]


@pytest.mark.parametrize(
    "program", ["env/bin/platematte", "env/Scripts/platematte.exe", "env/.venv/bin/platematte"]
)
def test_the_folder_of_an_environment_is_enough(
    tmp_path: Path, make_program: MakeProgram, program: str
) -> None:
    path = make_program(program)
    assert find_engine(str(tmp_path / "env")) == [str(path)]


@pytest.mark.parametrize("name", ["python", "python3", "python3.11", "pythonw.exe", "Python.exe"])
def test_a_python_runs_the_engine_as_a_module(make_program: MakeProgram, name: str) -> None:
    path = make_program(f"env/bin/{name}")
    assert find_engine(str(path)) == [str(path), "-m", "platematte.cli.main"]


def test_a_python_that_is_a_link_is_not_followed_out_of_its_environment(
    tmp_path: Path, make_program: MakeProgram
) -> None:
    link = tmp_path / "env" / "bin" / "python"
    link.parent.mkdir(parents=True)
    link.symlink_to(make_program("system/python3"))
    assert find_engine(str(link))[0] == str(link)


def test_home_quotes_and_relative_paths_are_understood(
    tmp_path: Path, make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_program("home/pm/bin/platematte")
    assert find_engine("~/pm") == [str(path)]
    assert find_engine(f'"{path}"') == [str(path)]
    monkeypatch.chdir(tmp_path)
    assert find_engine("home/pm") == [str(path)]


def test_what_is_named_is_never_replaced_by_another_find(
    tmp_path: Path, make_program: MakeProgram, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_program("path/platematte")
    with pytest.raises(EngineMissing, match=r"the path given: there is no .*gone"):
        find_engine(str(tmp_path / "gone"))
    monkeypatch.setenv(locate.VARIABLE, str(tmp_path / "gone"))
    with pytest.raises(EngineMissing, match=r"PLATEMATTE_ENGINE: there is no .*gone"):
        find_engine()
    with pytest.raises(EngineMissing, match="~nobody-of-this-name"):
        find_engine("~nobody-of-this-name/env")


def test_an_environment_without_platematte_and_a_file_that_is_no_program_are_told_apart(
    tmp_path: Path, make_program: MakeProgram
) -> None:
    (tmp_path / "env" / "bin").mkdir(parents=True)
    with pytest.raises(EngineMissing, match="not installed there"):
        find_engine(str(tmp_path / "env"))
    with pytest.raises(EngineMissing, match="no program that you may run"):
        find_engine(str(make_program("plain", mode=0o644)))


def test_nothing_found_says_all_that_was_tried_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing) as caught:
        find_engine()
    told = str(caught.value)
    assert "PLATEMATTE_ENGINE is not set" in told
    assert "on PATH" in told
    assert str(tmp_path / "usual") in told
    assert "pip install ." in told
    assert told.count("PLATEMATTE_ENGINE") == 2
