"""Fixtures for the client's tests: real engines as commands, and false ones."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

import platematte
from platematte.shot import Shot
from platematte_client.messages import Matte

CORE = Path(platematte.__file__).resolve().parents[1]

# The client takes PYTHONPATH from the engine's environment, so the program names the place itself.
_PROGRAM = """#!{python}
import os, sys
sys.path.insert(0, {core!r})
with open({pids!r}, "a") as file:
    file.write(f"{{os.getpid()}}\\n")
{before}
from platematte.cli.main import main
status = main()
{after}
sys.exit(status)
"""
_FALSE_PROGRAM = """
import json, os, signal, sys, time
def say(**record):
    print(json.dumps(record), flush=True)
def hello():
    say(kind="hello", program="false engine", protocol=1)
{body}
"""


class EngineProgram:
    """A program that runs this repository's engine, and the processes that were started with it."""

    def __init__(self, folder: Path, before: str, after: str) -> None:
        self.path = folder / "platematte"
        self._pids = folder / "pids.txt"
        self.path.write_text(
            _PROGRAM.format(
                python=sys.executable,
                core=str(CORE),
                pids=str(self._pids),
                before=before,
                after=after,
            )
        )
        self.path.chmod(0o755)

    @property
    def command(self) -> list[str]:
        return [sys.executable, str(self.path)]

    @property
    def pids(self) -> list[int]:
        return [int(line) for line in self._pids.read_text().split()]


MakeEngine = Callable[..., EngineProgram]


@pytest.fixture(scope="session")
def make_engine(tmp_path_factory: pytest.TempPathFactory) -> MakeEngine:
    """Builder of the real engine's program: `make_engine(before="...", after="...")`."""

    def build(before: str = "", after: str = "") -> EngineProgram:
        return EngineProgram(tmp_path_factory.mktemp("engine"), before, after)

    return build


@pytest.fixture
def false_engine(tmp_path: Path) -> Callable[[str], list[str]]:
    """Builder of the command of a program that misbehaves: `false_engine("hello(); 1 / 0")`."""

    def build(body: str) -> list[str]:
        path = tmp_path / "false_engine.py"
        path.write_text(_FALSE_PROGRAM.format(body=body))
        return [sys.executable, str(path)]

    return build


@pytest.fixture(scope="session")
def ask(tiny_weights: Path) -> Callable[..., Matte]:
    """Builder of jobs with the tiny network: `ask("a", shot, existing="resume")`."""

    def build(name: str, shot: Shot, existing: str = "refuse") -> Matte:
        told: dict[str, Any] = {key: value for key, value in asdict(shot).items() if value}
        return Matte(
            name, told, {"network": {"weights": str(tiny_weights), "device": "cpu"}}, existing
        )

    return build
