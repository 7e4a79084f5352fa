"""Text of several lines in Blender's layouts, whose labels neither break nor wrap."""

from __future__ import annotations

import textwrap

import bpy

_PX_A_SIGN = 7.0
"""Width of a sign of the interface's font at a scale of 1; it is narrower in the mean."""
_MARGIN_PX = 60
_FEWEST_SIGNS = 24


def wrap(text: str, width_px: int, scale: float = 1.0) -> list[str]:
    """Return the lines that a text needs in so wide a region; empty lines are left out.

    >>> wrap("torch: ERROR: there is none. Install it.", 228)
    ['torch: ERROR: there is', 'none. Install it.']
    """
    signs = max(_FEWEST_SIGNS, int((width_px - _MARGIN_PX * scale) / (_PX_A_SIGN * scale)))
    lines: list[str] = []
    for line in text.splitlines():
        # Paths have no spaces to break at, and a label that is cut hides their end.
        lines += textwrap.wrap(line.strip(), signs, break_long_words=True)
    return lines


def draw_paragraph(layout: bpy.types.UILayout, text: str, width_px: int) -> None:
    """Draw a text in as many labels as it needs."""
    column = layout.column(align=True)
    column.scale_y = 0.8
    # It is 0 without a screen.
    scale = bpy.context.preferences.system.ui_scale or 1.0
    for line in wrap(text, width_px, scale):
        column.label(text=line)
