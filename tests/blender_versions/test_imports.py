"""What the add-on may need: Python 3.11's standard library, Blender, the client, and itself."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ADDON = Path(__file__).resolve().parents[2] / "blender_addon"
# These build it and are not in its package.
BUILDERS = ("package.py", "client_wheel.py")
FILES = sorted(path for path in ADDON.rglob("*.py") if path.name not in BUILDERS)
NUMBERS = ("version", "version_file", "version_cycle")
BLENDERS = ("bpy", "mathutils")
every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)


def read(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 11))


def imports_of(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that are imported by an absolute name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module)


def reads_version(tree: ast.Module) -> bool:
    """Whether `bpy.app.version` or its like is read, by that name or another.

    The text `version_string` is for people, and may be told anywhere.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in NUMBERS:
            # `bpy.app` or a name that was imported as `app`.
            if ast.unparse(node.value).rpartition(".")[2] == "app":
                return True
        elif isinstance(node, ast.ImportFrom) and node.module == "bpy.app":
            return any(alias.name in NUMBERS for alias in node.names)
    return False


@every_file
def test_a_file_imports_the_standard_library_blender_and_the_client_only(path: Path) -> None:
    allowed = {*sys.stdlib_module_names, *BLENDERS, "platematte_client"}
    assert {name.partition(".")[0] for name in imports_of(read(path))} <= allowed


@every_file
def test_a_file_reaches_the_add_on_by_relative_imports_that_exist(path: Path) -> None:
    for node in ast.walk(read(path)):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        folder = path.parents[node.level - 1]
        assert folder.is_relative_to(ADDON), "beyond the add-on, whose name Blender chooses"
        names = [node.module] if node.module else [alias.name for alias in node.names]
        for name in names:
            home = folder / str(name).replace(".", "/")
            is_there = home.with_suffix(".py").is_file() or (home / "__init__.py").is_file()
            # `from . import x` may also take a name out of __init__.py.
            assert is_there or not node.module, f"{path.name} imports {name}"


@every_file
def test_only_compat_reads_the_version_of_blender(path: Path) -> None:
    assert reads_version(read(path)) is (path.name == "compat.py")


@every_file
def test_a_file_leaves_the_path_alone(path: Path) -> None:
    for node in ast.walk(read(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) != ("sys", "path")


def test_the_ways_to_read_the_version_are_known() -> None:
    for text in (
        "import bpy\nif bpy.app.version >= (5, 0, 0): pass",
        "from bpy import app\nprint(app.version)",
        "from bpy.app import version",
    ):
        assert reads_version(ast.parse(text)), text
    for text in (
        "node.version = versions.latest(job.version)",
        "import bpy\nname = bpy.app.version_string",
    ):
        assert not reads_version(ast.parse(text)), text


def test_there_are_files_to_look_at() -> None:
    assert {"__init__.py", "compat.py", "node.py"} <= {path.name for path in FILES}
