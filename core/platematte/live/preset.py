"""What an export holds beside the model: the CatFileCreator for Nuke, and what to do with it."""

from __future__ import annotations

from platematte.live.archive import OLDEST_TORCH
from platematte.live.channels import CHANNELS_IN, CHANNELS_OUT

NAME = "PlateMatteLive"
"""Of the model, of the .cat made of it, and of the gizmo that looks for that."""

_PRESET = """version 13.0 v1
{layers}
CatFileCreator {{
 inputs 0
 torchScriptFile {model}
 catFile {cat}
 channelsIn {channels_in}
 channelsOut {channels_out}
 modelId {name}
 name {name}_CatFileCreator
 label "not run in a real Nuke by us"
 addUserKnob {{20 knobs l "Custom knobs"}}
 addUserKnob {{3 quality l "Quality" t "1: alpha is averaged with the frames beside it, where the node is given them. 0: every frame alone."}}
 quality 1
}}
"""  # noqa: E501

_README = """PlateMatte live in the viewer: NOT RUN IN A REAL NUKE BY US. Please tell us what you find.
1. NukeX: File > Insert Comp Nodes > {name}_CatFileCreator.nk. It expects {name}.pt where it was written.
2. Press Create .cat file and Reload. Nuke 13 reads a .cat made by Nuke 13, a later Nuke those of 13 and later.
3. Put {name}.cat on NUKE_PATH, beside the plug-in, and restart Nuke.
4. Tab, PlateMatteLive: connect plate, clean and, if there are any, garbage and core. The output is premultiplied.
5. The clean plate must lie on the plate already: live does not align or match light, as the engine does.
6. Channels in, scene-linear: plate, clean plate (alpha: 1 where it has pixels), garbage, core; then all of the
   frame before and the frame after. Nothing is clamped but alpha. {space}
7. Made from the weights {weights} (SHA-256 {sha256}...), for torch {oldest} (Nuke 13) and later.
8. For final frames use the node PlateMatte: it aligns, looks at more frames, and a farm renders its EXRs.
"""  # noqa: E501


def preset_text(model: str, cat: str) -> str:
    """Return the script with the CatFileCreator. model, cat: paths with forward slashes."""
    layers: dict[str, list[str]] = {}
    for channel in (*CHANNELS_IN, *CHANNELS_OUT):
        layers.setdefault(channel.partition(".")[0], []).append(channel)
    return _PRESET.format(
        layers="\n".join(
            f"add_layer {{{layer} {' '.join(dict.fromkeys(names))}}}"
            for layer, names in layers.items()
            if layer != "rgba"
        ),
        model=_quote(model),
        cat=_quote(cat),
        channels_in=",".join(CHANNELS_IN),
        channels_out=",".join(CHANNELS_OUT),
        name=NAME,
    )


def readme_text(weights: str, sha256: str, space: str | None) -> str:
    """Return what a TD reads first. space: the comp's working space; None: linear Rec.709."""
    told = f"The comp works in {space}." if space else "The comp works in linear Rec.709."
    return _README.format(
        name=NAME, weights=weights, sha256=sha256[:12], space=told, oldest=OLDEST_TORCH
    )


def _quote(text: str) -> str:
    """Return a word of Tcl that means the text itself."""
    return '"' + "".join("\\" + c if c in '\\"[]${}' else c for c in text) + '"'
