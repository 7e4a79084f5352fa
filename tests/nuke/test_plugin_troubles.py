"""What goes wrong on disk and in the graph: told with its reason, and nothing is left or lost."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest
from comp import SIZE, Comp, open_comp, pixels_of, read_exr, subject_at, write_exr, write_shot

from platematte_client import versions

ALPHA = ("rgba.alpha",)


@pytest.fixture
def comp(tmp_path: Path, engine: Path) -> Iterator[Comp]:
    with open_comp(tmp_path, engine) as comp:
        yield comp


def refusal(comp: Comp, frames: Any = None) -> str:
    """Return what is said of a matte that is refused; the script is as it was before."""
    before = {node.fullName() for node in comp.nuke.allNodes(recurseGroups=True)}
    with pytest.raises(comp.plugin.PlateMatteError) as caught:
        comp.plugin.run(comp.node, frames)
    assert {node.fullName() for node in comp.nuke.allNodes(recurseGroups=True)} == before
    assert comp.node["shown"].value() == 0
    return str(caught.value)


def module(name: str) -> Any:
    return importlib.import_module("platematte_nuke." + name)


def place(path: Path, pixels: np.ndarray, x: int, y: int) -> None:
    """Write a frame whose data window begins at a pixel of the format, rows from the top."""
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], 3, "float")
    spec.x, spec.y, spec.full_x, spec.full_y = x, y, 0, 0
    spec.full_width, spec.full_height = SIZE
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec), output.geterror()
    assert output.write_image(np.ascontiguousarray(pixels)), output.geterror()
    assert output.close()


def test_a_disk_that_fills_up_during_the_export_is_told_and_nothing_is_left(
    comp: Comp, monkeypatch: pytest.MonkeyPatch
) -> None:
    import doubles.exr

    comp.shot()
    save = doubles.exr.save

    def fill_up(path: str, header: Any, pixels: Any) -> None:
        if "plate.1002" in path:
            raise RuntimeError(f"{path}: No space left on device")
        save(path, header, pixels)

    class Full:
        free = 3 << 20

    monkeypatch.setattr(doubles.exr, "save", fill_up)
    monkeypatch.setattr(module("export").shutil, "disk_usage", lambda path: Full)
    told = refusal(comp)
    assert "the plate cannot be rendered at frame 1002" in told
    assert "No space left" in told
    assert "free space of the cache folder (3 MiB are free)" in told
    assert comp.versions() == []


def test_a_cache_folder_that_cannot_be_written_to_is_named_before_any_export(comp: Comp) -> None:
    comp.shot()
    (comp.folder / "a file").write_text("no folder")
    comp.node["cache_dir"].setValue((comp.folder / "a file" / "cache").as_posix())
    told = refusal(comp)
    assert (comp.folder / "a file").as_posix() in told
    assert "Choose another cache folder" in told
    assert comp.session.rendered == []


def test_a_record_that_cannot_be_written_is_an_error_of_ours_to_explain(
    comp: Comp, monkeypatch: pytest.MonkeyPatch
) -> None:
    comp.shot()

    def fail(folder: Path, record: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(versions, "write_record", fail)
    assert "cannot be written: No space left on device" in refusal(comp)
    assert comp.versions() == []


@pytest.mark.parametrize(
    "text",
    ["", "abc", "1001-", "1001 - 1003", "1001:1003", "1001,,1003", "1001-1003x0", "1-9999999"],
)
def test_a_range_typed_wrong_is_refused_with_an_example(comp: Comp, text: str) -> None:
    comp.shot()
    comp.node["range"].setValue("custom")
    comp.node["frames"].setValue(text)
    assert "1001-1100" in refusal(comp)
    assert comp.versions() == []


@pytest.mark.parametrize(
    ("mode", "frames"),
    [("input", (1001, 1002, 1003)), ("root", (1002, 1003)), ("custom", (1001, 1003))],
)
def test_each_kind_of_range_means_its_own_frames(
    comp: Comp, mode: str, frames: tuple[int, ...]
) -> None:
    comp.shot()
    comp.nuke.root()["first_frame"].setValue(1002)
    comp.nuke.root()["last_frame"].setValue(1003)
    comp.node["range"].setValue(mode)
    comp.node["frames"].setValue("1001-1003x2")
    run = comp.plugin.run(comp.node)
    assert tuple(int(path.name[6:10]) for path in sorted(run.folder.glob("*.exr"))) == frames


def test_reason_and_remedy_are_two_sentences_in_the_status_line(comp: Comp) -> None:
    comp.shot()
    comp.node["more_settings"].setValue("engine.memory_mib=1")
    told = refusal(comp, 1001)
    assert "it may be 64 to 1048576\ndocs/td.md" in told
    assert "it may be 64 to 1048576. docs/td.md lists" in comp.status()


@pytest.mark.parametrize("mode", ["input", "root", "custom"])
def test_a_plate_that_is_not_connected_is_named_whatever_the_range(comp: Comp, mode: str) -> None:
    comp.shot()
    comp.node["range"].setValue(mode)
    comp.node["frames"].setValue("1001")
    comp.node.setInput(0, None)
    with pytest.raises(comp.plugin.PlateMatteError, match=r"connect the plate \(input 0\)"):
        comp.press("matte_range")
    assert "connect the plate (input 0)" in comp.status()


def test_an_input_with_nothing_above_it_is_told_as_that(comp: Comp) -> None:
    comp.shot()
    comp.node.setInput(0, comp.nuke.nodes.Dot())
    assert "the plate (input 0) delivers no image" in refusal(comp, 1001)


def test_alpha_that_the_plate_brings_along_is_not_taken_for_ours(comp: Comp) -> None:
    comp.shot((1001,))
    path = comp.folder / "shot/plate.1001.exr"
    plate = read_exr(path)[0]
    own = np.full((*plate.shape[:2], 1), 0.5, np.float32)
    write_exr(path, np.concatenate([plate, own], axis=-1), channels="RGBA")
    assert not pixels_of(comp.node, 1001, ALPHA).any(), "before a matte there is no alpha"
    comp.plugin.run(comp.node, 1001)
    alpha = pixels_of(comp.node, 1001, ALPHA)
    assert alpha.max() == 1
    assert alpha.min() == 0
    comp.node["output"].setValue("plate x alpha")
    np.testing.assert_array_equal(pixels_of(comp.node, 1001, ALPHA), alpha)
    np.testing.assert_array_equal(pixels_of(comp.node, 1001), plate * alpha)
    comp.node["output"].setValue("plate")
    assert (pixels_of(comp.node, 1001, ALPHA) == 0.5).all()


def test_a_bounding_box_that_changes_from_frame_to_frame_is_kept(comp: Comp) -> None:
    frames = (1001, 1002, 1003)
    comp.shot(frames)
    for index, frame in enumerate(frames):
        path = comp.folder / f"shot/plate.{frame}.exr"
        pixels = read_exr(path)[0][index:, 4 * index :]
        place(path, pixels, 4 * index, index)
    run = comp.plugin.run(comp.node)
    for index, frame in enumerate(frames):
        spec = read_exr(run.folder / f"matte.{frame}.exr")[1]
        assert (spec.x, spec.y) == (4 * index, index)
        assert (spec.width, spec.height) == (SIZE[0] - 4 * index, SIZE[1] - index)
        assert pixels_of(comp.node, frame).shape[:2] == (spec.height, spec.width)


def test_a_plate_outside_its_format_is_told_by_the_input_and_not_by_a_file(comp: Comp) -> None:
    comp.shot((1001,))
    path = comp.folder / "shot/plate.1001.exr"
    place(path, read_exr(path)[0], 200, 100)
    told = refusal(comp, 1001)
    assert told.startswith("clean plate (input 1): the clean plate covers nothing")
    assert ".exr" not in told


def test_frames_below_zero_are_shown_as_well(comp: Comp) -> None:
    comp.shot((-2, -1, 0, 1))
    comp.plugin.run(comp.node)
    assert comp.status() == "v001, frames -2-1, premultiplied; up to date"
    for frame in (-2, -1, 0, 1):
        assert pixels_of(comp.node, frame, ALPHA).max() == 1


def test_a_hole_in_the_plate_is_named_and_the_range_around_it_can_be_matted(comp: Comp) -> None:
    comp.shot((1001, 1002, 1003, 1004))
    (comp.folder / "shot/plate.1003.exr").unlink()
    assert "1003" in refusal(comp)
    comp.plugin.run(comp.node, "1001-1002,1004")
    assert "v001, frames 1001-1002,1004" in comp.status()


def test_a_frame_of_a_clean_sequence_is_held_and_no_other_is_looked_at(comp: Comp) -> None:
    comp.shot(clean="sequence")
    for frame in (1001, 1003):
        path = comp.folder / f"shot/clean.{frame}.exr"
        write_exr(path, read_exr(path)[0] * 0 + 9)
    comp.clean = comp.read("shot/clean.%04d.exr", 1001, 1003)
    comp.node.setInput(1, comp.clean)
    comp.node["clean_frame"].setValue(1002)
    comp.plugin.run(comp.node)
    row, column = subject_at()
    for frame in (1001, 1002, 1003):
        alpha = pixels_of(comp.node, frame, ALPHA)[..., 0]
        assert alpha[row, column] == 1
        assert alpha[:4, -4:].max() < 0.05


def test_a_clean_sequence_is_matched_frame_by_frame(comp: Comp) -> None:
    comp.shot(clean="sequence")
    path = comp.folder / "shot/plate.1002.exr"
    other, clean = read_exr(path)[0], read_exr(comp.folder / "shot/clean.1002.exr")[0]
    # In the second frame the set is another one: only its own clean plate explains it.
    write_exr(path, np.where(other > 0.6, other, clean[::-1]))
    write_exr(comp.folder / "shot/clean.1002.exr", clean[::-1])
    comp.clean = comp.read("shot/clean.%04d.exr", 1001, 1003)
    comp.node.setInput(1, comp.clean)
    comp.node["clean_mode"].setValue("sequence")
    comp.node["quality"].setValue("fast")
    comp.plugin.run(comp.node)
    for frame in (1001, 1002, 1003):
        assert pixels_of(comp.node, frame, ALPHA)[:4, -4:].max() < 0.05


def test_frames_that_were_deleted_from_the_disk_are_told(comp: Comp) -> None:
    comp.shot()
    run = comp.plugin.run(comp.node)
    (run.folder / "matte.1002.exr").unlink()
    module("readback").refresh(comp.node)
    assert comp.status().endswith("GONE from the disk: frames 1002")


def test_results_in_temporary_files_are_told_until_they_are_matted_again(comp: Comp) -> None:
    comp.shot((1001,))
    comp.node["cache_dir"].setValue("")
    run = comp.plugin.run(comp.node, 1001)
    try:
        comp.nuke.scriptSaveAs((comp.folder / "comp.nk").as_posix())
        module("readback").refresh(comp.node)
        told = "in temporary files, matte again to keep it: " + run.folder.parent.as_posix()
        assert comp.status().endswith(told)
    finally:
        versions.delete_version(run.folder)
        run.folder.parent.rmdir()
    comp.plugin.run(comp.node, 1001)
    assert comp.status().endswith("premultiplied; up to date")


def test_a_write_left_by_an_autosave_in_the_middle_of_an_export_goes(comp: Comp) -> None:
    comp.shot((1001,))
    with comp.node:
        comp.nuke.nodes.Write(name="platematte_export_plate")
    comp.plugin.run(comp.node, 1001)
    assert comp.node.node("platematte_export_plate") is None


def test_a_fault_of_the_plug_in_is_a_sentence_and_its_trace_is_for_the_terminal(
    comp: Comp, monkeypatch: pytest.MonkeyPatch
) -> None:
    comp.shot((1001,))

    def fail(*_: Any) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(module("run"), "export_inputs", fail)
    with pytest.raises(comp.plugin.PlateMatteError, match=r"by nothing.*text of Troubleshoot"):
        comp.press("matte_range")
    assert "internal error" in comp.status()
    assert "Traceback" not in comp.status()
    assert any("Traceback" in line for line in comp.session.log)
    assert comp.versions() == []


def test_the_example_shot_goes_through_as_it_is(comp: Comp) -> None:
    repository = Path(__file__).resolve().parents[2]
    shot = repository / "examples" / "shot"
    comp.plate = comp.read((shot / "plate.%04d.exr").as_posix(), 1001, 1004)
    comp.clean = comp.read((shot / "clean.exr").as_posix(), 1, 1)
    comp.node = comp.make()
    comp.plugin.run(comp.node, 1002)
    assert "v001, frames 1002, premultiplied; up to date" in comp.status()
    plate = read_exr(shot / "plate.1002.exr")[1]
    assert pixels_of(comp.node, 1002).shape[:2] == (plate.height, plate.width)


def test_two_shots_in_one_script_keep_to_themselves(comp: Comp) -> None:
    comp.shot((1001,))
    first = comp.node
    write_shot(comp.folder / "other", (7, 8))
    comp.plate = comp.read("other/plate.%04d.exr", 7, 8)
    comp.clean = comp.read("other/clean.exr", 1, 1)
    second = comp.make(cache_dir=(comp.folder / "cache2").as_posix())
    comp.plugin.run(second)
    comp.plugin.run(first)
    assert comp.status(first) == "v001, frames 1001, premultiplied; up to date"
    assert comp.status(second) == "v001, frames 7-8, premultiplied; up to date"
