"""From the plate to the Read inside the group, with the real engine, as `nuke -t` does it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from comp import (
    SIZE,
    Comp,
    open_comp,
    pixels_of,
    read_exr,
    starts_of,
    subject_at,
    write_exr,
)

ALPHA = ("rgba.alpha",)


@pytest.fixture
def comp(tmp_path: Path, engine: Path) -> Iterator[Comp]:
    with open_comp(tmp_path / "Aufnahme é 1", engine) as comp:
        yield comp


def test_values_above_1_overscan_and_frame_numbers_come_back_to_the_graph(comp: Comp) -> None:
    comp.shot(overscan_px=8)
    # A core matte promises pixels where alpha is 1, so that they are the plate's own.
    row, column = subject_at()
    core = np.zeros((SIZE[1], SIZE[0], 4), np.float32)
    core[row - 3 : row + 3, column - 3 : column + 3, 3] = 1
    for frame in (1001, 1002, 1003):
        write_exr(comp.folder / f"shot/core.{frame}.exr", core, channels="RGBA")
    comp.node.setInput(3, comp.read("shot/core.%04d.exr", 1001, 1003))
    run = comp.plugin.run(comp.node)
    assert comp.versions() == ["v001"]
    assert sorted(path.name for path in run.folder.iterdir()) == [
        "job.json",
        *(f"matte.{frame}.exr" for frame in (1001, 1002, 1003)),
        "settings.json",
        "thumbnail.png",
    ]
    for frame in (1001, 1002, 1003):
        shown = pixels_of(comp.node, frame, ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha"))
        assert shown.shape == (SIZE[1] + 16, SIZE[0] + 16, 4)
        plate = read_exr(comp.folder / f"shot/plate.{frame}.exr")[0]
        solid = shown[..., 3] == 1
        assert solid.sum() >= 36 and plate[solid].max() > 3
        np.testing.assert_array_equal(shown[solid][:, :3], plate[solid].astype(np.float16))
        written = read_exr(run.folder / f"matte.{frame}.exr")[0][..., :4]
        np.testing.assert_array_equal(shown, written)
    assert comp.status().startswith("v001, frames 1001-1003, premultiplied")
    assert "up to date" in comp.status()


def test_beside_the_range_it_is_black_and_a_hole_is_an_error(comp: Comp) -> None:
    comp.shot((1001, 1002, 1003, 1004))
    run = comp.plugin.run(comp.node, "1002,1004")
    assert sorted(path.name for path in run.folder.glob("*.exr")) == [
        "matte.1002.exr",
        "matte.1004.exr",
    ]
    assert not pixels_of(comp.node, 1001, ALPHA).any()
    assert pixels_of(comp.node, 1004, ALPHA).any()
    with pytest.raises(RuntimeError, match="1003"):
        pixels_of(comp.node, 1003)
    assert "frames 1002,1004" in comp.status()


def test_a_second_run_is_v002_and_v001_stays_as_it_was(comp: Comp) -> None:
    comp.shot()
    first = comp.plugin.run(comp.node, 1001)
    before = (first.folder / "matte.1001.exr").read_bytes()
    second = comp.plugin.run(comp.node, 1002)
    assert (first.version, second.version) == (1, 2)
    assert (first.folder / "matte.1001.exr").read_bytes() == before
    assert "v002, frames 1002" in comp.status()
    comp.plugin.attach(comp.node, 1)
    assert "v001, frames 1001" in comp.status()
    assert pixels_of(comp.node, 1001, ALPHA).any()


def test_the_engine_stays_warm_between_runs(comp: Comp, engine: Path) -> None:
    comp.shot()
    comp.plugin.run(comp.node, 1001)
    before = starts_of(engine)
    comp.plugin.run(comp.node, 1002)
    assert before and starts_of(engine) == before


def test_a_clean_plate_of_another_format_meets_the_plate_by_pixel(comp: Comp) -> None:
    comp.shot(clean_overscan_px=16)
    run = comp.plugin.run(comp.node, 1001)
    pixels, spec = read_exr(run.folder / "matte.1001.exr")
    assert (spec.x, spec.y, spec.width, spec.height) == (0, 0, *SIZE)
    # Away from the subject plate and clean plate are the same pixels, so that nothing is left.
    assert np.abs(pixels[:4, :4, 3]).max() < 0.05
    row, column = subject_at()
    assert pixels[row, column, 3] > 0.9


def test_every_output_shows_what_it_says(comp: Comp) -> None:
    comp.shot()
    node = comp.node
    for layer in ("clean", "residual"):
        node["layer_" + layer].setValue(True)
    run = comp.plugin.run(node, 1001)
    pixels, spec = read_exr(run.folder / "matte.1001.exr")
    there = dict(zip(spec.channelnames, np.moveaxis(pixels, -1, 0), strict=True))
    plate = read_exr(comp.folder / "shot/plate.1001.exr")[0]

    def layer(name: str) -> np.ndarray:
        return np.stack([there[name + channel] for channel in "RGB"], axis=-1)

    alpha = there["A"][..., None]
    confidence = there["confidence.Y"][..., None]
    wanted = {
        "premultiplied": (layer(""), alpha),
        "straight": (layer("foreground."), alpha),
        "plate x alpha": (plate * alpha, alpha),
        "alpha only": (alpha.repeat(3, -1), alpha),
        "clean plate": (layer("clean."), np.ones_like(alpha)),
        "confidence": (confidence.repeat(3, -1), confidence),
        "residual": (layer("residual."), np.zeros_like(alpha)),
        "plate": (plate, np.zeros_like(alpha)),
    }
    assert list(wanted) == node["output"].values()
    for output, (colour, shown_alpha) in wanted.items():
        node["output"].setValue(output)
        np.testing.assert_array_equal(pixels_of(node, 1001), colour, output)
        np.testing.assert_array_equal(pixels_of(node, 1001, ALPHA), shown_alpha, output)


def test_an_output_whose_layer_was_not_written_is_an_error_and_told(comp: Comp) -> None:
    comp.shot()
    comp.plugin.run(comp.node, 1001)
    comp.node["output"].setValue("residual")
    with pytest.raises(RuntimeError, match="no layer residual"):
        pixels_of(comp.node, 1001)
    assert "this version has no layer residual" in comp.status()
    comp.plugin.run(comp.node, 1001)
    assert np.isfinite(pixels_of(comp.node, 1001)).all()


def test_garbage_and_core_are_guarantees(comp: Comp) -> None:
    comp.shot()
    for number, (role, left) in enumerate((("garbage", True), ("core", False)), 2):
        matte = np.zeros((SIZE[1], SIZE[0], 4), np.float32)
        matte[:, : SIZE[0] // 2 if left else 0, 3] = 1
        matte[:, SIZE[0] - 4 if not left else SIZE[0] :, 3] = 1
        write_exr(comp.folder / f"shot/{role}.exr", matte, channels="RGBA")
        comp.node.setInput(number, comp.read(f"shot/{role}.exr", 1, 1))
        comp.node.input(number)["before"].setValue("hold")
        comp.node.input(number)["after"].setValue("hold")
    comp.plugin.run(comp.node, 1001)
    alpha = pixels_of(comp.node, 1001, ALPHA)[..., 0]
    assert (alpha[:, : SIZE[0] // 2] == 0).all()
    assert (alpha[:, SIZE[0] - 4 :] == 1).all()


def test_knobs_and_working_space_reach_the_engine(comp: Comp) -> None:
    comp.shot()
    comp.node["align"].setValue(False)
    comp.node["quality"].setValue("fast")
    comp.node["more_settings"].setValue("engine.memory_mib=256; output.compression=piz")
    run = comp.plugin.run(comp.node, 1001)
    spec = read_exr(run.folder / "matte.1001.exr")[1]
    assert spec.getattribute("compression") == "piz"
    assert spec.getattribute("platematte/colorspace") in (
        "Linear Rec.709 (sRGB)",
        "lin_rec709_scene",
    )
    record = json.loads((run.folder / "job.json").read_text())
    assert record["settings"]["prepare"] == {"align": "off", "match": "auto"}
    assert record["settings"]["solve"] == {"temporal": "off"}
    assert record["settings"]["network"] == {"device": "cpu", "weights": "fast"}
    assert record["settings"]["engine"] == {"memory_mib": "256"}


def test_the_engines_refusal_is_raised_and_in_the_status_line(comp: Comp) -> None:
    comp.shot()
    comp.node.setInput(1, comp.plate)
    comp.node["clean_frame"].setValue(1001)
    with pytest.raises(comp.plugin.PlateMatteError, match="clean plate") as caught:
        comp.plugin.run(comp.node, 1001)
    assert "Give a clean plate" in str(caught.value) or "without the subject" in str(caught.value)
    assert comp.status().startswith("last run: ")
    assert "clean plate" in comp.status()
    assert comp.node["shown"].value() == 0
    assert not list((comp.folder / "cache").rglob("*.exr"))


def test_an_unknown_setting_is_refused_in_the_engines_words(comp: Comp) -> None:
    comp.shot()
    comp.node["more_settings"].setValue("engine.memory=5")
    with pytest.raises(comp.plugin.PlateMatteError, match="memory_mib"):
        comp.plugin.run(comp.node, 1001)


def test_an_engine_that_is_not_there_is_told_before_anything_is_exported(comp: Comp) -> None:
    comp.shot()
    comp.node["engine"].setValue((comp.folder / "nowhere").as_posix())
    with pytest.raises(comp.plugin.PlateMatteError, match="nowhere"):
        comp.plugin.run(comp.node, 1001)
    assert comp.versions() == []
    assert comp.session.rendered == []


def test_a_button_in_nuke_t_raises_and_opens_no_dialogue(comp: Comp) -> None:
    comp.shot()
    comp.node.setInput(1, None)
    with pytest.raises(RuntimeError, match=r"connect the clean plate \(input 1\)"):
        comp.press("matte_range")
    assert comp.session.messages == []
    assert r"connect the clean plate (input 1)" in comp.status()


def test_running_without_waiting_is_refused_in_nuke_t(comp: Comp) -> None:
    comp.shot()
    with pytest.raises(comp.plugin.PlateMatteError, match="wait=True"):
        comp.plugin.run(comp.node, wait=False)


def test_a_job_for_a_farm_runs_there_and_is_attached(comp: Comp, engine: Path) -> None:
    comp.shot()
    path = comp.plugin.write_job(comp.node, "1001-1002")
    record = json.loads(path.read_text())
    assert (path.parent / "inputs/plate.1001.exr").is_file()
    assert comp.node["shown"].value() == 0
    assert record["command"][:2] == ["platematte", "matte"]
    command = [str(engine), *record["command"][1:], "--progress", "none"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    comp.plugin.attach(comp.node, 1)
    assert "v001, frames 1001-1002" in comp.status()
    assert "up to date" in comp.status()
    assert pixels_of(comp.node, 1002, ALPHA).max() > 0.9


def test_exported_inputs_stay_when_asked_to(comp: Comp) -> None:
    comp.shot()
    comp.node["keep_inputs"].setValue(True)
    run = comp.plugin.run(comp.node, 1001)
    assert sorted(path.name for path in (run.folder / "inputs").iterdir()) == [
        "clean.exr",
        "plate.1001.exr",
    ]


def test_an_unsaved_script_says_where_its_results_are(comp: Comp) -> None:
    comp.shot()
    comp.node["cache_dir"].setValue("")
    comp.plugin.run(comp.node, 1001)
    told = comp.status()
    assert "temporary files, save the script" in told
    folder = Path(told.rpartition(": ")[2])
    assert (folder / "v001" / "matte.1001.exr").is_file()
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def test_beside_a_saved_script_each_node_has_its_folder(comp: Comp) -> None:
    comp.shot()
    comp.nuke.scriptSaveAs((comp.folder / "comp.nk").as_posix())
    comp.node["cache_dir"].setValue("")
    run = comp.plugin.run(comp.node, 1001)
    assert run.folder == comp.folder / "platematte" / comp.node.name() / "v001"


def test_create_refuses_a_knob_that_is_not_there_and_leaves_no_node(comp: Comp) -> None:
    comp.shot()
    before = len(comp.nuke.allNodes())
    with pytest.raises(comp.plugin.PlateMatteError, match="clean_frame"):
        comp.make(clean_frames=3)
    with pytest.raises(comp.plugin.PlateMatteError, match="straight"):
        comp.make(output="stright")
    assert len(comp.nuke.allNodes()) == before


def test_ctrl_c_in_a_terminal_leaves_the_node_ready_for_the_next_run(
    comp: Comp, monkeypatch: pytest.MonkeyPatch
) -> None:
    comp.shot()

    def interrupt(text: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(comp.nuke, "tprint", interrupt)
        with pytest.raises(KeyboardInterrupt):
            comp.plugin.run(comp.node)
    assert comp.status().startswith("last run: cancelled.")
    assert comp.node["shown"].value() == 0
    assert comp.plugin.run(comp.node, 1001).version == 2
