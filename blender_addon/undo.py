"""Undo steps of what is done outside of an operator that leaves one by itself.

Where two steps hold the same of a data-block, an undo keeps it as it is now, and it frees those
that no step knows. So a tree that was made to show an image that is in no step would point to
memory that is free: the next look at it ends Blender. Who makes or removes data-blocks has to leave
a step before the artist can undo.
"""

from __future__ import annotations

import bpy


def leave_step(message: str) -> None:
    """Leave a step that an undo can go back to; message: what the artist reads of it."""
    bpy.ops.ed.undo_push(message=message)
