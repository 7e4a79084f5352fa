"""The client in the Pythons of real hosts (Nuke 13 has 3.7), with the real engine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import platematte_client
from platematte.shot import Shot

HOST = Path(__file__).with_name("old_host.py")
CORE = Path(platematte_client.__file__).resolve().parents[1]
PATIENCE_S = 240


@pytest.mark.parametrize("version", ["3.7", "3.9", "3.10", "3.13"])
def test_a_host_of_this_python_starts_asks_cancels_and_stops_the_engine(
    tmp_path: Path,
    make_shot: Callable[..., Shot],
    make_engine: Callable[..., Any],
    tiny_weights: Path,
    find_python: Callable[[str], str],
    version: str,
) -> None:
    python = find_python(version)
    shot = make_shot(tmp_path, frames=2)
    folder = make_engine().path
    arguments = [CORE, folder, shot.plate, shot.clean, shot.out, tiny_weights]
    done = subprocess.run(
        # -I and -S keep every installed package out.
        [python, "-I", "-S", "-W", "error", str(HOST), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    result = json.loads(done.stdout)
    assert ".".join(map(str, result["python"])) == version
    assert [kind for kind in result["done"] if kind != "stage"] == [
        "start",
        "frame",
        "frame",
        "done",
    ]
    assert result["again"] == "output-exists"
    assert result["cancelled"] == "cancelled"
    assert result["is_running"] is False
    assert "my last words" in result["died"]
    assert result["kept"] == [2, "-1,1001,1003,1005", [1]]
    assert "--overwrite" in result["warmed"]
    assert "torch" in result["doctor"]
    assert result["foreign"] == []
