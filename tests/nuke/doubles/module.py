"""The `nuke` module itself: its functions, put together and set into sys.modules."""

# Names of functions and parameters are Nuke's.
# ruff: noqa: N802, N803

from __future__ import annotations

import os
import sys
import types
from collections.abc import Callable
from typing import Any

from doubles import execute, formats, knobs, menus, nodes, query, script, session, values
from doubles.channels import declare
from doubles.classes import TABLE
from doubles.nodes import Group, Node, Root
from doubles.session import Session, current


def install(gui: bool = False, version: tuple[int, int, int] = (15, 1, 3)) -> Session:
    """Make `import nuke` give a new double, and return what it knows."""
    running = Session(gui, version)
    session.set_current(running)
    running.root = Root()
    running.groups = [running.root]
    running.root._modified = False
    running.undo_records.clear()
    sys.modules["nuke"] = _module(running)
    return running


def remove() -> None:
    """Take the double away."""
    sys.modules.pop("nuke", None)
    session.set_current(None)


def _module(running: Session) -> types.ModuleType:
    module = types.ModuleType("nuke")
    for source in (knobs, values):
        for name, found in vars(source).items():
            if isinstance(found, type) and issubclass(found, knobs.Knob):
                setattr(module, name, found)
    for function in _FUNCTIONS:
        setattr(module, function.__name__, function)
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
        "ProgressTask": session.ProgressTask, "Format": formats.Format, "Layer": Layer,
        "FrameRange": query.FrameRange, "FrameRanges": query.FrameRanges,
        "addFormat": formats.add_format, "formats": formats.all_formats,
        "menu": menus.menu, "toolbar": menus.toolbar, "Menu": menus.Menu,
        "execute": execute.execute, "render": execute.execute, "nodes": _Nodes(),
    }.items():  # fmt: skip
        setattr(module, name, found)
    for event, pair in _EVENTS.items():
        for prefix in ("add", "remove"):
            setattr(module, prefix + pair, _registrar(prefix, event))
    return module


class Layer:
    """nuke.Layer: makes a layer known."""

    def __init__(self, name: str, channels: list[str]) -> None:
        current().check_main("nuke.Layer")
        declare(name, channels)
        self._name = name

    def name(self) -> str:
        return self._name

    def channels(self) -> list[str]:
        return list(current().layers[self._name])


# Threads.
def executeInMainThread(call: Callable[..., Any], args: Any = (), kwargs: Any = None) -> None:
    """Queue a call for the event loop and go on."""
    bound = _bound(call, args, kwargs)
    current().queue_call(lambda: current().guarded(bound), "executeInMainThread")


def executeInMainThreadWithResult(
    call: Callable[..., Any], args: Any = (), kwargs: Any = None
) -> Any:
    """Queue a call and wait for its result."""
    return current().call_and_wait(_bound(call, args, kwargs), "executeInMainThreadWithResult")


def _bound(call: Callable[..., Any], args: Any, kwargs: Any) -> Callable[[], Any]:
    words = args if isinstance(args, tuple) else (args,)
    return lambda: call(*words, **(kwargs or {}))


# Dialogues and the console.
def message(text: str) -> None:
    """Show a text. Raises RuntimeError without a GUI."""
    current().check_main("nuke.message")
    current().need_gui("nuke.message")
    current().messages.append(text)


def ask(text: str) -> bool:
    """Ask yes or no; the test answers."""
    return bool(current().ask(text, "nuke.ask"))


def askWithCancel(text: str) -> bool:
    """Ask yes, no or cancel; an answer that is an error is raised."""
    answer = current().ask(text, "nuke.askWithCancel")
    if isinstance(answer, BaseException):
        raise answer
    return bool(answer)


def getInput(prompt: str, default: str = "") -> Any:
    """Ask for a text; None is Cancel."""
    return current().ask(prompt, "nuke.getInput")


def getFilename(text: str, *_: Any, **__: Any) -> Any:
    """Ask for a path; None is Cancel."""
    return current().ask(text, "nuke.getFilename")


def tprint(*values: Any, sep: str = " ", end: str = "\n", file: Any = None) -> None:
    """Print to the terminal that Nuke was started from; allowed on any thread."""
    current().log.append(sep.join(str(value) for value in values))


def error(text: str) -> None:
    """Write a text to the error console."""
    current().check_main("nuke.error")
    current().log.append("error: " + text)


def warning(text: str) -> None:
    """Write a text to the error console."""
    current().check_main("nuke.warning")
    current().log.append("warning: " + text)


def debug(text: str) -> None:
    """Write a text to the error console."""
    current().check_main("nuke.debug")
    current().log.append("debug: " + text)


# The graph.
def root() -> Root:
    """Return the script."""
    current().check_main("nuke.root")
    return current().root  # type: ignore[no-any-return]


def thisGroup() -> Group:
    """Return the group that nodes are made in."""
    current().check_main("nuke.thisGroup")
    return current().groups[-1]  # type: ignore[no-any-return]


def thisNode() -> Node:
    """Return the node whose callback runs; outside of one, the group that is current."""
    current().check_main("nuke.thisNode")
    this = current().this
    return this[-1][0] if this else thisGroup()  # type: ignore[no-any-return]


def thisKnob() -> Any:
    """Return the knob whose callback runs, or None."""
    current().check_main("nuke.thisKnob")
    return current().this[-1][1] if current().this else None


def thisParent() -> Any:
    """Return the group that holds the node whose callback runs."""
    return thisNode()._parent


def thisView() -> str:
    """Return the view."""
    return "main"


def views() -> list[str]:
    """Return the names of the script's views."""
    current().check_main("nuke.views")
    return [line.split()[0] for line in current().root["views"].value().splitlines() if line]


def toNode(name: str) -> Node | None:
    """Return a node by its name from the current group, or by its full name from the script."""
    current().check_main("nuke.toNode")
    if not isinstance(name, str):
        raise TypeError(f"nuke.toNode takes a name, not {name!r}")
    if name == "root":
        return current().root  # type: ignore[no-any-return]
    if name.startswith("root."):
        name = name[5:]
    found = thisGroup().node(name) or current().root.node(name)
    return found  # type: ignore[no-any-return]


def exists(name: str) -> bool:
    """Return whether a node or a "node.knob" is there."""
    if toNode(name) is not None:
        return True
    node, _, knob = name.rpartition(".")
    owner = toNode(node) if node else None
    return owner is not None and owner.knob(knob) is not None


def allNodes(filter: str | None = None, group: Any = None, recurseGroups: bool = False,
             ) -> list[Node]:  # fmt: skip
    """Return the nodes of a group."""
    current().check_main("nuke.allNodes")
    scope = group or thisGroup()
    found = list(scope._walk()) if recurseGroups else scope.nodes()
    return [node for node in found if filter is None or node._class == filter]


def selectedNodes(filter: str | None = None) -> list[Node]:
    """Return what is selected in the current group."""
    return [node for node in allNodes(filter) if node.isSelected()]


def selectedNode() -> Node:
    """Return the node that is selected. Raises ValueError for none."""
    chosen = selectedNodes()
    if not chosen:
        raise ValueError("no node selected")
    return chosen[-1]


def createNode(node: str, knobs: str = "", inpanel: bool = True) -> Node:
    """Make a node below what is selected, and select it, as the user's menu does.

    A gizmo on the plug-in path whose text is a Group becomes a group.
    """
    current().check_main("nuke.createNode")
    chosen = selectedNodes()
    above = chosen[-1] if chosen else None
    made = _from_gizmo(node, above) if node not in TABLE["classes"] else _made_below(node, above)
    if knobs:
        made_words = knobs.split()
        for name, word in zip(made_words[::2], made_words[1::2]):  # noqa: B905
            made[name].fromScript(word)
    for other in chosen:
        other.setSelected(False)
    made.setSelected(True)
    _run_callbacks("onUserCreate", made)
    return made


def _made_below(class_name: str, above: Node | None) -> Node:
    made = nodes.make(class_name, thisGroup())
    if above is not None and made.maxInputs():
        made.setInput(0, above)
    script._created(made)
    return made


def _from_gizmo(name: str, above: Node | None) -> Node:
    for folder in current().plugin_path:
        path = os.path.join(folder, name + ".gizmo")
        if os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                return script.build(file.read(), thisGroup(), [above] if above else [])[-1]
    raise RuntimeError(f"{name}: Unknown command")


class _Nodes:
    """nuke.nodes: a class by name, made without inputs and without selection."""

    def __getattr__(self, class_name: str) -> Any:
        if class_name.startswith("__"):
            raise AttributeError(class_name)

        def make(name: str | None = None, inputs: Any = (), **knobs: Any) -> Node:
            made = nodes.make(class_name, thisGroup(), name)
            for index, source in enumerate(inputs):
                made.setInput(index, source)
            for knob, value in knobs.items():
                made[knob].setValue(value)
            script._created(made)
            return made

        return make


def delete(node: Node) -> None:
    """Delete a node; what hung on it has no input there any more."""
    current().check_main("nuke.delete")
    node._check("delete")
    parent = node._parent
    if parent is None:
        raise ValueError("root cannot be deleted")
    node._fire("onDestroy")
    parent._children.remove(node)
    for other in parent._children:
        other._inputs = [None if source is node else source for source in other._inputs]
    current().note_edit("delete " + node._name)
    node._deleted = True
    for inner in getattr(node, "_walk", lambda: ())():
        inner._deleted = True


# Time, channels, plug-ins.
def frame(number: int | None = None) -> int:
    """Return the frame that is shown, or go to another."""
    current().check_main("nuke.frame")
    if number is not None:
        current().frame = int(number)
        return int(number)
    return current().now


def layers(node: Any = None) -> list[str]:
    """Return the layers that are known."""
    current().check_main("nuke.layers")
    return list(current().layers)


def channels(node: Any = None) -> list[str]:
    """Return the channels that are known."""
    current().check_main("nuke.channels")
    return sorted({name for names in current().layers.values() for name in names})


def filename(node: Node, replace: int = 0) -> str | None:
    """Return the file of a Read or Write, its frame pattern filled in on wish."""
    current().check_main("nuke.filename")
    knob = node.knob("file")
    if knob is None or not knob.value():
        return None
    return knob.evaluate() if replace else knob._at_pattern()  # type: ignore[no-any-return]


def pluginAddPath(path: Any, addToSysPath: bool = True) -> None:
    """Add folders before the others of the plug-in path."""
    current().check_main("nuke.pluginAddPath")
    for folder in [path] if isinstance(path, str) else list(path):
        if not os.path.isabs(folder):
            # Nuke takes it from the folder of the init.py that calls.
            folder = os.path.join(os.path.dirname(sys._getframe(1).f_code.co_filename), folder)
        current().plugin_path.insert(0, os.path.abspath(folder).replace(os.sep, "/"))
        if addToSysPath and folder not in sys.path:
            sys.path.insert(0, os.path.abspath(folder))


def pluginAppendPath(path: str, addToSysPath: bool = True) -> None:
    """Add a folder behind the others."""
    current().plugin_path.append(os.path.abspath(path).replace(os.sep, "/"))


def pluginPath() -> list[str]:
    """Return the plug-in path."""
    return list(current().plugin_path)


# Scripts.
def scriptClear(force: bool = False) -> None:
    """Delete all nodes."""
    current().check_main("nuke.scriptClear")
    for node in list(current().root._children):
        delete(node)


def scriptSaveAs(path: str, overwrite: int = -1) -> None:
    """Save the script under a path."""
    current().check_main("nuke.scriptSaveAs")
    if os.path.exists(path) and overwrite != 1:
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
    with open(target, "w", encoding="utf-8") as file:
        file.write(script.write(running, running.root._children, with_root=True))
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
    with open(path, encoding="utf-8") as file:
        scriptReadText(file.read())


def scriptReadText(text: str) -> None:
    """Add the nodes of a text to the current group."""
    current().check_main("nuke.scriptReadText")
    script.build(text, thisGroup())


def nodeCopy(path: str) -> None:
    """Write what is selected to a file."""
    current().check_main("nuke.nodeCopy")
    with open(path, "w", encoding="utf-8") as file:
        file.write(script.write(current(), selectedNodes(), with_root=False))


def nodePaste(path: str) -> None:
    """Add a file's nodes below what is selected, and select them."""
    current().check_main("nuke.nodePaste")
    chosen = selectedNodes()
    with open(path, encoding="utf-8") as file:
        made = script.build(file.read(), thisGroup(), chosen[-1:])
    for node in chosen:
        node.setSelected(False)
    for node in made:
        node.setSelected(True)


# Callbacks.
_EVENTS = {
    "onUserCreate": "OnUserCreate",
    "onCreate": "OnCreate",
    "onDestroy": "OnDestroy",
    "onScriptLoad": "OnScriptLoad",
    "onScriptSave": "OnScriptSave",
    "onScriptClose": "OnScriptClose",
    "knobChanged": "KnobChanged",
    "updateUI": "UpdateUI",
    "autolabel": "Autolabel",
    "beforeRender": "BeforeRender",
    "afterRender": "AfterRender",
    "filenameFilter": "FilenameFilter",
}


class _Callback:
    """One registered callback."""

    def __init__(self, call: Any, args: Any, kwargs: Any, nodeClass: str) -> None:
        self.call = call
        self._run = lambda: call(*args, **(kwargs or {}))
        self._class = nodeClass

    def matches(self, node: Node) -> bool:
        return self._class in ("*", node._class)

    def __call__(self) -> None:
        self._run()


def _registrar(prefix: str, event: str) -> Callable[..., None]:
    def register(call: Any, args: Any = (), kwargs: Any = None, nodeClass: str = "*",
                 node: Any = None) -> None:  # fmt: skip
        current().check_main(f"nuke.{prefix}{_EVENTS[event]}")
        known = current().callbacks.setdefault(event, [])
        if prefix == "add":
            known.append(_Callback(call, args, kwargs, nodeClass))
        else:
            known[:] = [entry for entry in known if entry.call is not call]

    return register


def _run_callbacks(event: str, node: Node) -> None:
    for call in current().callbacks.get(event, []):
        if call.matches(node):
            current().guarded(lambda call=call: node._with_this(None, call))


_FUNCTIONS = [
    executeInMainThread, executeInMainThreadWithResult, message, ask, askWithCancel, getInput,
    getFilename, tprint, error, warning, debug, root, thisGroup, thisNode, thisKnob, thisParent,
    thisView, views, toNode, exists, allNodes, selectedNodes, selectedNode, createNode, delete,
    frame, layers, channels, filename, pluginAddPath, pluginAppendPath, pluginPath, scriptClear,
    scriptSaveAs, scriptSave, scriptOpen, scriptReadFile, scriptReadText, nodeCopy, nodePaste,
]  # fmt: skip
