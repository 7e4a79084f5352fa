"""PlateMatte's own icon in Blender's menus and panels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy.utils.previews

HERE = Path(__file__).resolve().parent
FOLDERS = (HERE / "icons", HERE.parent / "icons")
"""In the package, and in a clone, where one set serves all hosts; the first that is there."""
ICON = "platematte_64"
_previews: Any = None


def icon_of(name: str = ICON) -> int:
    """Return an icon's number for `icon_value`; 0, which draws none, where there is no such icon.

    It is 0 without a user interface as well.
    """
    if _previews is None or name not in _previews:
        return 0
    return int(_previews[name].icon_id)


def register() -> None:
    """Load the icons."""
    global _previews
    _previews = bpy.utils.previews.new()
    folder = next((one for one in FOLDERS if one.is_dir()), HERE)
    for path in sorted(folder.glob("*.png")):
        _previews.load(path.stem, str(path), "IMAGE")


def unregister() -> None:
    """Give them back; Blender complains about previews that outlive their add-on."""
    global _previews
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
        _previews = None
