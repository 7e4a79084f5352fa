"""What this script's floats are: the working space by name, and the OCIO config that has the name.

Inputs are exported and results are read raw, so that no float is converted on the way. The engine
has to know the space only to show the network a picture that it understands.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NamedTuple, Optional

import nuke

from platematte_client.errors import PlateMatteError

LINEAR_REC709 = "lin_rec709_scene"
"""What Nuke's own colour management works in, as the engine's built-in config calls it."""
# Nuke shows a role together with the space behind it, as in "scene_linear (ACES - ACEScg)".
_ROLE = re.compile(r"(\w+) \((.+)\)")


class WorkingSpace(NamedTuple):
    """A colour space, and the OCIO config that knows it; None is the engine's built-in config."""

    name: str
    config: Optional[str]


def read_working_space(named: str = "") -> WorkingSpace:
    """Return the working space of the script; `named` is what the node says instead, if anything.

    Raises PlateMatteError when OCIO manages colour and no config file can be found.
    """
    root = nuke.root()
    if root["colorManagement"].value() != "OCIO":
        if named:
            return WorkingSpace(named, os.environ.get("OCIO"))
        return WorkingSpace(LINEAR_REC709, None)
    space = named or root["workingSpaceLUT"].value()
    match = _ROLE.fullmatch(space)
    return WorkingSpace(match.group(2) if match else space, _config_path(root))


def _config_path(root: Any) -> str:
    # Nuke itself lets the environment win over the script.
    if os.environ.get("OCIO"):
        return os.environ["OCIO"]
    names = ["OCIOConfigPath"]
    if root["OCIO_config"].value() == "custom":
        names.insert(0, "customOCIOConfigPath")
    for name in names:
        knob = root.knob(name)
        path = (knob.evaluate() or "") if knob is not None else ""
        if path and Path(path).is_file():
            return str(path)
    raise PlateMatteError(
        "the file of the OCIO config {!r} was not found.".format(root["OCIO_config"].value()),
        "Name a config file in the environment variable OCIO, or in the project settings.",
    )
