"""The node's sockets, and what each of them means to the engine."""

from __future__ import annotations

from typing import NamedTuple


class Input(NamedTuple):
    """An input socket."""

    role: str
    """What the engine calls it."""
    name: str
    kind: str
    words: str
    """What an error calls it."""
    is_needed: bool


class Output(NamedTuple):
    """An output socket."""

    name: str
    kind: str
    passes: tuple[str, ...]
    """Names that Blender gives to the file's layer; the first that is there is shown."""
    words: str


COLOUR, VALUE = "NodeSocketColor", "NodeSocketFloat"

INPUTS = (
    Input("plate", "Plate", COLOUR, "plate", True),
    Input("clean", "Clean Plate", COLOUR, "clean plate", True),
    Input("garbage", "Garbage Matte", VALUE, "garbage matte", False),
    Input("core", "Core Matte", VALUE, "core matte", False),
)
PASS_THROUGH = "Plate"
"""The output that is the input of this name, unchanged and at every frame."""
OUTPUTS = (
    # A file without extra layers is no multilayer file to Blender: there it is "Image".
    Output("Foreground", COLOUR, ("Combined", "Image"), "premultiplied foreground"),
    Output("Alpha", VALUE, ("Alpha",), "alpha, 0 to 1"),
    Output("Straight Foreground", COLOUR, ("foreground",), "foreground, not premultiplied"),
    Output("Clean Plate", COLOUR, ("clean",), "clean plate as it was aligned and matched"),
    Output("Confidence", VALUE, ("confidence",), "1 minus the error of alpha that is expected"),
    Output(PASS_THROUGH, COLOUR, (), "the plate that came in"),
)
LAYERS = ("foreground", "clean", "confidence", "residual")
"""Layers that the engine can write beside premultiplied foreground and alpha."""
LAYER_OF_OUTPUT = {output.name: output.passes[0] for output in OUTPUTS[2:5]}
WORDS = {one.role: one.words for one in INPUTS}
NAMES = {one.role: one.name for one in INPUTS}
