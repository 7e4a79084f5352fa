"""The sidebar: what it says of nodes, job, engine and disk; and Reveal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import bpy
import pytest

from blender_addon import (
    api,
    compat,
    disk_panel,
    icons,
    overview,
    panels,
    paragraphs,
    preferences,
    running,
)
from platematte_client import warm

PANELS = (panels.PLATEMATTE_PT_shots, panels.PLATEMATTE_PT_engine, disk_panel.PLATEMATTE_PT_disk)


class Drawn:
    """A layout that notes what is drawn into it, in the order it comes, at any depth."""

    def __init__(self, items: list[tuple[str, str]] | None = None) -> None:
        self.items = [] if items is None else items

    def _deeper(self, **_: Any) -> Drawn:
        return Drawn(self.items)

    row = column = box = split = _deeper

    def label(self, text: str, icon: str = "NONE") -> None:
        assert icon in bpy.types.UILayout.bl_rna.functions["label"].parameters["icon"].enum_items
        self.items.append(("label", text))

    def progress(self, factor: float, text: str) -> None:
        self.items.append(("progress", f"{factor:.2f} {text}"))

    def separator(self) -> None:
        self.items.append(("separator", ""))

    def prop(self, data: Any, name: str) -> None:
        assert hasattr(data, name)
        self.items.append(("prop", name))

    def operator(self, idname: str, **_: Any) -> SimpleNamespace:
        group, _, name = idname.partition(".")
        # Raises when there is no such operator.
        getattr(getattr(bpy.ops, group), name).get_rna_type()
        self.items.append(("operator", idname))
        return SimpleNamespace()

    def words(self) -> str:
        return " ".join(text for _, text in self.items)


def _draw(panel: type) -> Drawn:
    drawn = Drawn()
    context = SimpleNamespace(region=SimpleNamespace(width=300))
    panel.draw(SimpleNamespace(layout=drawn), context)
    return drawn


def test_an_empty_file_offers_a_new_comp() -> None:
    drawn = _draw(panels.PLATEMATTE_PT_shots)
    assert drawn.items == [
        ("label", "No PlateMatte node in this file"),
        ("operator", "platematte.new_comp"),
    ]


def test_every_node_of_the_file_is_listed_with_its_own_status_line() -> None:
    tree = compat.scene_tree(bpy.context.scene, create=True)
    image = tree.nodes.new("CompositorNodeRGB")
    second = api.create(plate=image)
    first = api.create(plate=image, clean=image)
    first.label, second.label = "a", "b"
    shots = overview.list_shots()
    assert [shot.node for shot in shots] == [first.name, second.name]
    assert [shot.told for shot in shots] == [api.status(first), api.status(second)]
    assert shots[0].told.startswith("no matte yet")
    drawn = _draw(panels.PLATEMATTE_PT_shots)
    assert drawn.items.count(("operator", "platematte.matte_range")) == 2
    assert drawn.items.count(("operator", "platematte.reveal")) == 2
    # There is no folder yet.
    assert ("operator", "platematte.open_folder") not in drawn.items


def test_nodes_in_groups_are_listed_with_their_tree() -> None:
    group = bpy.data.node_groups.new("keying", "CompositorNodeTree")
    node = group.nodes.new("CompositorNodePlateMatte")
    node.label = "shot 10"
    assert [shot.name for shot in overview.list_shots()] == ["keying: shot 10"]


@pytest.fixture
def job() -> Iterator[Any]:
    """A job that is under way, of a node."""
    node = api.create()
    ticket = running.Ticket(node)
    ticket.mark(node)
    job = SimpleNamespace(
        ticket=ticket, folder=Path("/x/v003"), told="v003: 2 of 8 frames, 9 s left", progress=0.25
    )
    job.cancel = lambda: running.end(job)
    running.begin(job)
    yield job
    running.end(job)


def test_the_running_job_is_shown_with_progress_time_left_and_cancel(job: Any) -> None:
    drawn = _draw(panels.PLATEMATTE_PT_shots)
    assert ("progress", "0.25 v003: 2 of 8 frames, 9 s left") in drawn.items
    assert ("operator", "platematte.cancel") in drawn.items
    assert ("operator", "platematte.matte_range") not in drawn.items
    assert bpy.ops.platematte.cancel() == {"FINISHED"}
    assert ("operator", "platematte.matte_range") in _draw(panels.PLATEMATTE_PT_shots).items


def test_the_engine_is_not_started_by_looking() -> None:
    warm.stop_engine()
    drawn = _draw(panels.PLATEMATTE_PT_engine)
    assert ("label", "Starts with the next matte") in drawn.items
    assert ("operator", "platematte.stop_engine") not in drawn.items
    assert warm.running_program() == ""


def test_a_warm_engine_is_shown_with_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm, "running_program", lambda: "platematte 0.1.0")
    drawn = _draw(panels.PLATEMATTE_PT_engine)
    assert ("label", "Warm: platematte 0.1.0") in drawn.items
    assert ("operator", "platematte.stop_engine") in drawn.items


def test_what_the_check_found_is_in_the_sidebar_and_in_the_preferences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PLATEMATTE_ENGINE", "/nowhere/platematte")
    with pytest.raises(RuntimeError):
        bpy.ops.platematte.check_engine()
    assert "/nowhere/platematte" in _draw(panels.PLATEMATTE_PT_engine).words()
    drawn = Drawn()
    holder = SimpleNamespace(layout=drawn, engine_path="")
    context = SimpleNamespace(region=SimpleNamespace(width=900))
    preferences.PlateMattePreferences.draw(holder, context)
    assert ("prop", "engine_path") in drawn.items
    assert "Install PlateMatte" in drawn.words()


def test_drawing_measures_no_disk(tmp_path: Path) -> None:
    (tmp_path / "v001").mkdir()
    (tmp_path / "v001" / "matte.0001.exr").write_bytes(bytes(4096))
    api.create(cache_dir=str(tmp_path))
    before = _draw(disk_panel.PLATEMATTE_PT_disk)
    assert disk_panel.survey() is None
    assert ("operator", "platematte.measure_disk") in before.items
    bpy.ops.platematte.measure_disk()
    after = _draw(disk_panel.PLATEMATTE_PT_disk)
    assert "1 version, 4 KiB" in after.words()
    assert ("label", "All: 4 KiB") in after.items
    assert ("operator", "platematte.clear_versions") in after.items


@pytest.fixture
def editor() -> Iterator[dict[str, Any]]:
    """The areas and regions of a compositor, to override the context with."""
    window = bpy.context.window_manager.windows[0]
    area = max(window.screen.areas, key=lambda one: one.width * one.height)
    before, area.ui_type = area.ui_type, "CompositorNodeTree"
    region = next(one for one in area.regions if one.type == "WINDOW")
    yield {"window": window, "area": area, "region": region}
    area.ui_type = before


def test_the_panels_are_in_the_compositor_alone(editor: dict[str, Any]) -> None:
    with bpy.context.temp_override(**editor):
        assert all(panel.poll(bpy.context) for panel in PANELS)
    editor["area"].ui_type = "ShaderNodeTree"
    with bpy.context.temp_override(**editor):
        assert not any(panel.poll(bpy.context) for panel in PANELS)


def test_reveal_selects_the_node_and_nothing_else(editor: dict[str, Any]) -> None:
    tree = compat.scene_tree(bpy.context.scene, create=True)
    other = tree.nodes.new("CompositorNodeRGB")
    node = api.create(plate=other)
    node.select, other.select = False, True
    with bpy.context.temp_override(**editor):
        assert bpy.ops.platematte.reveal(node=node.name, tree=tree.name) == {"FINISHED"}
        assert bpy.context.space_data.edit_tree == tree
    assert [one.name for one in tree.nodes if one.select] == [node.name]
    assert tree.nodes.active == node


def test_reveal_goes_into_groups(editor: dict[str, Any]) -> None:
    inside = bpy.data.node_groups.new("inside", "CompositorNodeTree")
    node = inside.nodes.new("CompositorNodePlateMatte")
    tree = compat.scene_tree(bpy.context.scene, create=True)
    tree.nodes.new(compat.GROUP_NODE).node_tree = inside
    with bpy.context.temp_override(**editor):
        assert bpy.ops.platematte.reveal(node=node.name, tree="inside") == {"FINISHED"}
        assert bpy.context.space_data.edit_tree == inside
    assert inside.nodes.active == node


def test_reveal_goes_to_another_scene(editor: dict[str, Any]) -> None:
    window = editor["window"]
    other = bpy.data.scenes.new("other")
    node = api.create(other)
    assert window.scene != other
    with bpy.context.temp_override(**editor):
        bpy.ops.platematte.reveal(node=node.name, tree=node.id_data.name)
    assert window.scene == other


def test_a_node_of_no_scene_is_not_revealed_and_that_is_told(editor: dict[str, Any]) -> None:
    group = bpy.data.node_groups.new("loose", "CompositorNodeTree")
    node = group.nodes.new("CompositorNodePlateMatte")
    with (
        bpy.context.temp_override(**editor),
        pytest.raises(RuntimeError, match="not the compositor of any scene"),
    ):
        bpy.ops.platematte.reveal(node=node.name, tree="loose")


def test_the_icon_is_found_in_a_clone_and_without_a_screen() -> None:
    folder = next(one for one in icons.FOLDERS if one.is_dir())
    assert (folder / f"{icons.ICON}.png").is_file()
    assert icons.icon_of() >= 0
    assert icons.icon_of("none of ours") == 0


def test_long_paths_and_sentences_are_wrapped_and_nothing_is_lost() -> None:
    text = "one two three\n\n  " + "/path" * 30
    lines = paragraphs.wrap(text, 260)
    assert max(map(len, lines)) <= 28
    assert "".join(lines).replace(" ", "") == text.replace(" ", "").replace("\n", "")
