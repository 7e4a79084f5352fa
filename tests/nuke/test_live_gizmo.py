"""PlateMatteLive: its text, and its pixels through preset, .cat and a false Inference node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tkinter", reason="this Python has no Tcl (Debian: python3-tk)")

from comp import PLUGIN, SIZE, open_comp, pixels_of, write_exr
from gizmo_text import above, edges, option, split_items, user_knobs
from tcl.loader import TextNode, load

from platematte.live.channels import CHANNELS_IN, CHANNELS_OUT
from platematte.live.export import LiveExport, export_live
from platematte.live.preset import preset_text
from platematte.matte import matte_pixels
from platematte.settings import MatteSettings, NetworkSettings, PrepareSettings, SolveSettings

GIZMO = PLUGIN / "gizmos" / "PlateMatteLive.gizmo"
RGBA = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")
LIKE_LIVE = MatteSettings(
    prepare=PrepareSettings(align="off", match="off"),
    network=NetworkSettings(device="cpu", precision="fp32"),
    solve=SolveSettings(temporal="off"),
)


@pytest.fixture(scope="module")
def group() -> TextNode:
    return load(GIZMO.read_text(encoding="utf-8")).nodes[0]


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> LiveExport:
    return export_live(tmp_path_factory.mktemp("ausgeführt") / "PlateMatte live")


class LiveComp:
    """A comp with a PlateMatteLive on a shot, the model found on the plug-in path."""

    def __init__(self, comp: Any, export: LiveExport) -> None:
        import nuke

        self.comp, self.nuke = comp, nuke
        nuke.pluginAddPath(export.model.parent.as_posix())
        nuke.nodePaste(export.preset.as_posix())
        (creator,) = nuke.allNodes("CatFileCreator")
        creator["createCatFile"].execute()
        nuke.delete(creator)

    def shot(self, overscan_px: int = 0, **wanted: Any) -> Any:
        """Write a shot of frames 1001 to 1003 and return a node that is connected to it."""
        from comp import write_shot

        write_shot(self.comp.folder / "shot", (1001, 1002, 1003), overscan_px, **wanted)
        self.plate = self.comp.read("shot/plate.%04d.exr", 1001, 1003)
        self.clean = self.comp.read("shot/clean.exr", 1, 1)
        # One still: Nuke's Read holds it before and after.
        for knob in ("before", "after"):
            self.clean[knob].setValue("hold")
            self.plate[knob].setValue("hold")
        node = self.nuke.createNode("PlateMatteLive")
        node.setInput(0, self.plate)
        node.setInput(1, self.clean)
        return node

    def matte(self, name: str, column: slice) -> Any:
        """Return a Read of a matte that is 1 in some columns."""
        pixels = np.zeros((SIZE[1], SIZE[0], 4), np.float32)
        pixels[:, column, 3] = 1
        write_exr(self.comp.folder / name, pixels, channels="RGBA")
        read = self.comp.read(name, 1, 1)
        read["after"].setValue("hold")
        return read


@pytest.fixture
def live(tmp_path: Path, export: LiveExport) -> Iterator[LiveComp]:
    with open_comp(tmp_path, tmp_path / "no engine") as comp:
        yield LiveComp(comp, export)


def engines(live: LiveComp, frame: int = 1002, **mattes: np.ndarray) -> Any:
    """Return what the engine makes of a frame with the settings that live has."""
    from platematte.compute import Mattes

    plate, clean = (pixels_of(node, frame) for node in (live.plate, live.clean))
    return matte_pixels(plate.copy(), clean.copy(), LIKE_LIVE, Mattes(**mattes))


def test_it_is_a_group_that_says_that_it_was_not_run_in_nuke(group: TextNode) -> None:
    assert group.class_name == "Group"
    assert group.word("label") == "not run in a real Nuke by us"
    knobs = user_knobs(group)
    assert "Not run in a real Nuke by us" in option(knobs["untested"], "T")
    assert "Not run in a real Nuke" in str(group.word("help"))


def test_its_inputs_are_those_of_the_node(group: TextNode) -> None:
    inputs = {
        node.name: int(node.word("number") or 0)
        for node in group.children
        if node.class_name == "Input"
    }
    assert inputs == {"plate": 0, "clean": 1, "garbage": 2, "core": 3}


def test_the_graph_is_wired_as_intended(group: TextNode) -> None:
    wired = edges(group)
    assert wired["clean_edge"] == ["clean_coverage"]
    assert wired["clean_crop"] == ["clean_edge"]
    assert wired["clean_copy"] == ["plate_crop", "clean_crop"]
    assert wired["garbage_copy"] == ["clean_copy", "garbage_crop"]
    assert wired["core_copy"] == ["garbage_copy", "core_crop"]
    for time in ("before", "after"):
        assert wired[f"{time}_offset"] == ["core_copy"]
        assert wired[f"{time}_switch"] == ["core_copy", f"{time}_offset"]
        assert wired[f"{time}_clean"] == [f"{time}_plate", f"{time}_switch"]
        assert wired[f"{time}_mattes"] == [f"{time}_clean", f"{time}_switch"]
    assert wired["before_plate"] == ["core_copy", "before_switch"]
    assert wired["after_plate"] == ["before_mattes", "after_switch"]
    assert wired["inference"] == ["after_mattes"]
    assert wired["result"] == ["inference"]
    assert wired["clean_check"] == ["result"]
    assert wired["result_box"] == ["clean_check", "plate"]
    assert wired["output_switch"] == [
        *("result_box", "plate_times_alpha", "alpha_pass", "confidence_pass", "plate")
    ]


def test_every_node_reaches_the_one_output(group: TextNode) -> None:
    (output,) = [node for node in group.children if node.class_name == "Output"]
    names = [str(node.name) for node in group.children]
    assert above(output) == set(names)
    assert len(names) == len(set(names))


def test_the_frame_before_comes_later_by_one_frame(group: TextNode) -> None:
    assert group.child("before_offset").word("time_offset") == "1"
    assert group.child("after_offset").word("time_offset") == "-1"


def test_its_layers_are_the_models_channels(group: TextNode) -> None:
    layers = load(GIZMO.read_text(encoding="utf-8")).layers
    declared = {name for layer in layers for name in layer[1:]}
    assert {f"rgba.{c}" for c in ("red", "green", "blue", "alpha")} | declared == {
        *CHANNELS_IN,
        *CHANNELS_OUT,
    }
    filled = {
        word
        for node in group.children
        if node.class_name == "Copy" and node.name != "plate_with_alpha"
        for knob, word in node.knobs
        if re.fullmatch(r"to\d", knob)
    }
    assert filled == set(CHANNELS_IN[3:])


def test_every_output_has_its_place_in_the_switch(group: TextNode) -> None:
    outputs = split_items(user_knobs(group)["output"])
    assert outputs == ["premultiplied", "plate x alpha", "alpha only", "confidence", "plate"]
    assert len(group.child("output_switch").inputs) == len(outputs)


def test_every_expression_and_link_leads_to_a_knob_of_the_group(group: TextNode) -> None:
    text = GIZMO.read_text(encoding="utf-8")
    named = set(re.findall(r"parent\.(\w+)", text)) - {"input1", "input2", "input3"}
    assert named == {"output", "quality"}
    assert named <= set(user_knobs(group))
    links = {option(words, "T") for words in user_knobs(group).values() if words[0] == "41"}
    assert links == {f"inference.{k}" for k in ("modelFile", "useGPUIfAvailable", "halfPrecision")}


def test_every_knob_has_a_class_that_nuke_13_has_and_a_tooltip(group: TextNode) -> None:
    for name, words in user_knobs(group).items():
        assert int(words[0]) in (4, 20, 26, 41), name
        assert option(words, "t") or int(words[0]) in (20, 26), name


def test_no_path_of_anyone_is_in_it() -> None:
    text = GIZMO.read_text(encoding="utf-8")
    assert not re.search(r"[\s\"'{]/(home|Users|tmp|work|opt|mnt)/|\b[A-Z]:[/\\]", text)


def test_the_preset_is_a_creator_for_this_model_and_its_knob(nuke: Any) -> None:
    script = load(preset_text('/a "b" [c]$d/x.pt', "/a {b}/x.cat"))
    (creator,) = script.nodes
    assert creator.class_name == "CatFileCreator"
    assert creator.word("torchScriptFile") == '/a "b" [c]$d/x.pt'
    assert creator.word("catFile") == "/a {b}/x.cat"
    assert str(creator.word("channelsIn")).split(",") == list(CHANNELS_IN)
    assert str(creator.word("channelsOut")).split(",") == list(CHANNELS_OUT)
    assert user_knobs(creator)["quality"][0] == "3"
    assert creator.word("quality") == "1"


def test_alpha_and_foreground_are_the_engines(live: LiveComp) -> None:
    node = live.shot()
    seen, engine = pixels_of(node, 1002, (*RGBA, "confidence.Y")), engines(live)
    assert np.abs(seen[..., 3:4] - engine.solved.alpha).max() <= 1 / 255
    assert np.abs(seen[..., :3] - engine.solved.premult).max() <= 0.01
    assert np.abs(seen[..., 4:] - engine.confidence).max() <= 1 / 255
    # The subject is brighter than white, and nothing is cut.
    assert seen[..., 0].max() > 3
    plate = pixels_of(live.plate, 1002)
    is_solid = seen[..., 3] == 1
    assert is_solid.any()
    assert np.array_equal(seen[is_solid][:, :3], plate[is_solid])


def test_garbage_and_core_are_obeyed_and_may_be_absent(live: LiveComp) -> None:
    node = live.shot()
    node.setInput(2, live.matte("garbage.exr", slice(0, 8)))
    node.setInput(3, live.matte("core.exr", slice(50, 56)))
    alpha = pixels_of(node, 1002, RGBA)[..., 3]
    assert not alpha[:, :8].any()
    assert (alpha[:, 50:56] == 1).all()
    node.setInput(2, None)
    alpha = pixels_of(node, 1002, RGBA)[..., 3]
    assert (alpha[:, 50:56] == 1).all()


def test_quality_feeds_the_frames_beside_and_fast_does_not(live: LiveComp) -> None:
    node = live.shot()
    fast = pixels_of(node, 1002, RGBA)
    assert not fused_from(node, 1002)
    node["quality"].setValue("quality")
    assert fused_from(node, 1002)
    quality = pixels_of(node, 1002, RGBA)
    assert np.abs(quality - fast).max() > 0
    node["quality"].setValue("fast")
    assert np.array_equal(pixels_of(node, 1002, RGBA), fast)


def fused_from(node: Any, frame: int) -> bool:
    """Return whether the model is fed the frames beside a frame, each in its place."""
    from doubles.render import pull

    fed = pull(node.node("inference").input(0), frame)
    plates = {
        offset: pull(node.input(0), frame + offset).plane("rgba.red") for offset in (-1, 0, 1)
    }
    before, after = (fed.plane(f"live_{time}.red") for time in ("before", "after"))
    assert np.array_equal(fed.plane("rgba.red"), plates[0])
    if np.array_equal(before, plates[0]) and np.array_equal(after, plates[0]):
        return False
    assert np.array_equal(before, plates[-1])
    assert np.array_equal(after, plates[1])
    return True


def test_the_plates_box_comes_back_and_is_empty_beyond_the_format(live: LiveComp) -> None:
    node = live.shot(overscan_px=8)
    seen = pixels_of(node, 1002, RGBA)
    assert seen.shape[:2] == (SIZE[1] + 16, SIZE[0] + 16)
    assert (node.width(), node.height()) == SIZE
    inside = np.zeros(seen.shape[:2], bool)
    inside[8:-8, 8:-8] = True
    assert not seen[~inside].any()
    assert seen[inside][:, 3].max() == 1


def test_where_the_clean_plate_ends_it_is_not_trusted(live: LiveComp) -> None:
    from doubles.render import pull

    node = live.shot(overscan_px=8, clean_overscan_px=0)
    crop = live.nuke.nodes.Crop(box=[0, 0, 40, SIZE[1]], inputs=[live.clean])
    node.setInput(1, crop)
    fed = pull(node.node("inference").input(0), 1002)
    coverage = fed.plane("live_clean.alpha")
    assert coverage.shape == (SIZE[1], SIZE[0])
    assert (coverage[:, :40] == 1).all()
    assert not coverage[:, 40:].any()


@pytest.mark.parametrize("output", ["plate x alpha", "alpha only", "confidence", "plate"])
def test_the_other_outputs_show_what_they_say(live: LiveComp, output: str) -> None:
    node = live.shot()
    result, plate = pixels_of(node, 1002, (*RGBA, "confidence.Y")), pixels_of(live.plate, 1002)
    node["output"].setValue(output)
    seen = pixels_of(node, 1002, RGBA)
    alpha = result[..., 3:4]
    expected = {
        "plate x alpha": plate * alpha,
        "alpha only": np.repeat(alpha, 3, 2),
        "confidence": np.repeat(result[..., 4:], 3, 2),
        "plate": plate,
    }[output]
    assert np.array_equal(seen[..., :3], expected)


def test_a_missing_clean_plate_is_named_and_the_plate_still_shown(live: LiveComp) -> None:
    node = live.shot()
    node.setInput(1, None)
    with pytest.raises(RuntimeError, match=r"connect the clean plate \(input 1\)"):
        pixels_of(node, 1002)
    node["output"].setValue("plate")
    assert np.array_equal(pixels_of(node, 1002), pixels_of(live.plate, 1002))


def test_without_a_model_inference_says_so(live: LiveComp) -> None:
    node = live.shot()
    node["modelFile"].setValue("/nowhere/PlateMatteLive.cat")
    with pytest.raises(RuntimeError, match=r"no model /nowhere/PlateMatteLive\.cat"):
        pixels_of(node, 1002)


def test_nuke_13_loads_inference_first(tmp_path: Path) -> None:
    import runpy

    import doubles

    for major, loaded in ((13, ["Inference"]), (14, []), (15, [])):
        session = doubles.install(version=(major, 0, 1))
        try:
            runpy.run_path(str(PLUGIN / "init.py"))
            assert session.loaded == loaded
        finally:
            doubles.remove()
