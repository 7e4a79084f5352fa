"""Changes that leave no trace: undo stack, selection and proxy mode as they were."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Iterator

import nuke


@contextmanager
def unrecorded() -> Iterator[None]:
    """Keep what is done inside off the undo stack: Ctrl-Z is for the artist's own work."""
    nuke.Undo.disable()
    try:
        yield
    finally:
        nuke.Undo.enable()


@contextmanager
def full_resolution() -> Iterator[None]:
    """Switch proxy mode off: a Write renders at the scale that is active."""
    proxy = nuke.root()["proxy"]
    was_on = bool(proxy.value())
    if was_on:
        proxy.setValue(False)
    try:
        yield
    finally:
        if was_on:
            proxy.setValue(True)


@contextmanager
def kept_selection() -> Iterator[None]:
    """Select what was selected before, and nothing else."""
    selected = nuke.selectedNodes()
    try:
        yield
    finally:
        for node in nuke.selectedNodes():
            node.setSelected(False)
        for node in selected:
            node.setSelected(True)


def set_quietly(node: Any, **values: Any) -> None:
    """Set knobs that differ, off the undo stack; knobs that are right already are not touched."""
    changed = {name: value for name, value in values.items() if node[name].value() != value}
    if changed:
        with unrecorded():
            for name, value in changed.items():
                node[name].setValue(value)
