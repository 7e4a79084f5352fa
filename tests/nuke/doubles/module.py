"""The `nuke` module itself: its functions, put together and set into sys.modules."""

# Names of functions and parameters are Nuke's.

from __future__ import annotations

import sys
import types

from doubles import (
    buttons,
    callbacks,
    choices,
    console,
    execute,
    formats,
    graph,
    knobs,
    menus,
    panels,
    query,
    saving,
    session,
    values,
)
from doubles.nodes import Group, Node, Root
from doubles.session import Session


def install(gui: bool = False, version: tuple[int, int, int] = (15, 1, 3)) -> Session:
    """Make `import nuke` give a new double, and return what it knows."""
    running = Session(gui, version)
    session.set_current(running)
    running.root = Root()
    running.groups = [running.root]
    running.root._modified = False
    running.undo_records.clear()
    sys.modules["nuke"] = _module(running)
    sys.modules.update(panels.make_modules())
    return running


def remove() -> None:
    """Take the double away."""
    for name in ("nuke", "nukescripts", "nukescripts.panels"):
        sys.modules.pop(name, None)
    session.set_current(None)


def _module(running: Session) -> types.ModuleType:
    module = types.ModuleType("nuke")
    for source in (buttons, choices, knobs, values):
        for name, found in vars(source).items():
            if isinstance(found, type) and issubclass(found, knobs.Knob):
                setattr(module, name, found)
    for source in (console, graph, saving):
        for name, found in vars(source).items():
            # What the file itself defines, but for what it keeps to itself.
            own = getattr(found, "__module__", None) == source.__name__
            if own and not name.startswith("_") and isinstance(found, types.FunctionType):
                setattr(module, name, found)
    for flag in ("STARTLINE", "DISABLED", "INVISIBLE", "DO_NOT_WRITE", "NO_ANIMATION"):
        setattr(module, flag, getattr(knobs, flag))
    major, minor, release = running.version
    text = f"{major}.{minor}v{release}"
    constants = {
        "GUI": running.gui,
        "INTERACTIVE": running.gui,
        "NUKE_VERSION_MAJOR": major,
        "NUKE_VERSION_MINOR": minor,
        "NUKE_VERSION_RELEASE": release,
        "NUKE_VERSION_STRING": text,
        "TABBEGINGROUP": 1,
        "TABBEGINCLOSEDGROUP": 2,
        "TABENDGROUP": -1,
        "INPUTS": 1,
        "HIDDEN_INPUTS": 2,
        "EXPRESSIONS": 4,
        "REPLACE": 1,
    }
    for name, value in constants.items():
        setattr(module, name, value)
    module.env = {  # type: ignore[attr-defined]
        "gui": running.gui,
        "interactive": running.gui,
        "nc": False,
        "indie": False,
        "nukex": False,
        "studio": False,
        "assist": False,
        "threads": 2,
        "WIN32": sys.platform == "win32",
        "LINUX": sys.platform.startswith("linux"),
        "MACOS": sys.platform == "darwin",
        "NukeVersionMajor": major,
        "NukeVersionMinor": minor,
        "NukeVersionRelease": release,
        "NukeVersionString": text,
        "ExecutablePath": f"/usr/local/Nuke{text}/Nuke{major}.{minor}",
    }
    for name, found in {
        "Node": Node, "Group": Group, "Root": Root, "Knob": knobs.Knob, "Undo": session.Undo,
        "ProgressTask": session.ProgressTask, "Format": formats.Format, "Layer": graph.Layer,
        "FrameRange": query.FrameRange, "FrameRanges": query.FrameRanges,
        "addFormat": formats.add_format, "formats": formats.all_formats,
        "menu": menus.menu, "toolbar": menus.toolbar, "Menu": menus.Menu,
        "execute": execute.execute, "render": execute.execute, "nodes": graph.Nodes(),
    }.items():  # fmt: skip
        setattr(module, name, found)
    for event, pair in callbacks.EVENTS.items():
        for prefix in ("add", "remove"):
            setattr(module, prefix + pair, callbacks.registrar(prefix, event))
    return module
