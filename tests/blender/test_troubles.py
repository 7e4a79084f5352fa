"""What is wrong is found before any work where it can be, and told in an artist's words."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import pytest
from builders import (
    SIZE,
    add_image,
    make_shot,
    names_in_file,
    write_exr,
    write_sequence,
)

from blender_addon import api, compat, files, upstream
from platematte_client.errors import PlateMatteError

FRAMES = (1001, 1002, 1003)


@pytest.fixture
def node(scene: Any, tmp_path: Path) -> Any:
    """A node on a shot of three frames."""
    return make_shot(scene, tmp_path, FRAMES)


def refused(node: Any, frames: Any = None) -> str:
    """Return why a matte is refused, after a look that it left nothing behind."""
    before = names_in_file()
    with pytest.raises(PlateMatteError) as caught:
        api.matte(node, frames)
    after = names_in_file()
    assert {kind: [name for name, _ in found] for kind, found in after.items()} == {
        kind: [name for name, _ in found] for kind, found in before.items()
    }
    assert node.run_id == ""
    cache = Path(node.cache_dir)
    assert not cache.is_dir() or not list(cache.iterdir())
    return str(caught.value)


def test_a_missing_frame_is_named_with_its_node_and_path(node: Any, tmp_path: Path) -> None:
    (tmp_path / "plate.1002.exr").unlink()
    told = refused(node)
    assert told.startswith(
        f"plate, node 'plate image', frame 1002: {tmp_path}/plate.1002.exr is missing."
    )
    assert api.matte(node, "1001,1003").name == "v001"


def test_several_missing_frames_are_listed(node: Any, tmp_path: Path) -> None:
    for frame in FRAMES:
        (tmp_path / f"plate.{frame}.exr").unlink()
    assert "frame 1001" in refused(node)
    assert "So it is at the frames 1002-1003." in refused(node)


def test_frames_before_the_sequence_are_missing_and_a_held_clean_plate_says_where(
    scene: Any, node: Any, tmp_path: Path
) -> None:
    write_sequence(tmp_path, "moving", FRAMES)
    image = add_image(node.id_data, tmp_path / "moving.1001.exr", 1001, 3)
    node.id_data.links.new(image.outputs[0], node.inputs["Clean Plate"])
    told = refused(node)
    assert told.startswith(f"clean plate, node '{image.name}', frame 1: {tmp_path}/moving.1000.exr")
    assert "set Clean Frame to one that is there" in told
    node.clean_frame = 1002
    assert api.matte(node, 1001)


def test_a_missing_file_inside_a_group_is_found(scene: Any, node: Any, tmp_path: Path) -> None:
    group = bpy.data.node_groups.new("graded", "CompositorNodeTree")
    group.interface.new_socket("Image", in_out="OUTPUT", socket_type="NodeSocketColor")
    pixels = np.zeros((SIZE[1], SIZE[0], 3), np.float32)
    inside = add_image(group, write_exr(tmp_path / "inside.exr", pixels))
    group.links.new(inside.outputs[0], group.nodes.new("NodeGroupOutput").inputs[0])
    holder = node.id_data.nodes.new("CompositorNodeGroup")
    holder.node_tree = group
    node.id_data.links.new(holder.outputs[0], node.inputs["Core Matte"])
    (tmp_path / "inside.exr").unlink()
    assert refused(node).startswith(f"core matte, node 'Image', frame 1001: {tmp_path}/inside.exr")


def test_a_movie_clips_missing_frame_is_found(scene: Any, node: Any, tmp_path: Path) -> None:
    clip = bpy.data.movieclips.load(str(tmp_path / "plate.1001.exr"))
    clip.frame_start = 1
    source = node.id_data.nodes.new("CompositorNodeMovieClip")
    source.clip = clip
    node.id_data.links.new(source.outputs[0], node.inputs["Plate"])
    (tmp_path / "plate.1002.exr").unlink()
    told = refused(node, "1-3")
    assert told.startswith(f"plate, node '{source.name}', frame 2: {tmp_path}/plate.1002.exr")


@pytest.mark.parametrize("frame", [999, 1000, 1001, 1002, 1003, 1010])
@pytest.mark.parametrize("is_cyclic", [False, True])
def test_the_file_of_a_frame_is_the_one_that_blender_reads(
    scene: Any, node: Any, tmp_path: Path, frame: int, is_cyclic: bool
) -> None:
    pixels = write_sequence(tmp_path, "seq", (998, 999, 1000, 1001, 1002))
    image = add_image(node.id_data, tmp_path / "seq.1000.exr", 1001, 3)
    image.frame_offset, image.use_cyclic = 998, is_cyclic
    node.id_data.links.new(image.outputs[0], node.inputs["Plate"])
    from builders import capture_at, rgb

    captured = rgb(capture_at(node, ("plate",), frame, tmp_path / "in")["plate"])
    (source,) = files.files_of(image, [frame])
    number = int(source.path.name.split(".")[1])
    np.testing.assert_array_equal(captured, pixels[number], source.path.name)


def test_a_muted_image_needs_no_file(node: Any, tmp_path: Path) -> None:
    image = node.id_data.nodes["plate image"]
    image.mute = True
    assert list(files.files_of(image, FRAMES)) == []


def test_a_cache_that_cannot_be_made_is_told(node: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    node.cache_dir = str(tmp_path / "file/cache")
    told = refused(node)
    assert str(tmp_path / "file/cache") in told and "no version folder can be made" in told


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(node: Any, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(0o500)
    try:
        assert "Permission denied" in refused(node)
    finally:
        cache.chmod(0o700)


def test_a_disk_without_space_is_told_before_the_capture(
    node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=60_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    told = refused(node)
    assert "4 captured pictures need 0 MiB, and 0 MiB are free" in told
    assert "fewer frames" in told


def test_stereo_is_refused(scene: Any, node: Any) -> None:
    scene.render.use_multiview = True
    assert "stereoscopy" in refused(node)


def test_a_node_that_is_linked_from_another_file_is_refused(
    scene: Any, node: Any, tmp_path: Path
) -> None:
    group = bpy.data.node_groups.new("library", "CompositorNodeTree")
    source = group.nodes.new(node.bl_idname)
    assert source.id_data == group
    bpy.data.libraries.write(str(tmp_path / "library.blend"), {group})
    bpy.data.node_groups.remove(group)
    with bpy.data.libraries.load(str(tmp_path / "library.blend"), link=True) as (_, linked):
        linked.node_groups = ["library"]
    holder = node.id_data.nodes.new("CompositorNodeGroup")
    holder.node_tree = linked.node_groups[0]
    ours = holder.node_tree.nodes[0]
    with pytest.raises(PlateMatteError, match=r"linked from .*library\.blend"):
        api.matte(ours)
    with pytest.raises(RuntimeError, match="linked from"):
        bpy.ops.platematte.matte_range(node=ours.name, tree="library")


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"range": "CUSTOM"}, "the custom frame range is empty"),
        ({"range": "CUSTOM", "frames": "1-x"}, "is not a frame range"),
        ({"more_settings": "memory=1"}, "not of the form section.key=value"),
        ({"more_settings": "solve.tempral=off"}, "temporal"),
    ],
)
def test_settings_that_mean_nothing_are_refused(
    node: Any, properties: dict[str, str], words: str
) -> None:
    for name, value in properties.items():
        setattr(node, name, value)
    assert words in refused(node)


def test_the_range_of_a_plate_without_one_is_refused(scene: Any, node: Any) -> None:
    node.range = "PLATE"
    still = node.id_data.nodes["clean image"]
    node.id_data.links.new(still.outputs[0], node.inputs["Plate"])
    assert "no image sequence and no movie clip above the input Plate" in refused(node)


def test_an_engine_that_is_not_there_is_told(
    node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLATEMATTE_ENGINE", str(tmp_path / "none"))
    assert f"there is no {tmp_path}/none" in refused(node)


def test_an_engine_that_dies_is_told_and_leaves_no_folder(
    node: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "platematte"
    program.write_text("#!/bin/sh\necho torch is broken >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setenv("PLATEMATTE_ENGINE", str(program))
    told = refused(node)
    assert "engine ended" in told or "status 3" in told
    assert "torch is broken" in told
    assert "torch is broken" in api.status(node)


def test_the_engines_errors_name_inputs_and_not_captured_files(tmp_path: Path) -> None:
    from blender_addon.engine_run import name_inputs

    folder = tmp_path / "cache/v001"
    told = name_inputs(f"frame 1001: {folder}/inputs/plate.1001.exr: it is odd", folder)
    assert told == "frame 1001: plate (input Plate): it is odd"
    told = name_inputs(f"{folder}/inputs/clean.exr and {folder}/inputs/core.%04d.exr", folder)
    assert told == "clean plate (input Clean Plate) and core matte (input Core Matte)"


def test_a_tree_that_no_scene_composites_is_told(scene: Any, node: Any) -> None:
    tree = bpy.data.node_groups.new("loose", "CompositorNodeTree")
    loose = tree.nodes.new("CompositorNodePlateMatte")
    with pytest.raises(PlateMatteError, match="'loose' is not the compositor of any scene"):
        api.matte(loose)
    if not compat.IS_5:
        scene.use_nodes = False
        with pytest.raises(PlateMatteError, match="switch compositing nodes on"):
            api.matte(node)


def test_an_input_that_feeds_nothing_is_told_by_name(node: Any) -> None:
    for link in node.inputs["Plate"].links:
        link.is_muted = True
    with pytest.raises(PlateMatteError, match=r"connect the plate \(input Plate\)"):
        upstream.linked_roles(node)
