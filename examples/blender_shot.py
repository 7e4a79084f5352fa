"""Matte the example shot in Blender, without a window, and render the comp to EXR.

    blender -b --python-exit-code 1 -P examples/blender_shot.py -- OUT [--frames 1001-1002]
    python examples/blender_shot.py OUT [--frames 1001-1002]       where bpy is installed

Begins with an empty file and leaves OUT/shot.blend, the mattes in OUT/platematte/PlateMatte/v001
and the comp in OUT/comp. Takes the installed add-on, else that of the clone which this file is in.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import traceback
from pathlib import Path
from types import ModuleType

import bpy

REPOSITORY = Path(__file__).resolve().parents[1]
SHOT = REPOSITORY / "examples" / "shot"


def main(words: list[str]) -> int:
    """Do all of it and return the exit status; what goes wrong is told on standard error.

    Nothing is raised past here: what a traceback still holds of Blender's data at the end of
    Python crashes its bpy there, one time in ten.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--frames", help="as 1001-1002; without it all of the plate's")
    asked = parser.parse_args(words)
    out = asked.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    addon, is_ours = load_addon()
    api = importlib.import_module(addon.__name__ + ".api")
    try:
        matte_and_render(api, out, asked.frames)
    except api.PlateMatteError as error:
        print(f"PlateMatte: {error}", file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        if is_ours:
            # Python's bpy crashes or hangs at its end when an add-on is still registered.
            addon.unregister()
    return 0


def load_addon() -> tuple[ModuleType, bool]:
    """Return the add-on, and whether it was registered here: an installed one is there already."""
    for name in bpy.context.preferences.addons.keys():  # noqa: SIM118  a Blender collection
        if name.split(".")[-1] == "platematte":
            return importlib.import_module(name), False
    sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "core")]
    addon = importlib.import_module("blender_addon")
    addon.register()
    return addon, True


def matte_and_render(api: ModuleType, out: Path, frames: str | None) -> None:
    """Build the comp, matte it and render it."""
    bpy.ops.wm.read_homefile(use_factory_startup=True, use_empty=True)
    # Results go beside the .blend, so it is saved first.
    bpy.ops.wm.save_as_mainfile(filepath=str(out / "shot.blend"))
    node = api.new_comp(SHOT / "plate.1001.exr", SHOT / "clean.exr")
    api.matte(node, frames)
    print(node.name + ":", api.status(node))
    render(bpy.context.scene, out / "comp", node.shown_frames)
    bpy.ops.wm.save_mainfile()


def render(scene: bpy.types.Scene, folder: Path, frames: str) -> None:
    """Write the comp of these frames, first-last, as scene-linear 32-bit EXR."""
    first, _, last = frames.partition("-")
    scene.frame_start, scene.frame_end = int(first), int(last or first)
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "IMAGE"
    settings.file_format, settings.color_depth, settings.color_mode = "OPEN_EXR", "32", "RGB"
    scene.render.filepath = str(folder / "comp.####.exr")
    # Blender 5.2 would take a GPU, which a farm may not have.
    scene.render.compositor_device = "CPU"
    bpy.ops.render.render(animation=True)


if __name__ == "__main__":
    status = main(sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:])
    if status:
        sys.exit(status)
