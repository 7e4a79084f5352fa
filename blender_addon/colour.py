"""What this file's floats are: the working space by name, and the OCIO config that has the name.

Inputs are captured and results are shown without a conversion. The engine has to know the space
only to show the network a picture that it understands.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from platematte_client.errors import PlateMatteError

from . import compat

_SPACES = {
    "Linear Rec.709": "lin_rec709_scene",
    "Linear Rec.2020": "lin_rec2020_scene",
    "ACEScg": "lin_ap1_scene",
}
"""Blender's working spaces, as the engine's built-in config calls them."""


class WorkingSpace(NamedTuple):
    """A colour space, and the OCIO config that knows it; None is the engine's built-in config."""

    name: str
    config: str | None


def read_working_space() -> WorkingSpace:
    """Return the working space of the .blend. Raises PlateMatteError for one that is not known."""
    config = os.environ.get("OCIO")
    if not compat.HAS_WORKING_SPACES and config and Path(config).is_file():
        # Blender takes it too, and works in what it calls scene-linear.
        return WorkingSpace("scene_linear", config)
    name = compat.working_space()
    if name not in _SPACES:
        raise PlateMatteError(
            f"the working space {name!r} is not known to the engine.",
            "Choose Linear Rec.709, Linear Rec.2020 or ACEScg.",
        )
    return WorkingSpace(_SPACES[name], None)
