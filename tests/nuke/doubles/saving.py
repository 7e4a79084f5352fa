"""Scripts on disk, copy and paste, and the plug-in path."""

# Names of functions and parameters are Nuke's.
# ruff: noqa: N802, N803

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from doubles import script
from doubles.classes import TABLE
from doubles.graph import delete, selectedNodes, thisGroup
from doubles.session import current


def pluginAddPath(path: Any, addToSysPath: bool = True) -> None:
    """Add folders before the others of the plug-in path."""
    current().check_main("nuke.pluginAddPath")
    # Nuke takes a relative one from the folder of the init.py that calls.
    beside = Path(sys._getframe(1).f_code.co_filename).parent
    for folder in [path] if isinstance(path, str) else list(path):
        full = (beside / folder).resolve()
        current().plugin_path.insert(0, full.as_posix())
        if addToSysPath and str(full) not in sys.path:
            sys.path.insert(0, str(full))


def pluginAppendPath(path: str, addToSysPath: bool = True) -> None:
    """Add a folder behind the others."""
    current().check_main("nuke.pluginAppendPath")
    current().plugin_path.append(Path(path).resolve().as_posix())


def pluginPath() -> list[str]:
    """Return the plug-in path."""
    return list(current().plugin_path)


def load(name: str) -> None:
    """Load the plug-in of a class early. Raises RuntimeError for one that is not there."""
    current().check_main("nuke.load")
    if name not in TABLE["classes"]:
        raise RuntimeError(f"{name}: Unknown command")
    current().loaded.append(name)


def scriptClear(force: bool = False) -> None:
    """Delete all nodes."""
    current().check_main("nuke.scriptClear")
    for node in list(current().root._children):
        delete(node)


def scriptSaveAs(path: str, overwrite: int = -1) -> None:
    """Save the script under a path."""
    current().check_main("nuke.scriptSaveAs")
    if Path(path).exists() and overwrite != 1:
        raise RuntimeError(f"{path} exists")
    current().root._knobs["name"]._value = path
    scriptSave()


def scriptSave(path: str | None = None) -> bool:
    """Save the script."""
    running = current()
    running.check_main("nuke.scriptSave")
    target = path or running.root._knobs["name"]._value
    if not target:
        raise RuntimeError("the script has no name")
    Path(target).write_text(
        script.write(running, running.root._children, with_root=True), encoding="utf-8"
    )
    running.root._modified = False
    return True


def scriptOpen(path: str) -> None:
    """Open a script in place of this one."""
    scriptClear()
    scriptReadFile(path)
    current().root._knobs["name"]._value = path
    current().root._modified = False


def scriptReadFile(path: str) -> None:
    """Add a script's nodes to the current group."""
    current().check_main("nuke.scriptReadFile")
    scriptReadText(Path(path).read_text(encoding="utf-8"))


def scriptReadText(text: str) -> None:
    """Add the nodes of a text to the current group."""
    current().check_main("nuke.scriptReadText")
    script.build(text, thisGroup())


def nodeCopy(path: str) -> None:
    """Write what is selected to a file."""
    current().check_main("nuke.nodeCopy")
    Path(path).write_text(
        script.write(current(), selectedNodes(), with_root=False), encoding="utf-8"
    )


def nodePaste(path: str) -> None:
    """Add a file's nodes below what is selected, and select them."""
    current().check_main("nuke.nodePaste")
    chosen = selectedNodes()
    made = script.build(Path(path).read_text(encoding="utf-8"), thisGroup(), chosen[-1:])
    for node in chosen:
        node.setSelected(False)
    for node in made:
        node.setSelected(True)
