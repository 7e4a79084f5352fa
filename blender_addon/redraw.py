"""Asks Blender to draw again what shows something that changed outside of Blender's data."""

from __future__ import annotations

import bpy


def redraw(*area_types: str) -> None:
    """Draw all areas of these types again, in every window."""
    manager = bpy.context.window_manager
    for window in manager.windows if manager is not None else ():
        for area in window.screen.areas:
            if area.type in area_types:
                area.tag_redraw()
