"""What tests ask of the text of a gizmo, as the Tcl loader read it."""

from __future__ import annotations

from tcl.loader import TextNode


def user_knobs(group: TextNode) -> dict[str, list[str]]:
    """Return the words of each addUserKnob by the knob's name."""
    import tkinter

    words = [tkinter.Tcl().splitlist(word) for name, word in group.knobs if name == "addUserKnob"]
    return {knob[1]: list(knob) for knob in words}


def option(words: list[str], key: str) -> str:
    """Return what an option of addUserKnob says, or ""."""
    return words[words.index(key) + 1] if key in words[2:] else ""


def split_items(words: list[str]) -> list[str]:
    """Return the items of an enumeration."""
    import tkinter

    return [item for item in tkinter.Tcl().splitlist(option(words, "M")) if item]


def above(node: TextNode) -> set[str]:
    """Return the names of all nodes that a node's pixels may come from, itself included."""
    names: set[str] = set()
    waiting = [node]
    while waiting:
        here = waiting.pop()
        if here.name not in names:
            names.add(str(here.name))
            waiting += [source for source in here.inputs if source is not None]
    return names


def edges(group: TextNode) -> dict[str, list[str | None]]:
    """Return the names of what hangs on each node's inputs."""
    return {
        str(node.name): [source and source.name for source in node.inputs]
        for node in group.children
        if node.inputs
    }
