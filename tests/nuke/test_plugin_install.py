"""Installation: paths, menus, the package, and that nothing of it can keep Nuke from starting."""

from __future__ import annotations

import ast
import importlib
import runpy
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from comp import PLUGIN

SOURCES = sorted(path for path in PLUGIN.rglob("*.py") if path.name != "package.py")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The unpacked package."""
    built = runpy.run_path(str(PLUGIN / "package.py"))["build_package"](tmp_path)
    with zipfile.ZipFile(built) as packed:
        packed.extractall(tmp_path / "Programme é")
    return tmp_path / "Programme é" / "PlateMatte"


@pytest.fixture
def clean_path() -> Iterator[None]:
    """An interpreter that knows neither plug-in nor client."""
    path, modules = list(sys.path), dict(sys.modules)
    ours = ("platematte_nuke", "platematte_client", "platematte_panel")
    sys.path[:] = [entry for entry in path if not entry.endswith(("/core", "nuke_plugin"))]
    for name in [name for name in modules if name.partition(".")[0] in ours]:
        del sys.modules[name]
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] in ours]:
        del sys.modules[name]
    sys.modules.update({n: m for n, m in modules.items() if n.partition(".")[0] in ours})
    sys.path[:] = path


def test_the_package_holds_all_that_nuke_needs(
    package: Path, clean_path: None, session: Any
) -> None:
    # Before anything is imported: Python leaves its bytecode beside the files.
    assert {path.suffix for path in package.rglob("*") if path.is_file()} <= {
        *(".py", ".gizmo", ".png", ".md", "")
    }
    runpy.run_path(str(package / "init.py"))
    plugin = importlib.import_module("platematte_nuke")
    client = importlib.import_module("platematte_client")
    errors = importlib.import_module("platematte_client.errors")
    panel = importlib.import_module("platematte_nuke.panel")
    widget = importlib.import_module("platematte_panel")
    assert Path(str(plugin.__file__)).is_relative_to(package)
    assert Path(str(client.__file__)).is_relative_to(package)
    assert Path(str(widget.__file__)).is_relative_to(package)
    assert plugin.PlateMatteError is errors.PlateMatteError
    assert (Path(str(widget.__file__)).with_name("widget.py")).is_file()
    assert panel.NodeShots().rows() == []
    import nuke

    node = plugin.create(nuke.nodes.Constant(), nuke.nodes.Constant())
    assert node.Class() == "Group"
    assert nuke.createNode("PlateMatteLive").node("inference").Class() == "Inference"


def test_the_package_is_the_same_every_time(tmp_path: Path) -> None:
    build = runpy.run_path(str(PLUGIN / "package.py"))["build_package"]
    assert build(tmp_path / "a").read_bytes() == build(tmp_path / "b").read_bytes()


def test_init_needs_no_user_interface(session: Any) -> None:
    runpy.run_path(str(PLUGIN / "init.py"))
    import nuke

    assert (PLUGIN / "gizmos").as_posix() in nuke.pluginPath()
    assert session.menus == {}


def test_the_node_is_in_the_toolbar_with_its_icon_and_under_keyer(
    gui_session: Any, clean_path: None
) -> None:
    runpy.run_path(str(PLUGIN / "init.py"))
    runpy.run_path(str(PLUGIN / "menu.py"))
    import nuke

    nodes = nuke.menu("Nodes")
    assert nodes.findItem("PlateMatte").options["icon"] == "PlateMatte.png"
    assert (PLUGIN / "icons" / "PlateMatte.png").is_file()
    nodes.findItem("Keyer/PlateMatte").invoke()
    nodes.findItem("PlateMatte/PlateMatte").invoke()
    nodes.findItem("PlateMatte/PlateMatteLive (NukeX)").invoke()
    groups = [node for node in nuke.allNodes() if node.Class() == "Group"]
    assert len(groups) == 3
    assert groups[2].node("inference") is not None


@pytest.mark.parametrize("name", ["init.py", "menu.py"])
def test_a_failure_prints_its_reason_in_one_line_and_nuke_starts(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def __getattr__(self, what: str) -> Any:
            raise RuntimeError("no " + what)

    monkeypatch.setitem(sys.modules, "nuke", Broken())
    runpy.run_path(str(PLUGIN / name))
    out = capsys.readouterr().out
    assert out.startswith("PlateMatte ")
    assert "RuntimeError: no " in out
    assert out.count("\n") == 1


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_the_plug_in_imports_nuke_its_client_and_the_standard_library_only(path: Path) -> None:
    allowed = {*sys.stdlib_module_names, "nuke", "nukescripts"}
    allowed |= {"platematte_client", "platematte_nuke", "platematte_panel"}
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 7))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.append(str(node.module))
    assert {name.partition(".")[0] for name in found} <= allowed
