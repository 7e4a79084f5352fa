"""PlateMatte in Blender, for scripts: the same code as the node's buttons, but it raises.

    from bl_ext.user_default.platematte import api

    node = api.create(plate=plate_node, clean=clean_node, clean_frame=1001, quality="fast")
    api.matte(node, "1001-1100")
    print(api.status(node))

Works in `blender -b` and with `import bpy`. What goes wrong is a PlateMatteError, a RuntimeError
whose text says what to do. docs/td.md has more.
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import bpy

from platematte_client import versions, warm
from platematte_client.errors import Cancelled, PlateMatteError
from platematte_client.frames import Frames, as_frames

from . import compat, inner_tree, version
from . import status as _status
from .find import IDNAME, is_ours
from .job import Job
from .sockets import NAMES

__all__ = [
    "Cancelled",
    "PlateMatteError",
    "attach",
    "convert_to_group",
    "create",
    "matte",
    "new_comp",
    "status",
    "stop_engine",
    "write_job",
]


stop_engine = warm.stop_engine


def create(scene: Any = None, plate: Any = None, clean: Any = None, **properties: Any) -> Any:
    """Add a PlateMatte node to a scene's compositor, link it and set properties by their names.

    scene: the current one if None; a compositor tree is made where there is none. plate, clean, and
    `garbage`, `core` among the properties: an output socket, or a node for its first output.
    Raises PlateMatteError for a property or value that is not there; then no node is made.
    """
    tree = compat.scene_tree(scene or bpy.context.scene, create=True)
    sources = {"plate": plate, "clean": clean}
    sources.update({role: properties.pop(role, None) for role in ("garbage", "core")})
    node = tree.nodes.new(IDNAME)
    try:
        for role, source in sources.items():
            if source is not None:
                socket = source.outputs[0] if isinstance(source, bpy.types.Node) else source
                tree.links.new(socket, node.inputs[NAMES[role]])
        for name, value in properties.items():
            _set_property(node, name, value)
    except Exception:
        tree.nodes.remove(node)
        raise
    return node


def new_comp(plate: str | Path, clean: str | Path, scene: Any = None, replace: bool = False) -> Any:
    """Build a comp from two files and return its PlateMatte node.

    plate, clean: a movie, a still, any frame of a sequence, or a pattern such as plate.####.exr.
    scene: the current one if None; its frame range, size and frame rate become the plate's.
    replace: whether nodes of its compositor may go. Raises PlateMatteError.
    """
    # It builds on `create`.
    from . import template

    return template.new_comp(scene or bpy.context.scene, str(plate), str(clean), replace).node


def matte(node: Any, frames: Frames = None) -> Path:
    """Matte a node's range, or these frames ("1001-1100x2", 1001, or numbers), and show the result.

    Returns the version folder when all is done. Raises PlateMatteError, and Cancelled.
    """
    job = Job(_ours(node), as_frames(frames))
    job.run()
    return job.folder


def write_job(node: Any, frames: Frames = None) -> Path:
    """Capture the inputs into a new version folder and return its job.json, for a farm.

    The file's "command" is the command line that mattes there; `attach` shows the result.
    """
    job = Job(_ours(node), as_frames(frames), is_to_run=False)
    job.run()
    return job.folder / versions.RECORD


def attach(node: Any, number: int) -> None:
    """Show a version that is there already. Raises PlateMatteError when it has no frames."""
    version.show_version(_ours(node), number)
    _status.forget(node)


def status(node: Any) -> str:
    """Return what a node shows and whether it is stale, in words."""
    return _status.describe(_ours(node))


def convert_to_group(node: Any) -> Any:
    """Put a plain group in the node's place, which needs no add-on to render, and return it."""
    return inner_tree.to_plain_group(_ours(node))


def _ours(node: Any) -> Any:
    if not is_ours(node):
        raise PlateMatteError("this is no PlateMatte node.", "Make one with create.")
    return node


def _set_property(node: Any, name: str, value: Any) -> None:
    names = list(node.__annotations__)
    if name not in names:
        near = difflib.get_close_matches(name, names, 3, 0.5)
        hint = f"The nearest: {', '.join(near)}." if near else ""
        raise PlateMatteError(f"a PlateMatte node has no property {name!r}.", hint)
    try:
        setattr(node, name, value)
    except (TypeError, ValueError) as error:
        raise PlateMatteError(f"the property {name} cannot be {value!r}: {error}.") from error
