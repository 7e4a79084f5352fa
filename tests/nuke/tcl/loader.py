"""Reads a .nk or .gizmo by evaluating it: a tree of nodes with their words and their inputs.

    script = load(path.read_text())
    script.nodes[0].children

The stack of inputs is Nuke's: a node pops its inputs, the top one first, and is pushed. A Group
opens a stack of its own until end_group.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tcl import interpreter


class ScriptError(ValueError):
    """The text is no script: an odd list, an end_group too many, a Tcl error."""


@dataclass(eq=False)
class TextNode:
    """One node as the text has it."""

    class_name: str
    knobs: list[tuple[str, str]]
    """(name, word) in the order of the text, `inputs` left out; addUserKnob may come often."""
    inputs: list[Any] = field(default_factory=list)
    """TextNode, None, or what the caller put on the stack, from input 0 on."""
    mask: Any = None
    has_mask: bool = False
    children: list[TextNode] = field(default_factory=list)

    def word(self, knob: str) -> str | None:
        """Return the last word that the text gives to a knob."""
        found = [word for name, word in self.knobs if name == knob]
        return found[-1] if found else None

    @property
    def name(self) -> str | None:
        """Name in the text; None when the text gives none."""
        return self.word("name")

    def child(self, name: str) -> TextNode:
        """Return a node of this group. Raises KeyError."""
        for node in self.children:
            if node.name == name:
                return node
        raise KeyError(name)


@dataclass
class Script:
    """What a text holds at its top level."""

    nodes: list[TextNode] = field(default_factory=list)
    root: TextNode | None = None
    layers: list[list[str]] = field(default_factory=list)
    """[layer, channel, ...] of each add_layer."""
    version: str = ""


def load(text: str, stack: list[Any] | None = None) -> Script:
    """Evaluate a script; `stack` is what lies on the stack before it. Raises ScriptError."""
    return _Loader(list(stack or [])).run(text)


class _Loader:
    def __init__(self, stack: list[Any]) -> None:
        self.script = Script()
        self.handles: list[Any] = []
        self.stacks = [stack]
        self.groups: list[TextNode] = []
        self.failure: ScriptError | None = None

    def run(self, text: str) -> Script:
        commands = {
            "version": self._version,
            "stack": self._stack,
            "push": self._push,
            "add_layer": self._add_layer,
            "clone": self._clone,
            "end_group": self._end_group,
            "define_window_layout_xml": lambda *_: "",
            "pm_node": self._node,
        }
        self.interp = interpreter.make({k: self._keep_failure(v) for k, v in commands.items()})
        self.interp.eval("proc unknown {args} {pm_node {*}$args}")
        # Nuke's own copies begin with `set cut_paste_input [stack 0]`; some files rely on it.
        self.interp.setvar("cut_paste_input", self._stack("0"))
        try:
            self.interp.eval(text)
        except Exception as error:
            raise self.failure or ScriptError(f"Tcl: {error}") from error
        if self.groups:
            raise ScriptError(f"group {self.groups[-1].name} has no end_group")
        return self.script

    def _keep_failure(self, command: Any) -> Any:
        # Tcl forgets the class of a Python error that passes through it.
        def call(*words: str) -> Any:
            try:
                return command(*words)
            except ScriptError as error:
                self.failure = error
                raise

        return call

    def _version(self, *words: str) -> str:
        self.script.version = " ".join(words)
        return ""

    def _handle(self, item: Any) -> str:
        if item is None:
            return "0"
        self.handles.append(item)
        return f"node{len(self.handles) - 1}"

    def _stack(self, index: str) -> str:
        stack = self.stacks[-1]
        return self._handle(stack[-1 - int(index)] if int(index) < len(stack) else None)

    def _push(self, handle: str) -> str:
        if handle == "0":
            self.stacks[-1].append(None)
        elif handle.startswith("node") and handle[4:].isdigit():
            self.stacks[-1].append(self.handles[int(handle[4:])])
        else:
            raise ScriptError(f"push {handle}: no node")
        return ""

    def _add_layer(self, words: str) -> str:
        self.script.layers.append(list(self.interp.splitlist(words)))
        return ""

    def _end_group(self) -> str:
        if not self.groups:
            raise ScriptError("end_group without a group")
        group = self.groups.pop()
        self.stacks.pop()
        self.stacks[-1].append(group)
        return ""

    def _clone(self, handle: str, body: str = "") -> str:
        """A node that shares its knobs with another one; here a node with the same words."""
        if not (handle.startswith("node") and handle[4:].isdigit()):
            raise ScriptError(f"clone {handle}: no node")
        origin = self.handles[int(handle[4:])]
        kept = [pair for pair in origin.knobs if pair[0] != "name"]
        words = [word for pair in kept for word in pair] + list(self.interp.splitlist(body))
        return self._add(origin.class_name, words)

    def _node(self, class_name: str, *body: str) -> str:
        if not class_name[:1].isupper() or len(body) != 1:
            raise ScriptError(f"{class_name} is no command and no node")
        return self._add(class_name, list(self.interp.splitlist(body[0])))

    def _add(self, class_name: str, words: list[str]) -> str:
        if len(words) % 2:
            raise ScriptError(f"{class_name}: a knob without a value: {words[-1]}")
        node = TextNode(class_name, list(zip(words[::2], words[1::2])))  # noqa: B905
        self._take_inputs(node)
        if class_name == "Root":
            self.script.root = node
            return ""
        (self.groups[-1].children if self.groups else self.script.nodes).append(node)
        if class_name in ("Group", "Gizmo", "LiveGroup"):
            self.groups.append(node)
            self.stacks.append([])
        else:
            self.stacks[-1].append(node)
        return ""

    def _take_inputs(self, node: TextNode) -> None:
        text = node.word("inputs")
        node.knobs = [(name, word) for name, word in node.knobs if name != "inputs"]
        plain, _, mask = (text or "1").partition("+")
        try:
            count, masks = int(plain), int(mask or 0)
        except ValueError:
            raise ScriptError(f"{node.class_name}: inputs {text}") from None
        stack = self.stacks[-1]
        node.inputs = [stack.pop() if stack else None for _ in range(count)]
        if masks:
            node.has_mask = True
            node.mask = stack.pop() if stack else None
