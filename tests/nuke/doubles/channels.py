"""Names of channels and layers: what a script has declared, and how EXR names become Nuke's."""

from __future__ import annotations

import re
from collections.abc import Sequence

from doubles.session import current

_COLOURS = {"r": "red", "g": "green", "b": "blue", "a": "alpha"}
_SUFFIXES = {"red": "R", "green": "G", "blue": "B", "alpha": "A"}


def channels_of(word: str) -> list[str]:
    """Return the channels of a layer, of a channel, of "all" (which is [] here) or "none".

    Raises NameError for a layer or channel that no file, no add_layer and no Layer declared.
    """
    layers = current().layers
    if word in ("none", "all", ""):
        return []
    if word in layers:
        return list(layers[word])
    if word in ("red", "green", "blue"):
        return ["rgba." + word]
    if "." in word and word in layers.get(word.split(".")[0], ()):
        return [word]
    raise NameError(f"no layer or channel {word!r} was declared (add_layer)")


def declare(layer: str, channels: Sequence[str]) -> None:
    """Make a layer known, or add channels to it; names may be given with or without the layer."""
    known = current().layers.setdefault(layer, [])
    for name in channels:
        full = name if "." in name else f"{layer}.{name}"
        if full not in known:
            known.append(full)


def from_exr(name: str) -> str:
    """Return Nuke's name of an EXR channel.

    Parts lose leading digits; what is not a letter or digit becomes "_"; all but the last part
    make the layer; R, r, Red, RED and so on become red (the public ExrChannelNameToNuke.cpp of
    Nuke's own reader).
    """
    parts = [re.sub(r"^\d+", "", part) for part in name.split(".", 2)]
    parts = [re.sub(r"[^0-9A-Za-z]", "_", part) for part in parts if part]
    *layer, channel = parts or ["unnamed"]
    for short, colour in _COLOURS.items():
        if channel in (short, short.upper(), colour.capitalize(), colour.upper()):
            channel = colour
    if not layer:
        if channel in _SUFFIXES:
            return "rgba." + channel
        return "depth.Z" if channel == "Z" else "other." + channel
    return "{}.{}".format("_".join(layer), channel)


def to_exr(name: str) -> str:
    """Return the name that Nuke's EXR writer gives a channel."""
    layer, _, channel = name.partition(".")
    if layer == "rgba":
        return _SUFFIXES[channel]
    return f"{layer}.{_SUFFIXES.get(channel, channel)}"
