"""What the client may need: Python 3.7's standard library and nothing else."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import platematte_client

FOLDER = Path(platematte_client.__file__).resolve().parent
FILES = sorted(FOLDER.glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_imports_the_standard_library_and_the_client_only(path: Path) -> None:
    allowed = {*sys.stdlib_module_names, "platematte_client"}
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 7))
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level
            names.append(str(node.module))
    assert {name.partition(".")[0] for name in names} <= allowed


@pytest.mark.parametrize("version", ["3.7", "3.11", "3.13"])
def test_the_client_imports_without_any_package(
    find_python: Callable[[str], str], version: str
) -> None:
    modules = ", ".join(
        f"platematte_client.{path.stem}" for path in FILES if path.stem != "__init__"
    )
    program = (
        f"import sys; sys.path.insert(0, {str(FOLDER.parent)!r}); import {modules}; print('good')"
    )
    done = subprocess.run(
        # -I and -S keep every installed package out.
        [find_python(version), "-I", "-S", "-W", "error", "-c", program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("good\n", "")


def test_there_are_files_to_look_at() -> None:
    assert {"engine.py", "frames.py", "versions.py", "warm.py"} <= {path.name for path in FILES}
