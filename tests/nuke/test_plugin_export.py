"""What is exported: the graph's own floats, and nothing of the artist's script is changed by it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comp import Comp, open_comp, pixels_of, read_exr, write_exr


@pytest.fixture
def comp(tmp_path: Path) -> Iterator[Comp]:
    # The engine is not started here.
    with open_comp(tmp_path, tmp_path / "no engine") as comp:
        yield comp


def export(comp: Comp, frames: tuple[int, ...] | None = None) -> dict[str, str]:
    """Export the node's inputs and return their patterns."""
    order = importlib.import_module("platematte_nuke.node").read_order(comp.node, frames)
    module = importlib.import_module("platematte_nuke.export")
    patterns: dict[str, str] = module.export_inputs(comp.node, order, comp.folder / "inputs")
    return patterns


def exported(comp: Comp, name: str) -> np.ndarray:
    """Return the pixels of an exported file."""
    return read_exr(comp.folder / "inputs" / name)[0]


def names(comp: Comp) -> list[str]:
    """Return the names of the exported files."""
    return sorted(path.name for path in (comp.folder / "inputs").iterdir())


def test_plate_and_clean_plate_come_out_bit_for_bit(comp: Comp) -> None:
    comp.shot()
    export(comp)
    plate = exported(comp, "plate.1002.exr")
    assert plate.max() > 3 and plate.min() < 0
    np.testing.assert_array_equal(plate, read_exr(comp.folder / "shot/plate.1002.exr")[0])
    np.testing.assert_array_equal(
        exported(comp, "clean.exr"), read_exr(comp.folder / "shot/clean.exr")[0]
    )


def test_files_are_32_bit_float_and_lossless(comp: Comp) -> None:
    comp.shot()
    export(comp)
    spec = read_exr(comp.folder / "inputs/plate.1001.exr")[1]
    assert str(spec.format) == "float"
    assert spec.getattribute("compression") == "zips"
    assert list(spec.channelnames) == ["R", "G", "B"]


def test_overscan_and_format_are_kept(comp: Comp) -> None:
    comp.shot(overscan_px=8)
    export(comp)
    spec = read_exr(comp.folder / "inputs/plate.1001.exr")[1]
    assert (spec.x, spec.y, spec.width, spec.height) == (-8, -8, 80, 64)
    assert (spec.full_x, spec.full_y, spec.full_width, spec.full_height) == (0, 0, 64, 48)
    np.testing.assert_array_equal(
        exported(comp, "plate.1001.exr"), read_exr(comp.folder / "shot/plate.1001.exr")[0]
    )


def test_what_stands_above_the_node_is_in_the_export(comp: Comp) -> None:
    comp.shot()
    grade = comp.nuke.nodes.Multiply(value=2.0)
    grade.setInput(0, comp.plate)
    comp.node.setInput(0, grade)
    export(comp)
    np.testing.assert_array_equal(
        exported(comp, "plate.1001.exr"), 2 * read_exr(comp.folder / "shot/plate.1001.exr")[0]
    )


def test_frames_keep_their_numbers_and_holes_stay_holes(comp: Comp) -> None:
    comp.shot((1001, 1002, 1005))
    export(comp, (1001, 1002, 1005))
    assert names(comp) == ["clean.exr", "plate.1001.exr", "plate.1002.exr", "plate.1005.exr"]


def test_a_held_clean_plate_is_exported_once_at_its_frame(comp: Comp) -> None:
    comp.shot(clean="sequence")
    clean = comp.read("shot/clean.%04d.exr", 1001, 1003)
    comp.node.setInput(1, clean)
    comp.node["clean_frame"].setValue(1002)
    export(comp)
    rendered = [(frame, Path(path).name) for _, frame, path in comp.session.rendered]
    assert [item for item in rendered if item[1].startswith("clean")] == [(1002, "clean.exr")]


def test_a_clean_sequence_has_the_plates_frames(comp: Comp) -> None:
    comp.shot(clean="sequence")
    comp.node.setInput(1, comp.read("shot/clean.%04d.exr", 1001, 1003))
    comp.node["clean_mode"].setValue("sequence")
    export(comp, (1002, 1003))
    assert names(comp) == [f"{role}.{n}.exr" for role in ("clean", "plate") for n in (1002, 1003)]


def test_mattes_are_their_alpha_alone(comp: Comp) -> None:
    comp.shot()
    pixels = np.random.default_rng(1).uniform(0, 1, (48, 64, 4)).astype(np.float32)
    write_exr(comp.folder / "shot/garbage.exr", pixels, channels="RGBA")
    comp.node.setInput(2, comp.read("shot/garbage.exr", 1001, 1003))
    patterns = export(comp)
    assert set(patterns) == {"plate", "clean", "garbage"}
    found, spec = read_exr(comp.folder / "inputs/garbage.1001.exr")
    assert list(spec.channelnames) == ["A"]
    np.testing.assert_array_equal(found[..., 0], pixels[..., 3])


def test_a_matte_without_alpha_is_refused_by_name(comp: Comp) -> None:
    comp.shot()
    comp.node.setInput(3, comp.clean)
    with pytest.raises(comp.plugin.PlateMatteError, match=r"core matte \(input 3\).*alpha"):
        export(comp)
    assert not (comp.folder / "inputs").exists()


def test_proxy_mode_is_off_for_the_export_and_on_again_after_it(comp: Comp) -> None:
    comp.shot()
    comp.nuke.root()["proxy"].setValue(True)
    export(comp)
    assert comp.nuke.root()["proxy"].value()
    assert exported(comp, "plate.1001.exr").shape == (48, 64, 3)


def test_proxy_mode_is_on_again_after_an_error(comp: Comp) -> None:
    comp.shot((1001, 1003))
    comp.nuke.root()["proxy"].setValue(True)
    with pytest.raises(comp.plugin.PlateMatteError):
        export(comp, (1001, 1002, 1003))
    assert comp.nuke.root()["proxy"].value()
    assert comp.session.undo_disabled == 0


def test_nothing_is_left_in_script_undo_stack_and_selection(comp: Comp) -> None:
    comp.shot()
    comp.clean.setSelected(True)
    comp.plate.setSelected(False)
    inside, outside = len(comp.node.nodes()), len(comp.nuke.allNodes())
    comp.session.undo_records.clear()
    export(comp)
    assert (len(comp.node.nodes()), len(comp.nuke.allNodes())) == (inside, outside)
    assert comp.session.undo_records == []
    assert comp.nuke.selectedNodes() == [comp.clean]


def test_a_frame_that_cannot_be_rendered_is_named_and_the_write_goes(comp: Comp) -> None:
    comp.shot((1001, 1003))
    inside = len(comp.node.nodes())
    with pytest.raises(
        comp.plugin.PlateMatteError, match="the plate cannot be rendered at frame 1002"
    ):
        export(comp, (1001, 1002, 1003))
    assert len(comp.node.nodes()) == inside


def test_a_render_that_the_artist_stops_is_a_cancel(comp: Comp) -> None:
    comp.shot()
    comp.session.cancel_render_at = 1002
    with pytest.raises(comp.plugin.Cancelled, match="plate"):
        export(comp)


def test_a_studios_defaults_of_write_do_not_reach_the_files(comp: Comp) -> None:
    comp.shot()
    made: Any = comp.nuke.nodes.Write

    def studio_write(**knobs: Any) -> Any:
        write = made(**knobs)
        write["file_type"].setValue("exr")
        write["datatype"].setValue("16 bit half")
        write["compression"].setValue("DWAA")
        write["autocrop"].setValue(True)
        write["use_limit"].setValue(True)
        return write

    comp.nuke.nodes.Write = studio_write
    try:
        export(comp)
    finally:
        comp.nuke.nodes.Write = made
    np.testing.assert_array_equal(
        exported(comp, "plate.1001.exr"), read_exr(comp.folder / "shot/plate.1001.exr")[0]
    )


def test_missing_inputs_are_named(comp: Comp) -> None:
    comp.shot()
    comp.node.setInput(1, None)
    with pytest.raises(comp.plugin.PlateMatteError, match=r"connect the clean plate \(input 1\)"):
        export(comp)
    comp.node.setInput(0, None)
    with pytest.raises(comp.plugin.PlateMatteError, match=r"connect the plate \(input 0\)"):
        export(comp)


def test_paths_with_spaces_and_other_letters_work(tmp_path: Path) -> None:
    folder = tmp_path / "Schöne Aufnahme 第1"
    with open_comp(folder, tmp_path / "no engine") as comp:
        comp.shot()
        patterns = export(comp)
        assert Path(patterns["clean"]).is_file()


def test_a_path_that_nuke_would_read_as_tcl_is_refused(comp: Comp) -> None:
    comp.shot()
    comp.node["cache_dir"].setValue((comp.folder / "take#2").as_posix())
    with pytest.raises(comp.plugin.PlateMatteError, match="#"):
        export(comp)


def test_what_the_group_shows_before_a_matte_is_the_plate_without_alpha(comp: Comp) -> None:
    comp.shot(overscan_px=8)
    np.testing.assert_array_equal(
        pixels_of(comp.node, 1001), read_exr(comp.folder / "shot/plate.1001.exr")[0]
    )
    assert not pixels_of(comp.node, 1001, ("rgba.alpha",)).any()
