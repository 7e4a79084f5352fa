"""A saved comp: it opens, renders without the plug-in, and carries what is shown."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from comp import open_comp, pixels_of, read_exr

RGBA = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")


@pytest.fixture
def saved(tmp_path: Path, engine: Path) -> Path:
    """Script with a matte of frames 1001 to 1003, saved in a folder with spaces."""
    folder = tmp_path / "Ein Comp é"
    with open_comp(folder, engine) as comp:
        comp.shot()
        comp.node.setName("hero")
        comp.plugin.run(comp.node)
        comp.nuke.scriptSaveAs((folder / "comp.nk").as_posix())
    return folder / "comp.nk"


def test_a_farm_renders_the_comp_from_the_exrs_without_the_plug_in(saved: Path) -> None:
    import doubles

    for name in [name for name in sys.modules if name.startswith("platematte_nuke")]:
        del sys.modules[name]
    path = list(sys.path)
    sys.path[:] = [entry for entry in path if "nuke_plugin" not in entry]
    session = doubles.install()
    try:
        import nuke

        nuke.scriptOpen(saved.as_posix())
        node = nuke.toNode("hero")
        write = nuke.nodes.Write(file_type="exr", channels="rgba", raw=True)
        write["datatype"].setValue("32 bit float")
        write["file"].setValue((saved.parent / "farm.%04d.exr").as_posix())
        write.setInput(0, node)
        nuke.execute(write, 1001, 1003)
        assert "platematte_nuke" not in sys.modules
        assert session.violations == []
        assert session.callback_errors == []
        # A button says what is the matter, and does not fail with a name of ours.
        with pytest.raises(RuntimeError, match="plug-in is not installed"):
            node["matte_range"].execute()
    finally:
        doubles.remove()
        sys.path[:] = path
    for frame in (1001, 1002, 1003):
        matte = read_exr(saved.parent / f"cache/v001/matte.{frame}.exr")[0]
        farm = read_exr(saved.parent / f"farm.{frame}.exr")[0]
        np.testing.assert_array_equal(farm, matte[..., :4])


def test_an_opened_comp_goes_on_where_it_was_saved(saved: Path, engine: Path) -> None:
    with open_comp(saved.parent, engine) as comp:
        comp.nuke.scriptOpen(saved.as_posix())
        comp.node = comp.nuke.toNode("hero")
        assert "v001, frames 1001-1003, premultiplied; up to date" in comp.status()
        assert comp.plugin.run(comp.node, 1002).version == 2
        assert pixels_of(comp.node, 1002, RGBA).max() > 1


def test_a_matte_that_was_under_way_when_it_was_saved_is_no_more(
    tmp_path: Path, engine: Path
) -> None:
    path = tmp_path / "comp.nk"
    with open_comp(tmp_path, engine, gui=True) as comp:
        comp.shot()
        comp.press("matte_range")
        comp.nuke.scriptSaveAs(path.as_posix())
        comp.pump()
    with open_comp(tmp_path, engine, gui=True) as comp:
        comp.nuke.scriptOpen(path.as_posix())
        (node,) = [node for node in comp.nuke.allNodes() if node.Class() == "Group"]
        assert comp.status(node).startswith("no matte yet")
        comp.nuke.frame(1001)
        comp.press("matte_frame", node)
        comp.pump()
        assert comp.status(node).startswith("v002")
