"""Functions that make, find and delete nodes, and the names of layers and frames."""

# Names of functions and parameters are Nuke's.
# ruff: noqa: N802, N803

from __future__ import annotations

from pathlib import Path
from typing import Any

from doubles import nodes, script
from doubles.callbacks import run_callbacks
from doubles.channels import declare
from doubles.classes import TABLE
from doubles.nodes import Group, Node, Root
from doubles.session import current


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
    """Return the view that is rendered or shown."""
    return current().view


def views() -> list[str]:
    """Return the names of the script's views."""
    current().check_main("nuke.views")
    return current().views


def addView(name: str) -> None:
    """Add a view to the script."""
    current().check_main("nuke.addView")
    views = current().root["views"]
    views.setValue(views.value().rstrip("\n") + f"\n{name} #ffffff")


def deleteView(name: str) -> None:
    """Take a view out of the script."""
    current().check_main("nuke.deleteView")
    views = current().root["views"]
    kept = [line for line in views.value().splitlines() if line and line.split()[0] != name]
    views.setValue("\n".join(kept))


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


def zoomToFitSelected() -> None:
    """Bring the selected nodes of the group into view. Raises RuntimeError without a GUI."""
    current().check_main("nuke.zoomToFitSelected")
    current().need_gui("nuke.zoomToFitSelected")
    current().views_of_graph.append(("zoom", [node.fullName() for node in selectedNodes()]))


def showDag(n: Group | None = None) -> None:
    """Show the graph inside a group. Raises RuntimeError without a GUI."""
    current().check_main("nuke.showDag")
    current().need_gui("nuke.showDag")
    current().views_of_graph.append(("showDag", [n.fullName()] if n is not None else []))


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
    run_callbacks("onUserCreate", made)
    return made


def _made_below(class_name: str, above: Node | None) -> Node:
    made = nodes.make(class_name, thisGroup())
    if above is not None and made.maxInputs():
        made.setInput(0, above)
    script._created(made)
    return made


def _from_gizmo(name: str, above: Node | None) -> Node:
    for folder in current().plugin_path:
        path = Path(folder) / (name + ".gizmo")
        if path.is_file():
            text = path.read_text(encoding="utf-8")
            return script.build(text, thisGroup(), [above] if above else [])[-1]
    raise RuntimeError(f"{name}: Unknown command")


class Nodes:
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
