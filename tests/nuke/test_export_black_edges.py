"""The export keeps a bounding box whose edges are black: the engine needs to know the place."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

pytest.importorskip("numpy")
pytest.importorskip("OpenImageIO")
pytest.importorskip("tkinter", reason="this Python has no Tcl (Debian: python3-tk)")

from comp import SIZE, open_comp, read_exr


def test_black_edges_of_the_plate_stay_in_the_exported_data_window(tmp_path: Path) -> None:
    with open_comp(tmp_path, tmp_path / "no engine") as comp:
        comp.shot()
        nuke, (width, height) = comp.nuke, SIZE
        cut = nuke.nodes.Crop(inputs=[comp.plate], box=[10, 8, width - 6, height - 4])
        grown = nuke.nodes.AdjBBox(inputs=[cut], numpixels=12)
        comp.node.setInput(0, grown)
        order = importlib.import_module("platematte_nuke.node").read_order(comp.node, (1002,))
        export = importlib.import_module("platematte_nuke.export")
        export.export_inputs(comp.node, order, tmp_path / "inputs")
        pixels, spec = read_exr(tmp_path / "inputs" / "plate.1002.exr")
    # Rows of a file run from the top: 4 pixels were cut there, 12 were added again.
    assert (spec.x, spec.y, spec.width, spec.height) == (-2, -8, width + 8, height + 12)
    assert not pixels[:12].any() and pixels[12:-12, 12:-12].any()
