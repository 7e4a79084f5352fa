"""Steps: the node comes from the menu, is linked by keys, and lies in the graph like any other."""

from __future__ import annotations

from collections.abc import Iterator

import graph
from window import NODE, V5, centre, fresh, nodes, picture, press, tree, type_text, until


def add_from_the_menu() -> Iterator[float]:
    """Add > Keying lists the node; typing its name in the Add menu and Enter adds it."""
    yield from fresh()
    press("A", at=centre(), shift=True)
    yield 0.5
    # Search, Input, Output, Color, (Creative,) Filter, Keying.
    for key in ["HOME", *["DOWN_ARROW"] * (6 if V5 else 5), "RIGHT_ARROW"]:
        press(key, at=centre())
    yield 0.5
    picture("add_keying")
    press("ESC")
    press("ESC")
    yield 0.3
    press("A", at=centre(), shift=True)
    yield 0.5
    type_text("platem")
    yield 0.7
    picture("add_search")
    press("RET")
    yield 0.5
    press("LEFTMOUSE")
    yield from until(lambda: len(nodes()) == 1, 5, "the node is in the tree")


def link_by_key() -> Iterator[float]:
    """F, from 5.0 on J, links the selected Image node to the first free input of the node."""
    yield from fresh()
    plate, clean = graph.inputs()
    made = tree().nodes.new(NODE)
    for source in (plate, clean):
        for node in tree().nodes:
            node.select = node in (source, made)
        tree().nodes.active = made
        press("J" if V5 else "F")
        yield 0.5
    linked = {link.to_socket.name: link.from_node.name for link in tree().links}
    assert linked == {"Plate": "Plate", "Clean Plate": "Clean plate"}, linked


ALL = [("add_from_the_menu", add_from_the_menu), ("link_by_key", link_by_key)]
