"""The status line: what is shown, and whether inputs or knobs changed since it was made."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from comp import Comp, open_comp, write_shot


@pytest.fixture
def comp(tmp_path: Path, engine: Path) -> Iterator[Comp]:
    with open_comp(tmp_path, engine, gui=True) as comp:
        comp.shot()
        comp.plugin.run(comp.node, 1001)
        assert "up to date" in comp.status()
        yield comp


def look(comp: Comp) -> str:
    """Let Nuke redraw its panels, a while after the last time, and return the status line."""
    callbacks = importlib.import_module("platematte_nuke.callbacks")
    callbacks._looked.clear()
    callbacks._rest_until = 0.0
    callbacks.update_ui(comp.node)
    return comp.status()


@pytest.mark.parametrize(
    ("knob", "value", "told"),
    [
        ("align", False, "align"),
        ("match", False, "match"),
        ("quality", "fast", "quality"),
        ("clean_frame", 2, "clean plate frame"),
        ("clean_mode", "sequence", "clean plate frame"),
        ("plate_space", "ACEScg", "working space"),
        ("more_settings", "prepare.camera=static", "prepare.camera"),
    ],
)
def test_a_knob_that_decides_pixels_makes_it_stale_until_it_is_put_back(
    comp: Comp, knob: str, value: object, told: str
) -> None:
    before = comp.node[knob].value()
    comp.node[knob].setValue(value)
    assert f"STALE, changed since: {told}" in comp.status()
    comp.node[knob].setValue(before)
    assert "up to date" in comp.status()


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("device", "auto"),
        ("layer_clean", True),
        ("output", "alpha only"),
        ("range", "root"),
        ("more_settings", "engine.memory_mib=256"),
        ("keep_inputs", True),
    ],
)
def test_a_knob_that_decides_no_pixel_does_not(comp: Comp, knob: str, value: object) -> None:
    comp.node[knob].setValue(value)
    assert "up to date" in comp.status()


def test_a_node_put_between_is_noticed_and_named(comp: Comp) -> None:
    grade = comp.nuke.nodes.Multiply(value=2.0)
    grade.setInput(0, comp.clean)
    comp.node.setInput(1, grade)
    assert "STALE, changed since: clean plate" in look(comp)
    comp.node.setInput(1, comp.clean)
    assert "up to date" in look(comp)


def test_a_knob_far_above_is_noticed(comp: Comp) -> None:
    grade = comp.nuke.nodes.Multiply(value=2.0)
    grade.setInput(0, comp.plate)
    dot = comp.nuke.nodes.Dot()
    dot.setInput(0, grade)
    comp.node.setInput(0, dot)
    comp.plugin.run(comp.node, 1001)
    assert "up to date" in look(comp)
    grade["value"].setValue(3.0)
    assert "STALE, changed since: plate" in look(comp)


def test_a_matte_that_is_connected_later_is_noticed(comp: Comp) -> None:
    comp.node.setInput(2, comp.plate)
    assert "STALE, changed since: garbage matte" in look(comp)


def test_a_file_rendered_again_under_its_name_is_noticed(comp: Comp) -> None:
    path = comp.folder / "shot/plate.1001.exr"
    status = path.stat()
    write_shot(comp.folder / "shot", (1001,))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))
    assert "STALE, changed since: plate" in look(comp)


def test_names_places_and_the_current_frame_change_nothing(comp: Comp) -> None:
    comp.plate.setName("hero")
    comp.plate.setXYpos(500, 500)
    comp.plate["label"].setValue("take 3")
    comp.clean.setSelected(True)
    comp.nuke.frame(1003)
    assert "up to date" in look(comp)


def test_looking_records_no_undo(comp: Comp) -> None:
    comp.session.undo_records.clear()
    importlib.import_module("platematte_nuke.edits").set_quietly(comp.node, status="old")
    assert "up to date" in look(comp)
    assert comp.session.undo_records == []


def test_an_attached_version_is_stale_against_its_own_run(comp: Comp) -> None:
    comp.node["align"].setValue(False)
    comp.plugin.run(comp.node, 1002)
    assert "v002" in comp.status() and "up to date" in comp.status()
    comp.plugin.attach(comp.node, 1)
    assert "v001" in comp.status() and "STALE, changed since: align" in comp.status()


def test_before_the_first_matte_it_says_what_to_do(comp: Comp) -> None:
    node = comp.make()
    assert comp.status(node) == "no matte yet: press Matte this frame"
    node.setInput(1, None)
    comp.plugin.create(comp.plate, None)
    importlib.import_module("platematte_nuke.readback").refresh(node)
    assert comp.status(node) == "no matte yet: connect the clean plate (input 1)"


def test_a_held_frame_that_the_clean_plate_lacks_is_replaced_on_connection(comp: Comp) -> None:
    write_shot(comp.folder / "moving", (1001, 1002), clean="sequence")
    node = comp.make()
    node.setInput(1, None)
    node.setInput(1, comp.read("moving/clean.%04d.exr", 1001, 1002))
    callbacks = importlib.import_module("platematte_nuke.callbacks")
    callbacks.knob_changed(node, comp.nuke.Knob("inputChange"))
    assert node["clean_frame"].value() == 1001


def test_a_slow_file_server_is_not_asked_at_every_redraw(
    comp: Comp, monkeypatch: pytest.MonkeyPatch
) -> None:
    callbacks = importlib.import_module("platematte_nuke.callbacks")
    now, looks = [1000.0], []

    def refresh_slowly(node: object) -> None:
        looks.append(now[0])
        now[0] += 0.5

    monkeypatch.setattr(callbacks.readback, "refresh", refresh_slowly)
    monkeypatch.setattr(callbacks, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(callbacks, "_rest_until", 0.0)
    callbacks._looked.clear()
    while now[0] < 1100:
        callbacks.update_ui(comp.node)
        now[0] += 0.1
    # Half a second each, at most a twentieth of the time.
    assert 5 <= len(looks) <= 10
