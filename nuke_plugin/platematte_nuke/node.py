"""The node's knobs: what they ask for, and the few that hold what is shown."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

import nuke

from platematte_client.errors import PlateMatteError
from platematte_client.frames import parse_frames

from .colour import WorkingSpace, read_working_space

INPUTS = {"plate": 0, "clean": 1, "garbage": 2, "core": 3}
"""Inputs by role, with their numbers."""
ROLE_WORDS = {
    "plate": "plate",
    "clean": "clean plate",
    "garbage": "garbage matte",
    "core": "core matte",
}
READ = "matte_read"
"""Name of the Read inside the group."""
UNSAVED = "platematte-unsaved-"
"""How the folder in the system's temporary files begins."""
LAYERS = ("foreground", "clean", "residual", "confidence")
LAYER_OF_OUTPUT = {
    "straight": "foreground",
    "clean plate": "clean",
    "confidence": "confidence",
    "residual": "residual",
}
"""Outputs that show a layer of the file; the others need none."""

_VIEW = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Settings = Dict[str, Dict[str, Any]]


@dataclass(frozen=True)
class Order:
    """What the knobs ask for; nothing is exported or checked by the engine yet."""

    frames: Tuple[int, ...]
    clean_frame: Optional[int]
    """Frame of the clean plate that is held; None: the clean plate has the plate's frames."""
    roles: Tuple[str, ...]
    """Inputs that are connected."""
    layers: Tuple[str, ...]
    settings: Settings
    space: WorkingSpace
    cache: Path
    engine: str
    """Path from the knob; empty: the engine is looked for."""
    keep_inputs: bool
    views: Tuple[str, ...]
    """Views of the script; each is matted."""


def is_ours(node: Any) -> bool:
    """Whether a node is a PlateMatte node: a group with our knobs, whatever its name."""
    return node is not None and node.Class() == "Group" and node.knob("made_with") is not None


def check_ours(node: Any) -> None:
    """Raise PlateMatteError unless a node is a PlateMatte node."""
    if not is_ours(node):
        raise PlateMatteError("this is no PlateMatte node.", "Select one, or make one.")


def read_order(node: nuke.Node, frames: Optional[Tuple[int, ...]] = None) -> Order:
    """Return what the knobs ask for; frames: instead of the knobs' range.

    Raises PlateMatteError for what is missing or cannot be done, before anything is exported.
    """
    roles = _read_roles(node)
    space = read_working_space(node["plate_space"].value().strip())
    return Order(
        frames=read_range(node) if frames is None else tuple(sorted(set(frames))),
        clean_frame=_read_clean_frame(node),
        roles=roles,
        layers=wanted_layers(node),
        settings=read_settings(node, space),
        space=space,
        cache=read_cache(node),
        engine=(node["engine"].evaluate() or "").strip(),
        keep_inputs=bool(node["keep_inputs"].value()),
        views=_read_views(),
    )


def read_range(node: nuke.Node) -> Tuple[int, ...]:
    """Return the frames that the range knobs mean."""
    mode = node["range"].value()
    if mode == "custom":
        text = node["frames"].value()
        if not text.strip():
            raise PlateMatteError("the custom frame range is empty.", "Write it as 1001-1100.")
        return parse_frames(text)
    if mode == "root":
        first, last = nuke.root()["first_frame"].value(), nuke.root()["last_frame"].value()
    else:
        plate = node.input(INPUTS["plate"])
        first, last = plate.firstFrame(), plate.lastFrame()
    return tuple(range(int(first), int(last) + 1))


def wanted_layers(node: nuke.Node) -> Tuple[str, ...]:
    """Return the layers to write: those that are ticked and the one that Output shows."""
    shown = LAYER_OF_OUTPUT.get(node["output"].value())
    return tuple(name for name in LAYERS if node["layer_" + name].value() or name == shown)


def read_settings(node: nuke.Node, space: WorkingSpace) -> Settings:
    """Return the engine's settings, {section: {key: value}}, as docs/td.md lists them."""
    quality = node["quality"].value()
    settings: Settings = {
        "input": {
            "colorspace": space.name,
            "clean_colorspace": space.name,
            "working_space": space.name,
        },
        "prepare": {
            "align": "auto" if node["align"].value() else "off",
            "match": "auto" if node["match"].value() else "off",
        },
        # The engine's sets of weights have the names of the knob's values.
        "network": {"device": node["device"].value(), "weights": quality},
        "solve": {"temporal": "auto" if quality == "quality" else "off"},
        "output": {"layers": list(wanted_layers(node))},
    }
    for text in node["more_settings"].value().split(";"):
        if text.strip():
            section, key, value = _parse_assignment(text)
            settings.setdefault(section, {})[key] = value
    return settings


def read_cache(node: nuke.Node) -> Path:
    """Return the folder that version folders go to, an absolute path that a File_Knob can hold."""
    path = _choose_cache(node)
    if not path.is_absolute():
        raise PlateMatteError(
            "the cache folder {} is not an absolute path.".format(path),
            "Write it from the root or from a drive letter, or leave it empty.",
        )
    # What was written may well be Tcl; a frame number has no place in it, and evaluating hides it.
    written = node["cache_dir"].value() or ""
    found = [sign for sign in "[]{}$" if sign in path.as_posix()]
    found += [sign for sign in "%#" if sign in path.as_posix() or sign in written]
    if found:
        raise PlateMatteError(
            "the cache folder {} has {} in it, which Nuke does not take as it is.".format(
                path, " and ".join(found)
            ),
            "Choose a cache folder without.",
        )
    return path


def _choose_cache(node: nuke.Node) -> Path:
    written = (node["cache_dir"].evaluate() or "").strip()
    if written:
        return Path(written).expanduser()
    name = node.fullName().replace(".", "_")
    script = nuke.root()["name"].value()
    if script:
        return Path(script).absolute().parent / "platematte" / name
    # By process, so that the unsaved scripts of two people or two Nukes stay apart.
    return Path(tempfile.gettempdir()) / "{}{}".format(UNSAVED, os.getpid()) / name


def shown_folder(node: nuke.Node) -> Optional[Path]:
    """Return the version folder that is shown, wherever it is; None when nothing is.

    It need not lie in the cache folder of today: the script may have been saved elsewhere since, or
    the node renamed or copied.
    """
    read = node.node(READ)
    path = (read["file"].value() or "") if read is not None else ""
    return Path(path).parent if path and int(node["shown"].value()) else None


def is_cache_temporary(node: nuke.Node) -> bool:
    """Whether results go to temporary files, because the script was never saved."""
    return not (node["cache_dir"].evaluate() or "").strip() and not nuke.root()["name"].value()


def _read_roles(node: nuke.Node) -> Tuple[str, ...]:
    for role in ("plate", "clean"):
        if node.input(INPUTS[role]) is None:
            raise PlateMatteError(
                "connect the {} (input {}).".format(ROLE_WORDS[role], INPUTS[role])
            )
    return tuple(role for role, number in INPUTS.items() if node.input(number) is not None)


def _read_clean_frame(node: nuke.Node) -> Optional[int]:
    if node["clean_mode"].value() == "sequence":
        return None
    return int(node["clean_frame"].value())


def _read_views() -> Tuple[str, ...]:
    views = tuple(nuke.views())
    odd = [view for view in views if not _VIEW.fullmatch(view)]
    if odd and len(views) > 1:
        raise PlateMatteError(
            "the view {!r} cannot be part of a file's name.".format(odd[0]),
            "Give it a name of letters, digits and underscores in the project settings.",
        )
    return views


def _parse_assignment(text: str) -> Tuple[str, str, str]:
    name, equals, value = text.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and section and key):
        raise PlateMatteError(
            "{!r} under More settings is not of the form section.key=value.".format(text.strip()),
            "For example: engine.memory_mib=2048",
        )
    return section, key, value.strip()
