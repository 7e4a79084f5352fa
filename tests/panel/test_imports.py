"""What the panel's package may need: Python 3.7's standard library, the client, Qt in one file."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import platematte_panel

FILES = sorted(Path(platematte_panel.__file__).parent.glob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_imports_the_standard_library_and_the_client_only(path: Path) -> None:
    allowed = {*sys.stdlib_module_names, "platematte_client", "platematte_panel"}
    tree = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 7))
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level
            names.append(str(node.module))
    assert {name.partition(".")[0] for name in names} <= allowed


def test_only_the_shim_knows_the_names_of_the_bindings_modules() -> None:
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        assert "import PySide" not in text and "from PySide" not in text, path.name


def test_there_are_files_to_look_at() -> None:
    assert {"qt.py", "widget.py", "shot_files.py"} <= {path.name for path in FILES}
