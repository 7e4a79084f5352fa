"""A user's Blender into which the package is installed; started by test_package.py, prints JSON.

    python -I installed.py file PACKAGE.zip
    python -I installed.py repository URL

It knows nothing of the repository: the add-on comes from the zip, the client from the wheel in it.
$BLENDER_USER_RESOURCES is an empty folder, $PLATEMATTE_ENGINE the real engine.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any


def install_file(package: str) -> str:
    """Install and enable a zip as Install from Disk does; return the module's name."""
    import bpy

    bpy.ops.extensions.package_install_files(
        filepath=package, repo="user_default", enable_on_install=True
    )
    return "bl_ext.user_default.platematte"


def install_from(url: str) -> str:
    """Add a repository by its URL, install and enable from it; return the module's name."""
    import bpy

    preferences = bpy.context.preferences
    preferences.system.use_online_access = True
    repositories = preferences.extensions.repos
    repositories.new(name="Studio", module="studio", remote_url=url)
    index = len(repositories) - 1
    bpy.ops.extensions.repo_sync(repo_index=index)
    bpy.ops.extensions.package_install(
        repo_index=index, pkg_id="platematte", enable_on_install=True
    )
    return "bl_ext.studio.platematte"


def use(module: str) -> dict[str, Any]:
    """Add the node as a user does and start the engine; return what was seen."""
    import bpy

    import platematte_client
    from platematte_client import warm
    from platematte_client.errors import PlateMatteError
    from platematte_client.messages import Matte

    compat = sys.modules[module + ".compat"]
    tree = compat.scene_tree(bpy.context.scene, create=True)
    node = tree.nodes.new("CompositorNodePlateMatte")
    seen = {
        "client": str(platematte_client.__file__),
        "inputs": [socket.name for socket in node.inputs],
        "outputs": [socket.name for socket in node.outputs],
        "operators": [name for name in dir(bpy.ops.platematte) if name[0] != "_"],
    }
    job = Matte(
        "installed", {"plate": "/none.####.exr", "clean": "/none.exr", "out": "/none/m.exr"}
    )
    try:
        warm.run_job(job, warm.locate(""), None, "Blender", lambda told: None, lambda: False)
    except PlateMatteError as error:
        seen["engine says"] = str(error)
    seen["running"] = children()
    return seen


def leave(module: str) -> dict[str, Any]:
    """Disable and uninstall; return what is left."""
    import bpy

    bpy.ops.preferences.addon_disable(module=module)
    seen: dict[str, Any] = {
        "running": children(),
        "threads": [thread.name for thread in threading.enumerate()],
        "handlers": [
            f"{name}: {handler}"
            for name in dir(bpy.app.handlers)
            if isinstance(getattr(bpy.app.handlers, name), list)
            for handler in getattr(bpy.app.handlers, name)
            if str(getattr(handler, "__module__", "")).startswith(module)
        ],
        "classes": [name for name in dir(bpy.types) if "platematte" in name.lower()],
    }
    repositories = bpy.context.preferences.extensions.repos
    index = [repository.module for repository in repositories].index(module.split(".")[1])
    bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id="platematte")
    folder = Path(os.environ["BLENDER_USER_RESOURCES"])
    seen["files"] = [str(path) for path in folder.rglob("*platematte*")]
    return seen


def children() -> list[str]:
    """Return the command lines of the processes that this one has started, as Linux tells them."""
    told = []
    for thread in Path("/proc/self/task").iterdir():
        for child in (thread / "children").read_text(encoding="ascii").split():
            line = Path("/proc", child, "cmdline").read_bytes().replace(b"\0", b" ").strip()
            # One that has ended and was not collected has none.
            if line:
                told.append(line.decode(errors="replace"))
    return told


def main(way: str, what: str) -> None:
    """Install, use, leave, and print what was seen as the last line."""
    seen: dict[str, Any] = {"path": list(sys.path)}
    # Blender's installer tells its progress on stdout.
    with contextlib.redirect_stdout(sys.stderr):
        import bpy

        seen["version"] = list(bpy.app.version)
        module = install_file(what) if way == "file" else install_from(what)
        seen["enabled"] = module in bpy.context.preferences.addons
        seen["used"] = use(module)
        seen["left"] = leave(module)
    print("\n" + json.dumps(seen))


if __name__ == "__main__":
    main(*sys.argv[1:])
