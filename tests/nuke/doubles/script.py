"""Scripts as text: building nodes from what the Tcl loader read, and writing nodes out."""

from __future__ import annotations

from typing import Any

from doubles import classes, text
from doubles.buttons import Link_Knob, Script_Knob, Tab_Knob
from doubles.channels import declare
from doubles.choices import Enumeration_Knob
from doubles.knobs import DO_NOT_WRITE, FLAGS
from doubles.nodes import Group, Node, make
from doubles.session import Session, current

_BUILT_IN = ("rgb", "rgba", "alpha", "depth", "forward", "backward", "mask")


def build(source: str, group: Group, stack: list[Any] | None = None) -> list[Node]:
    """Make the nodes of a script inside a group and return those of its top level.

    `stack` holds nodes that the first of them may connect to. Raises what the loader and the
    knobs raise: ScriptError, RuntimeError for a class, NameError for a knob.
    """
    from tcl import loader

    read = loader.load(source, stack)
    for layer, *names in read.layers:
        declare(layer, names)
    if read.root is not None:
        _load_knobs(current().root, read.root.knobs)
    made: dict[int, Node] = {}
    nodes = [_build(node, group, made) for node in read.nodes]
    for node in nodes:
        _created(node)
    return nodes


def _build(source: Any, group: Group, made: dict[int, Node]) -> Node:
    node = make(source.class_name, group, source.name)
    made[id(source)] = node
    _load_knobs(node, source.knobs)
    for child in source.children:
        assert isinstance(node, Group)
        _build(child, node, made)
    for index, item in enumerate(source.inputs):
        _connect(node, index, item, made)
    if source.has_mask:
        _connect(node, classes.describe(source.class_name)["mask_input"], source.mask, made)
    return node


def _connect(node: Node, index: int, item: Any, made: dict[int, Node]) -> None:
    # What came from the caller's stack is a node already.
    target = item if isinstance(item, Node) or item is None else made[id(item)]
    if target is not None and not node.setInput(index, target):
        raise RuntimeError(f"{node._name} has no input {index}")


def _load_knobs(node: Node, words: list[tuple[str, str]]) -> None:
    for name, word in words:
        if name == "addUserKnob":
            knob = classes.user_knob(text.split(word))
            knob._node = node
            node._knobs[knob._name] = knob
        elif name == "name":
            if node._parent is None:
                node._knobs["name"]._load(word)
        elif name not in node._knobs:
            raise NameError(f"{node._name}: no knob {name} in the script's {node._class}")
        else:
            node._knobs[name]._load(word)
            if name == "file_type" and node._class == "Write":
                node._show_exr_knobs()


def _created(node: Node) -> None:
    for child in getattr(node, "_children", []):
        _created(child)
    node._fire("onCreate")
    for call in current().callbacks.get("onCreate", []):
        if call.matches(node):
            current().guarded(lambda call=call: node._with_this(None, call))


def write(session: Session, nodes: list[Node], with_root: bool) -> str:
    """Return nodes of one group as a script."""
    lines = ["version {}.{} v{}".format(*session.version)]
    if with_root:
        lines += ["Root {", *_knob_lines(session.root, 1), "}"]
    for layer, names in session.layers.items():
        if layer not in _BUILT_IN:
            lines.append("add_layer {{{} {}}}".format(layer, " ".join(names)))
    lines += _node_lines(nodes, 0)
    return "\n".join(lines) + "\n"


def _node_lines(nodes: list[Node], depth: int) -> list[str]:
    lines: list[str] = []
    indent = " " * depth
    chosen = {id(node) for node in nodes}
    for node in _in_order(nodes):
        inputs = [n if n is not None and id(n) in chosen else None for n in node._inputs]
        while inputs and inputs[-1] is None:
            inputs.pop()
        for source in reversed(inputs):
            lines.append("push {}".format(f"$N{id(source):x}" if source else "0"))
        lines.append(f"{indent}{node._class} {{")
        lines.append(f"{indent} inputs {_input_count(node, len(inputs))}")
        lines += _knob_lines(node, depth + 1)
        lines.append(indent + "}")
        if isinstance(node, Group):
            lines += _node_lines(node._children, depth + 1)
            lines.append("end_group")
        lines.append(f"set N{id(node):x} [stack 0]")
    return lines


def _input_count(node: Node, count: int) -> str:
    mask = node._entry.get("mask_input")
    return f"{count - 1}+1" if mask is not None and count == mask + 1 else str(count)


def _in_order(nodes: list[Node]) -> list[Node]:
    done: list[Node] = []
    chosen = {id(node) for node in nodes}

    def visit(node: Node) -> None:
        if node in done:
            return
        for source in node._inputs:
            if source is not None and id(source) in chosen:
                visit(source)
        done.append(node)

    for node in nodes:
        visit(node)
    return done


def _knob_lines(node: Node, depth: int) -> list[str]:
    indent = " " * depth
    lines = []
    for name, knob in node._knobs.items():
        if knob._is_user:
            lines.append(f"{indent}addUserKnob {{{_user_words(knob)}}}")
        if name == "name" and node._parent is not None:
            lines.append(f"{indent}name {node._name}")
        elif not knob._flags & DO_NOT_WRITE and knob._is_set() and _has_value(knob):
            lines.append(f"{indent}{name} {knob._script_word()}")
    return lines


def _has_value(knob: Any) -> bool:
    # A user's button keeps its script in addUserKnob.
    return not (knob._is_user and knob.user_id in (22, 32)) and not isinstance(knob, Script_Knob)


def _user_words(knob: Any) -> str:
    words = [str(knob.user_id), text.quote(knob._name)]
    if knob._label != knob._name:
        words += ["l", text.quote(knob._label)]
    if knob._tooltip:
        words += ["t", text.quote(knob._tooltip)]
    value = knob._target if isinstance(knob, Link_Knob) else getattr(knob, "_value", "")
    if knob.user_id in (22, 26, 41, 52):
        words += ["T", text.quote(value)]
    if isinstance(knob, Enumeration_Knob):
        items = [text.quote(item) for item in knob._items]
        words += ["M", "{{{}}}".format(" ".join([*items, '""', '""']))]
    if isinstance(knob, Tab_Knob) and knob._kind:
        words += ["n", str(knob._kind)]
    for name, flag in FLAGS.items():
        if knob._flags & flag:
            words.append("+" + name)
    return " ".join(words)
