"""The table of node classes and knobs: complete in itself, and whole for what the plug-in names.

The double makes its nodes from the same table, so that a class or a knob without a source cannot be
used in a test either.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
PLUGIN = HERE.parents[1] / "nuke_plugin"
TABLE: dict[str, Any] = json.loads((HERE / "classes.json").read_text(encoding="utf-8"))
OLDEST = "13.0"

ENTRIES = {**TABLE["classes"], "every node": TABLE["every_node"]}


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split("."))


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_a_class_has_a_public_source_a_page_and_versions(name: str) -> None:
    entry = ENTRIES[name]
    assert TABLE["sources"][entry["source"]].startswith("https://")
    newest = _version(TABLE["versions"]["newest"])
    assert _version(OLDEST) <= _version(entry["since"]) <= newest
    assert name == "every node" or "/" in entry["page"]
    for knob in entry["knobs"].values():
        assert _version(entry["since"]) <= _version(knob.get("since", OLDEST)) <= newest


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_a_choice_has_items_and_a_default_among_them(name: str) -> None:
    entry = ENTRIES[name]
    knobs = {**entry["knobs"], **entry.get("exr_knobs", {"knobs": {}})["knobs"]}
    for knob, facts in knobs.items():
        if facts["type"] == "Enumeration_Knob":
            assert facts["default"] in facts["items"], knob
        else:
            assert "items" not in facts, knob


@pytest.mark.parametrize("name", sorted(TABLE["classes"]))
def test_inputs_are_a_range_that_holds_the_mask(name: str) -> None:
    entry = TABLE["classes"][name]
    low, high = entry["inputs"]
    assert 0 <= low <= high
    assert entry.get("mask_input", 0) < max(high, 1)


def test_the_double_can_make_every_class(nuke: Any) -> None:
    made = [getattr(nuke.nodes, name)() for name in sorted(TABLE["classes"]) if name != "Root"]
    assert len(made) == len(TABLE["classes"]) - 1
    for node in made:
        knobs = {**TABLE["every_node"]["knobs"], **TABLE["classes"][node.Class()]["knobs"]}
        assert set(node.knobs()) == set(knobs)


def _calls_of_nodes() -> dict[str, list[str]]:
    """{class: file and line} of all nuke.nodes.X(...) and createNode("X") in the plug-in."""
    found: dict[str, list[str]] = {}
    for path in sorted(PLUGIN.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = _class_of(node)
            if name:
                found.setdefault(name, []).append(f"{path.name}:{node.lineno}")  # type: ignore[attr-defined]
    return found


def _class_of(node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    owner = node.func.value
    if isinstance(owner, ast.Attribute) and owner.attr == "nodes":
        return node.func.attr
    if node.func.attr == "createNode" and node.args and isinstance(node.args[0], ast.Constant):
        return str(node.args[0].value)
    return None


def test_the_plug_in_makes_nodes_of_the_table_alone() -> None:
    gizmos = {path.stem for path in PLUGIN.rglob("*.gizmo")}
    calls = _calls_of_nodes()
    assert "Write" in calls
    assert {name: at for name, at in calls.items() if name not in TABLE["classes"]} == {
        name: at for name, at in calls.items() if name in gizmos
    }


def _gizmo_nodes() -> list[Any]:
    pytest.importorskip("tkinter", reason="this Python has no Tcl (Debian: python3-tk)")
    from tcl.loader import load

    found: list[Any] = []

    def walk(nodes: list[Any]) -> None:
        for node in nodes:
            found.append(node)
            walk(node.children)

    for path in sorted(PLUGIN.rglob("*.gizmo")):
        walk(load(path.read_text(encoding="utf-8")).nodes)
    return found


def test_gizmos_use_knobs_that_the_oldest_nuke_has() -> None:
    nodes = _gizmo_nodes()
    assert len(nodes) > 10
    unknown, newer = [], []
    for node in nodes:
        own = {word.split()[1] for name, word in node.knobs if name == "addUserKnob"}
        knobs = {**TABLE["every_node"]["knobs"], **TABLE["classes"][node.class_name]["knobs"]}
        for knob, _ in node.knobs:
            if knob == "addUserKnob" or knob in own:
                continue
            if knob not in knobs:
                unknown.append((node.class_name, knob))
            elif _version(knobs[knob].get("since", OLDEST)) > _version(OLDEST):
                newer.append((node.class_name, knob))
    assert (unknown, newer) == ([], [])
