"""A Nuke of an older Python, started by test_plugin_old_pythons.py; prints what it saw as JSON.

Arguments: folder of core, the engine's program, and a folder with shot/plate.1001.exr to 1003 and
shot/clean.exr. What the node shows is left in that folder as NumPy files.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

RGBA = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")


def matte_in_the_terminal(folder: Path, engine: Path) -> dict[str, Any]:
    """Do what a script does in `nuke -t`, save the comp and open it again."""
    import numpy as np
    from comp import open_comp, pixels_of

    seen: dict[str, Any] = {}
    with open_comp(folder, engine) as comp:
        comp.plate = comp.read("shot/plate.%04d.exr", 1001, 1003)
        comp.clean = comp.read("shot/clean.exr", 1, 1)
        node = comp.node = comp.make()
        seen["before"] = comp.status()
        seen["first"] = str(comp.plugin.run(node, "1001,1003").folder)
        seen["shown"] = comp.status()
        for frame in (1001, 1003):
            np.save(str(folder / f"shown.{frame}.npy"), pixels_of(node, frame, RGBA))
        try:
            pixels_of(node, 1002)
        except RuntimeError as error:
            seen["hole"] = str(error)
        node["align"].setValue(False)
        seen["stale"] = comp.status()
        seen["second"] = comp.plugin.run(node, 1001).version
        try:
            node["more_settings"].setValue("engine.memory=5")
            comp.plugin.run(node, 1001)
        except comp.plugin.PlateMatteError as error:
            seen["refused"] = str(error)
        seen["failed"] = comp.status()
        node["more_settings"].setValue("")
        comp.nuke.scriptSaveAs((folder / "comp.nk").as_posix())
    with open_comp(folder, engine) as comp:
        comp.nuke.scriptOpen((folder / "comp.nk").as_posix())
        (node,) = [node for node in comp.nuke.allNodes() if node.Class() == "Group"]
        comp.plugin.attach(node, 1)
        seen["opened"] = bool(
            (pixels_of(node, 1001, RGBA) == np.load(str(folder / "shown.1001.npy"))).all()
        )
    return seen


def press_the_buttons(folder: Path, engine: Path) -> dict[str, Any]:
    """Do what an artist does in a Nuke with windows: matte, rename meanwhile, cancel, ask why."""
    from comp import open_comp

    seen: dict[str, Any] = {}
    with open_comp(folder, engine, gui=True) as comp:
        comp.plate = comp.read("shot/plate.%04d.exr", 1001, 1003)
        comp.clean = comp.read("shot/clean.exr", 1, 1)
        comp.node = comp.make()
        comp.press("matte_range")
        comp.node.setName("hero")
        comp.pump()
        seen["pressed"] = comp.status()
        comp.press("matte_range")
        comp.press("cancel")
        comp.pump()
        seen["cancelled"] = comp.status()
        comp.press("troubleshoot")
        comp.session.pump(lambda: bool(comp.session.messages))
        seen["report"] = comp.session.messages[-1]
    return seen


def main(core: str, engine: str, folder: str) -> None:
    """Do both and print one line."""
    sys.path.insert(0, core)
    from comp import stop_engine

    result: dict[str, Any] = {"python": list(sys.version_info[:2])}
    try:
        result["terminal"] = matte_in_the_terminal(Path(folder), Path(engine))
        result["windows"] = press_the_buttons(Path(folder), Path(engine))
    finally:
        stop_engine()
    print("\n" + json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
