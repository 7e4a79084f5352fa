"""Nodes and groups: names, inputs, knobs, callbacks. What their pixels are is in `render`."""

# Names of methods are Nuke's.
# ruff: noqa: N802

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from doubles import classes
from doubles.formats import Format
from doubles.knobs import NOT_ATTACHED, Knob
from doubles.pixels import Pixels
from doubles.session import current


class Node(Pixels):
    """One node. After nuke.delete every use raises ValueError, as in Nuke."""

    def __init__(self, class_name: str, parent: Group | None, name: str | None = None) -> None:
        current().check_main("making a node")
        self._class = class_name
        self._entry = classes.describe(class_name)
        self._deleted = False
        self._parent = parent
        self._name = ""
        self._inputs: list[Node | None] = []
        self._knobs: dict[str, Knob] = classes.make_knobs(class_name)
        for knob in self._knobs.values():
            knob._node = self
        self._depth = 0
        if parent is not None:
            self._name = parent._free_name(name or self._stem() + "1")
            parent._children.append(self)
            current().note_edit("make " + self._name)
        self._knobs["name"]._value = self._name  # type: ignore[attr-defined]

    def _stem(self) -> str:
        return self._class.rstrip("0123456789")

    def _check(self, what: str) -> None:
        current().check_main(f"Node.{what}")
        if self._deleted:
            raise ValueError(NOT_ATTACHED)

    # Names.
    def Class(self) -> str:
        self._check("Class")
        return self._class

    def name(self) -> str:
        self._check("name")
        return self._name

    def fullName(self) -> str:
        self._check("fullName")
        above = self._parent
        if above is None or above._parent is None:
            return self._name
        return f"{above.fullName()}.{self._name}"

    def setName(self, name: str, uncollide: bool = True, updateExpressions: bool = False) -> None:  # noqa: N803
        self._check("setName")
        self._knobs["name"].setValue(name)  # type: ignore[attr-defined]

    def parent(self) -> Group | None:
        self._check("parent")
        return self._parent

    def root(self) -> Any:
        return current().root

    def __repr__(self) -> str:
        return "<{} {}>".format(self._class, "deleted" if self._deleted else self._name)

    # Knobs.
    def __getitem__(self, name: str) -> Any:
        self._check("knob " + str(name))
        if name not in self._knobs:
            raise NameError(f"knob {name} does not exist in {self._name} ({self._class})")
        return self._knobs[name]

    def knob(self, name: str) -> Any:
        self._check("knob")
        return self._knobs.get(name)

    def knobs(self) -> dict[str, Knob]:
        self._check("knobs")
        return dict(self._knobs)

    def allKnobs(self) -> list[Knob]:
        return list(self.knobs().values())

    def addKnob(self, knob: Knob) -> None:
        self._check("addKnob")
        if knob._name in self._knobs and not self._knobs[knob._name]._is_user:
            raise ValueError(f"{self._name} has a knob {knob._name} of its own")
        knob._node = self
        knob._is_user = True
        self._knobs[knob._name] = knob
        current().note_edit("addKnob " + knob._name)

    def removeKnob(self, knob: Knob) -> None:
        self._check("removeKnob")
        if self._knobs.get(knob._name) is not knob or not knob._is_user:
            raise ValueError(f"{knob._name} is no user knob of {self._name}")
        del self._knobs[knob._name]

    def _knob_changed(self, knob: Knob) -> None:
        if knob._name == "name":
            self._rename(knob._value)  # type: ignore[attr-defined]
        if self._class == "Write" and knob._name == "file_type":
            self._show_exr_knobs()
        self._fire("knobChanged", knob)
        for call in current().callbacks.get("knobChanged", []):
            if call.matches(self):
                current().guarded(lambda call=call: self._with_this(knob, call))

    def _rename(self, wanted: str) -> None:
        assert self._parent is not None, "root has no name to change"
        if not re.match(r"^[A-Za-z_]\w*$", wanted):
            raise ValueError(f"{wanted!r} is no name of a node")
        if wanted != self._name:
            self._name = self._parent._free_name(wanted, self)
        self._knobs["name"]._value = self._name  # type: ignore[attr-defined]

    def _show_exr_knobs(self) -> None:
        made = classes.make_exr_knobs()
        is_exr = self._knobs["file_type"].value() == "exr"  # type: ignore[attr-defined]
        for name, knob in made.items():
            if is_exr and name not in self._knobs:
                knob._node = self
                self._knobs[name] = knob
            elif not is_exr:
                self._knobs.pop(name, None)

    # Callbacks.
    def _fire(self, event: str, knob: Knob | None = None) -> None:
        """Run the Python that stands in the node's own callback knob."""
        script = self._knobs[event]._value  # type: ignore[attr-defined]
        if not script:
            return
        # A callback that sets the knob it is called for calls itself; Nuke's stack ends too.
        if self._depth > 20:
            raise current().refuse(RecursionError(f"{event} of {self._name} never ends"))
        self._depth += 1
        try:
            current().guarded(lambda: self._run(script, knob))
        finally:
            self._depth -= 1

    def _run(self, script: str, knob: Knob | None) -> None:
        """Run embedded Python with thisNode and thisKnob set."""
        import nuke

        code = compile(script, "{}.{}".format(self._name, knob._name if knob else "?"), "exec")
        self._with_this(knob, lambda: exec(code, {"nuke": nuke, "__name__": "__main__"}))

    def _with_this(self, knob: Knob | None, call: Any) -> None:
        session = current()
        session.this.append((self, knob))
        groups = list(session.groups)
        if self._parent is not None:
            session.groups.append(self._parent)
        try:
            call()
        finally:
            session.this.pop()
            session.groups[:] = groups

    # Inputs.
    def maxInputs(self) -> int:
        self._check("maxInputs")
        return int(self._entry["inputs"][1])

    def inputs(self) -> int:
        self._check("inputs")
        connected = [i for i, node in enumerate(self._inputs) if node is not None]
        return connected[-1] + 1 if connected else 0

    def input(self, index: int) -> Node | None:
        self._check("input")
        return self._inputs[index] if index < len(self._inputs) else None

    def setInput(self, index: int, node: Node | None) -> bool:
        self._check("setInput")
        if node is not None:
            node._check("setInput")
            if node._parent is not self._parent:
                raise ValueError(f"{self._name} and {node._name} are in different groups")
        if index >= self.maxInputs():
            return False
        while len(self._inputs) <= index:
            self._inputs.append(None)
        self._inputs[index] = node
        current().note_edit(f"connect {self._name} {index}")
        if "inputChange" in self._knobs["knobChanged"]._value:  # type: ignore[attr-defined]
            change = Knob("inputChange")
            change._node = self
            self._fire("knobChanged", change)
        return True

    def connectInput(self, index: int, node: Node) -> bool:
        return self.setInput(index, node)

    def dependencies(self, what: int = 3) -> list[Node]:
        self._check("dependencies")
        return [node for node in self._inputs if node is not None]

    def dependent(self, what: int = 3, forceEvaluate: bool = True) -> list[Node]:  # noqa: N803
        self._check("dependent")
        beside = self._parent._children if self._parent is not None else []
        return [node for node in beside if self in node._inputs]

    # Place, selection, panel.
    def setSelected(self, selected: bool) -> None:
        self._check("setSelected")
        self._knobs["selected"]._values = [bool(selected)]  # type: ignore[attr-defined]

    def isSelected(self) -> bool:
        self._check("isSelected")
        return bool(self._knobs["selected"]._values[0])  # type: ignore[attr-defined]

    def xpos(self) -> int:
        return int(self["xpos"].value())

    def ypos(self) -> int:
        return int(self["ypos"].value())

    def setXpos(self, x: int) -> None:
        self["xpos"].setValue(x)

    def setYpos(self, y: int) -> None:
        self["ypos"].setValue(y)

    def setXYpos(self, x: int, y: int) -> None:
        self.setXpos(x)
        self.setYpos(y)

    def screenWidth(self) -> int:
        self._check("screenWidth")
        return 80 if current().gui else 0

    def screenHeight(self) -> int:
        self._check("screenHeight")
        return 18 if current().gui else 0

    def showControlPanel(self, forceFloat: bool = False) -> None:  # noqa: N803
        self._check("showControlPanel")
        current().need_gui("a control panel")

    def hideControlPanel(self) -> None:
        self._check("hideControlPanel")


class Group(Node):
    """A node with a graph inside."""

    def __init__(self, class_name: str, parent: Group | None, name: str | None = None) -> None:
        self._children: list[Node] = []
        super().__init__(class_name, parent, name)

    def _free_name(self, wanted: str, owner: Node | None = None) -> str:
        taken = {node._name for node in self._children if node is not owner}
        if wanted not in taken:
            return wanted
        stem = wanted.rstrip("0123456789") or wanted
        number = 1
        while f"{stem}{number}" in taken:
            number += 1
        return f"{stem}{number}"

    def begin(self) -> Group:
        self._check("begin")
        current().groups.append(self)
        return self

    def end(self) -> None:
        session = current()
        if len(session.groups) < 2 or session.groups[-1] is not self:
            raise session.refuse(RuntimeError(f"end of {self._name} without its begin"))
        session.groups.pop()

    def __enter__(self) -> Group:
        return self.begin()

    def __exit__(self, *_: Any) -> None:
        self.end()

    def nodes(self) -> list[Node]:
        self._check("nodes")
        return list(self._children)

    def node(self, name: str) -> Node | None:
        self._check("node")
        first, _, rest = name.partition(".")
        for child in self._children:
            if child._name == first:
                if rest:
                    return child.node(rest) if isinstance(child, Group) else None
                return child
        return None

    def numNodes(self) -> int:
        return len(self.nodes())

    def output(self) -> Node | None:
        self._check("output")
        return next((node for node in self._children if node._class == "Output"), None)

    def maxInputs(self) -> int:
        self._check("maxInputs")
        return sum(node._class == "Input" for node in self._children)

    def _walk(self) -> Iterator[Node]:
        for child in self._children:
            yield child
            if isinstance(child, Group):
                yield from child._walk()


class Root(Group):
    """The script. Its name is the path that it was saved under."""

    def __init__(self) -> None:
        self._modified = False
        super().__init__("Root", None)
        self._name = "root"
        self._knobs["name"]._value = ""  # type: ignore[attr-defined]

    def name(self) -> str:
        return self._knobs["name"].value() or "Root"  # type: ignore[attr-defined, no-any-return]

    def fullName(self) -> str:
        return "root"

    def _knob_changed(self, knob: Knob) -> None:
        if knob._name != "name":
            super()._knob_changed(knob)

    def modified(self) -> bool:
        self._check("modified")
        return self._modified

    def setModified(self, modified: bool) -> None:
        self._check("setModified")
        self._modified = bool(modified)

    def proxy(self) -> bool:
        return bool(self["proxy"].value())

    def setProxy(self, proxy: bool) -> None:
        self["proxy"].setValue(bool(proxy))

    def fps(self) -> int:
        return int(self["fps"].value())

    def firstFrame(self) -> int:
        return int(self["first_frame"].value())

    def lastFrame(self) -> int:
        return int(self["last_frame"].value())

    def format(self) -> Format:
        return self["format"].value()  # type: ignore[no-any-return]


GROUPS: dict[str, Any] = {"Group": Group, "Root": Root}


def make(class_name: str, parent: Group | None, name: str | None = None) -> Node:
    """Make a node of a class. Raises RuntimeError for a class that is not there."""
    made: Node = GROUPS.get(class_name, Node)(class_name, parent, name)
    return made
