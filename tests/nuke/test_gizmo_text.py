"""The gizmo's text: its graph, its links and its Python, read by a real Tcl."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest

pytest.importorskip("tkinter", reason="this Python has no Tcl (Debian: python3-tk)")

from gizmo_text import above, edges, option, split_items, user_knobs
from tcl.loader import TextNode, load

from platematte.images.layers import LAYER_CHANNELS
from platematte.settings import NetworkSettings

REPOSITORY = Path(__file__).resolve().parents[2]
GIZMO = REPOSITORY / "nuke_plugin" / "gizmos" / "PlateMatte.gizmo"
CLASSES = json.loads((Path(__file__).parent / "classes.json").read_text(encoding="utf-8"))
# String, File, Int, Enumeration, Boolean, Tab, PyScript, Text: Nuke 6 and all since have them.
KNOB_IDS = {1, 2, 3, 4, 6, 20, 22, 26}
# Knobs that are ours to set and nobody's to see.
HIDDEN = {
    *("shown", "shown_frames", "made_with", "last_run", "run_id"),
    *("has_" + layer for layer in LAYER_CHANNELS),
}


@pytest.fixture(scope="module")
def text() -> str:
    return GIZMO.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def group(text: str) -> TextNode:
    script = load(text)
    assert [node.class_name for node in script.nodes] == ["Group"]
    return script.nodes[0]


def python_of(group: TextNode) -> dict[str, str]:
    """Return all embedded Python by the knob that holds it."""
    found = {
        name: option(words, "T") for name, words in user_knobs(group).items() if words[0] == "22"
    }
    found.update(
        {
            name: word
            for name, word in group.knobs
            if name in ("onCreate", "knobChanged", "updateUI")
        }
    )
    return found


def test_it_is_a_group_so_that_a_comp_keeps_its_inside(text: str) -> None:
    assert re.match(r"version [\d.]+ v\d+\nGroup \{\n", text)
    assert text.rstrip().endswith("end_group")


def test_it_has_four_inputs_in_the_order_of_the_arrows(group: TextNode) -> None:
    inputs = {
        node.name: int(node.word("number") or 0)
        for node in group.children
        if node.class_name == "Input"
    }
    assert inputs == {"plate": 0, "clean": 1, "garbage": 2, "core": 3}


def test_the_graph_is_wired_as_intended(group: TextNode) -> None:
    assert edges(group) == {
        "straight_pass": ["matte_read"],
        "straight_check": ["straight_pass"],
        "alpha_pass": ["matte_read"],
        "clean_pass": ["matte_read"],
        "clean_check": ["clean_pass"],
        "confidence_pass": ["matte_read"],
        "confidence_check": ["confidence_pass"],
        "residual_pass": ["matte_read"],
        "residual_check": ["residual_pass"],
        "no_matte": ["plate"],
        "plate_with_alpha": ["plate", "matte_read"],
        "plate_times_alpha": ["plate_with_alpha"],
        "output_switch": [
            *("matte_read", "straight_check", "plate_times_alpha", "alpha_pass"),
            *("clean_check", "confidence_check", "residual_check"),
        ],
        "matte_switch": ["no_matte", "output_switch"],
        "plate_switch": ["matte_switch", "plate"],
        "Output1": ["plate_switch"],
    }


def test_one_output_reaches_every_node_but_the_inputs_of_the_engine(group: TextNode) -> None:
    outputs = [node for node in group.children if node.class_name == "Output"]
    assert len(outputs) == 1
    names = {str(node.name) for node in group.children}
    assert names - above(outputs[0]) == {"clean", "garbage", "core"}


def test_names_are_unique(group: TextNode) -> None:
    names = [node.name for node in group.children]
    assert len(set(names)) == len(names)


def test_every_output_has_its_place_in_the_switches(group: TextNode) -> None:
    outputs = [word for word in split_items(user_knobs(group)["output"])]
    assert len(outputs) == len(group.child("output_switch").inputs) + 1
    assert outputs[-1] == "plate"
    assert f"parent.output == {len(outputs) - 1}" in str(group.child("plate_switch").word("which"))


def test_every_expression_names_a_knob_of_the_group(group: TextNode) -> None:
    knobs = user_knobs(group)
    named = [
        name
        for node in group.children
        for _, word in node.knobs
        for name in re.findall(r"parent\.(\w+)", word)
    ]
    assert {"output", "shown", "has_clean"} <= set(named)
    assert set(named) <= set(knobs)


def test_every_class_and_knob_is_in_the_table(group: TextNode) -> None:
    common = CLASSES["every_node"]["knobs"]
    for node in [group, *group.children]:
        entry = CLASSES["classes"][node.class_name]
        own = {name for name, _ in node.knobs} - {"addUserKnob"}
        users = set(user_knobs(node)) if node is group else set()
        assert own <= {*entry["knobs"], *common, *users}, node.name


def test_user_knobs_have_classes_that_every_nuke_has(group: TextNode) -> None:
    assert {int(words[0]) for words in user_knobs(group).values()} == KNOB_IDS


def test_every_knob_that_is_seen_has_a_tooltip(group: TextNode) -> None:
    for name, words in user_knobs(group).items():
        is_seen = "+INVISIBLE" not in words and int(words[0]) not in (20, 26)
        assert bool(option(words, "t")) >= is_seen, name
    hidden = {name for name, words in user_knobs(group).items() if "+INVISIBLE" in words}
    assert hidden == {*HIDDEN, "adapt"}


def test_all_python_is_guarded_and_of_python_3_7(group: TextNode) -> None:
    scripts = python_of(group)
    assert {"matte_frame", "matte_range", "cancel", "troubleshoot", "onCreate"} <= set(scripts)
    for name, script in scripts.items():
        tree = ast.parse(script, name, feature_version=(3, 7))
        assert isinstance(tree.body[0], ast.Try), name
        assert len(tree.body) == 1, name


def test_every_button_calls_an_action_that_there_is(group: TextNode) -> None:
    source = (REPOSITORY / "nuke_plugin" / "platematte_nuke" / "buttons.py").read_text()
    actions = re.search(r"_ACTIONS: [^{]*\{(.*?)\}", source, re.DOTALL)
    assert actions is not None
    there = set(re.findall(r'"(\w+)":', actions.group(1)))
    called = {
        match.group(1)
        for script in python_of(group).values()
        if (match := re.search(r"buttons\.press\(nuke\.thisNode\(\), '(\w+)'\)", script))
    }
    assert called == there


def test_the_read_shows_no_frame_that_is_not_there(group: TextNode) -> None:
    read = group.child("matte_read")
    assert (read.word("before"), read.word("after")) == ("black", "black")
    assert read.word("on_error") == "error"
    assert read.word("raw") == "true"
    assert read.word("localizationPolicy") == "off"


def test_no_path_of_anyone_is_in_it(text: str, group: TextNode) -> None:
    assert not re.search(r"[\s\"'{]/(home|Users|tmp|work|opt|mnt)/|\b[A-Z]:[/\\]", text)
    assert not any(name in ("cache_dir", "engine") for name, _ in group.knobs)


def test_devices_are_those_of_the_engine(group: TextNode) -> None:
    there: Any = get_type_hints(NetworkSettings)["device"]
    assert split_items(user_knobs(group)["device"]) == list(get_args(there))


def test_the_engines_layers_can_be_ticked_and_shown(text: str, group: TextNode) -> None:
    assert {"layer_" + layer for layer in LAYER_CHANNELS} <= set(user_knobs(group))
    nuke_names = {"R": "red", "G": "green", "B": "blue"}
    declared = {layer[0]: layer[1:] for layer in load(text).layers}
    assert declared == {
        layer: [f"{layer}.{nuke_names.get(channel, channel)}" for channel in channels]
        for layer, channels in LAYER_CHANNELS.items()
    }
