"""The folder that a node's versions go to, and how paths are written into the .blend."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import bpy

UNSAVED = "platematte-unsaved-"
"""How the folder in the system's temporary files begins."""


def read_cache(node: Any) -> Path:
    """Return the absolute folder that a node's version folders go to."""
    written = node.cache_dir.strip()
    if written and not is_cache_temporary(node):
        path = Path(bpy.path.abspath(written)).expanduser().absolute()
        # The folder that is shown is compared with it, and Blender shortens paths like this one.
        return Path(os.path.normpath(path))
    name = bpy.path.clean_name(node.name)
    if bpy.data.filepath:
        return Path(bpy.data.filepath).parent / "platematte" / name
    # By process, so that the unsaved files of two people or two Blenders stay apart.
    return Path(tempfile.gettempdir()) / f"{UNSAVED}{os.getpid()}" / name


def is_cache_temporary(node: Any) -> bool:
    """Whether results go to temporary files, because the .blend was never saved."""
    written = node.cache_dir.strip()
    return not bpy.data.filepath and (not written or written.startswith("//"))
