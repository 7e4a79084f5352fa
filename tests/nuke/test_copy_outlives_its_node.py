"""A copy that was made during a matte gets nothing of it, even when its original is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("numpy")
pytest.importorskip("OpenImageIO")
pytest.importorskip("tkinter", reason="this Python has no Tcl (Debian: python3-tk)")

from comp import open_comp, stop_engine, write_engine


def test_a_result_does_not_go_to_a_copy_of_its_deleted_node(tmp_path: Path) -> None:
    with open_comp(tmp_path, write_engine(tmp_path), gui=True) as comp:
        try:
            comp.shot()
            comp.press("matte_range")
            for node in comp.nuke.allNodes():
                node.setSelected(node is comp.node)
            pasted = (tmp_path / "copy.nk").as_posix()
            comp.nuke.nodeCopy(pasted)
            comp.nuke.nodePaste(pasted)
            (copy,) = comp.nuke.selectedNodes()
            comp.nuke.delete(comp.node)
            comp.pump(copy)
        finally:
            stop_engine()
        assert copy["shown"].value() == 0
        assert len(list((tmp_path / "cache" / "v001").glob("matte.*.exr"))) == 3
