"""Every property and operator says what it is for, in Blender's style."""

from __future__ import annotations

import inspect
import sys
from typing import Any

import bpy
import pytest

import blender_addon


def _classes() -> list[type]:
    """Return the classes that the add-on has registered."""
    prefix = blender_addon.__name__ + "."
    found = {
        one
        for name, module in sys.modules.items()
        if name.startswith(prefix)
        for _, one in inspect.getmembers(module, inspect.isclass)
        if one.__module__.startswith(prefix) and getattr(one, "is_registered", False)
    }
    return sorted(found, key=lambda one: one.__name__)


def _own_properties(cls: type) -> list[Any]:
    """Return the properties that the class adds, those that only the code sees left out."""
    names = {name for base in cls.__mro__ for name in inspect.get_annotations(base)}
    found = [entry for entry in _rna(cls).properties if entry.identifier in names]
    return [entry for entry in found if not entry.is_hidden]


def _rna(cls: type) -> Any:
    """Return what Blender knows of a class; of an operator that is elsewhere."""
    if not issubclass(cls, bpy.types.Operator):
        return cls.bl_rna
    group, _, name = cls.bl_idname.partition(".")
    return getattr(getattr(bpy.ops, group), name).get_rna_type()


def _mistake(text: str) -> str:
    """Return what is wrong with a tooltip; empty when nothing is."""
    if len(text.strip()) < 4:
        return "is empty"
    if text != text.strip() or "\n" in text:
        return "has spaces or lines that are not wanted"
    if text.endswith("."):
        return "ends with a full stop, which Blender adds itself"
    return "" if text[0].isupper() or not text[0].isalpha() else "begins with a small letter"


def test_the_rules_find_what_they_are_for() -> None:
    assert _mistake("Show the node") == ""
    assert all(map(_mistake, ("", "Show it.", "show it", " Show it", "Show\nit")))


def test_all_kinds_of_classes_are_looked_at() -> None:
    kinds = {base.__name__ for cls in _classes() for base in cls.__mro__}
    assert {"Operator", "Panel", "AddonPreferences", "CompositorNodeCustomGroup"} <= kinds
    assert len([cls for cls in _classes() if issubclass(cls, bpy.types.Operator)]) >= 9


def test_every_operator_has_a_tooltip() -> None:
    for cls in _classes():
        if issubclass(cls, bpy.types.Operator):
            told = _rna(cls).description
            assert not _mistake(told), (cls.bl_idname, told)
            assert cls.bl_label


def test_every_property_has_a_name_and_a_tooltip() -> None:
    looked_at = 0
    for cls in _classes():
        for entry in _own_properties(cls):
            assert not _mistake(entry.description), (cls.__name__, entry.identifier)
            assert entry.name, (cls.__name__, entry.identifier)
            looked_at += 1
    assert looked_at > 25


def test_every_choice_has_a_tooltip() -> None:
    looked_at = 0
    for cls in _classes():
        for entry in _own_properties(cls):
            for choice in getattr(entry, "enum_items", ()):
                assert not _mistake(choice.description), (cls.__name__, choice.identifier)
                looked_at += 1
    assert looked_at > 10


@pytest.mark.parametrize("kind", ["INPUT", "OUTPUT"])
def test_every_output_of_the_node_says_what_it_is(kind: str) -> None:
    from blender_addon import inner_tree

    tree = inner_tree.make_tree()
    sockets = [one for one in tree.interface.items_tree if one.in_out == kind]
    assert len(sockets) == {"INPUT": 4, "OUTPUT": 6}[kind]
    if kind == "OUTPUT":
        assert all(len(one.description) > 3 for one in sockets)
