"""What a version was made with, and whether node and graph still are what they were then."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from platematte_client.frames import format_frames, parse_frames

from .colour import read_working_space
from .describe import describe_above
from .find import Place
from .order import Order, read_clean_frame, read_settings
from .sockets import WORDS
from .upstream import input_of, linked_roles

_WORDS = {
    "input.colorspace": "working space",
    "prepare.align": "align",
    "prepare.match": "match",
    "network.weights": "quality",
    "solve.temporal": "quality",
    "clean_frame": "clean plate frame",
}
# They follow from others, or decide where and what is written and not how it looks.
_INDIFFERENT = frozenset(
    ("input.clean_colorspace", "input.working_space", "network.device", "output.layers")
)
DURING = "during"
"""Key of what changed while it was captured: such a version is of no one state of the graph."""


def describe_making(place: Place, order: Order) -> dict[str, Any]:
    """Return what a result depends on: frames, settings by name, a hash for each linked input."""
    return {
        "frames": format_frames(order.frames),
        "settings": _decisive(order.settings, order.clean_frame),
        "inputs": hash_inputs(place, {role: order.frames_of(role) for role in order.roles}),
    }


def changes_since(place: Place, made_with: dict[str, Any]) -> list[str]:
    """Return, in words, what changed since a version was made; empty when it is up to date.

    Raises PlateMatteError when it cannot be known.
    """
    node = place.node
    settings = _decisive(read_settings(node, read_working_space()), read_clean_frame(node))
    before_settings, before_inputs = made_with["settings"], made_with["inputs"]
    frames, held = parse_frames(made_with["frames"]), before_settings["clean_frame"]
    wanted = {role: frames for role in linked_roles(node)}
    if held is not None and "clean" in wanted:
        wanted["clean"] = (held,)
    inputs = hash_inputs(place, wanted)
    changed = [f"{WORDS[role]} (while it was captured)" for role in made_with.get(DURING, [])]
    changed += [WORDS[role] for role in changed_roles(before_inputs, inputs)]
    for name in sorted({*before_settings, *settings}):
        if before_settings.get(name) != settings.get(name):
            changed.append(_WORDS.get(name, name))
    # One property may decide several settings.
    return list(dict.fromkeys(changed))


def changed_roles(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Return the roles of the inputs whose hashes differ."""
    return [role for role in WORDS if before.get(role) != after.get(role)]


def hash_inputs(place: Place, frames: dict[str, tuple[int, ...]]) -> dict[str, str]:
    """Return a hash of the graph above each of these inputs; frames: those that each is read at."""
    found = {}
    for role, wanted in frames.items():
        above = describe_above(place, input_of(place.node, role), wanted)
        text = json.dumps(above, sort_keys=True)
        found[role] = hashlib.sha256(text.encode("utf-8")).hexdigest()[:16]
    return found


def _decisive(settings: dict[str, dict[str, Any]], clean_frame: int | None) -> dict[str, Any]:
    flat = {
        f"{section}.{key}": value
        for section, values in settings.items()
        for key, value in values.items()
    }
    kept = {
        name: value
        for name, value in flat.items()
        if name not in _INDIFFERENT and not name.startswith("engine.")
    }
    return {**kept, "clean_frame": clean_frame}
