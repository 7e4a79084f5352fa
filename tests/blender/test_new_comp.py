"""New Comp from Plate and Clean Plate: a ready graph, and a scene that fits the plate."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import OpenImageIO as oiio
import pytest

from blender_addon import compat, template

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "shot"
NODE = "CompositorNodePlateMatte"


def _write(
    path: Path, value: float = 0.5, size: tuple[int, int] = (48, 32), rate: Any = None
) -> Path:
    spec = oiio.ImageSpec(*size, 3, "float")
    if rate is not None:
        spec.attribute("FramesPerSecond", oiio.TypeRational, rate)
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec), output.geterror()
    pixels = np.full((32, 48, 3), value, np.float32)
    assert output.write_image(pixels), output.geterror()
    output.close()
    return path


def _sequence(folder: Path, stem: str, *frames: int, **how: Any) -> str:
    for frame in frames:
        _write(folder / f"{stem}.{frame:04d}.exr", frame / 1000, **how)
    return str(folder / f"{stem}.{frames[0]:04d}.exr")


def _new_comp(plate: str | Path, clean: str | Path, **more: Any) -> tuple[Any, Any]:
    """Make a comp and return its tree and its PlateMatte node."""
    made = bpy.ops.platematte.new_comp(plate=str(plate), clean=str(clean), **more)
    assert made == {"FINISHED"}
    tree = compat.scene_tree(bpy.context.scene)
    return tree, next(node for node in tree.nodes if node.bl_idname == NODE)


def _feeds(node: Any) -> list[tuple[str, str]]:
    """Return what each linked input of a node gets: the other node's name, and its output's."""
    links = [one.links[0] for one in node.inputs if one.is_linked]
    return [(link.from_node.name, link.from_socket.name) for link in links]


def test_two_files_make_a_ready_graph() -> None:
    tree, node = _new_comp(EXAMPLE / "plate.1003.exr", EXAMPLE / "clean.exr")
    assert _feeds(node) == [("Plate", "Image"), ("Clean Plate", "Image")]
    over = next(one for one in tree.nodes if one.bl_idname == "CompositorNodeAlphaOver")
    background = tree.nodes["Background"].outputs[0].name
    assert _feeds(over) == [("Background", background), (node.name, "Foreground")]
    ends = {"CompositorNodeViewer", "NodeGroupOutput", "CompositorNodeComposite"}
    shown = [one for one in tree.nodes if one.bl_idname in ends]
    assert len(shown) == 2
    for end in shown:
        assert _feeds(end) == [(over.name, "Image")]
    assert len({tuple(one.location) for one in tree.nodes}) == len(tree.nodes)
    assert tree.nodes.active == node


def test_the_scene_takes_range_size_and_rate_of_the_plate() -> None:
    scene = bpy.context.scene
    scene.render.resolution_percentage = 50
    scene.render.fps = 30
    _new_comp(EXAMPLE / "plate.1001.exr", EXAMPLE / "clean.exr")
    assert (scene.frame_start, scene.frame_end, scene.frame_current) == (1001, 1004, 1001)
    render = scene.render
    assert (render.resolution_x, render.resolution_y) == (640, 360)
    assert render.resolution_percentage == 100
    assert (render.fps, render.fps_base) == (24, 1.0)


@pytest.mark.parametrize(
    ("rate", "told"),
    [((24000, 1001), (24, 1.001)), ((25, 1), (25, 1.0)), (None, (30, 1.0))],
    ids=["23.976", "25", "none: the scene's stays"],
)
def test_the_rate_is_that_of_the_file(tmp_path: Path, rate: Any, told: tuple[int, float]) -> None:
    bpy.context.scene.render.fps = 30
    plate = _sequence(tmp_path, "plate", 7, 8, rate=rate)
    _new_comp(plate, _write(tmp_path / "clean.exr"))
    render = bpy.context.scene.render
    assert render.fps == told[0]
    assert render.fps_base == pytest.approx(told[1], abs=1e-6)


def test_every_frame_of_the_plate_comes_at_its_own_number_bit_for_bit(tmp_path: Path) -> None:
    plate = _sequence(tmp_path, "plate", 1001, 1002, 1003)
    tree, _ = _new_comp(plate, _write(tmp_path / "clean.exr", -3.25))
    scene, out = bpy.context.scene, tmp_path / "out"
    inputs = compat.add_file_output(tree, str(out), ["plate", "clean"])
    for source, target in zip(("Plate", "Clean Plate"), inputs, strict=True):
        tree.links.new(tree.nodes[source].outputs[0], target)
    for frame in (1001, 1002, 1003):
        scene.frame_set(frame)
        bpy.ops.render.render()
        plate_read = oiio.ImageBuf(str(out / f"plate.{frame}.exr")).get_pixels(oiio.FLOAT)
        assert np.array_equal(plate_read, np.full_like(plate_read, np.float32(frame / 1000)))
        clean_read = oiio.ImageBuf(str(out / f"clean.{frame}.exr")).get_pixels(oiio.FLOAT)
        assert np.array_equal(clean_read, np.full_like(clean_read, -3.25))


def test_holes_are_named_and_the_rest_is_built(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plate = _sequence(tmp_path, "plate", 1001, 1002, 1005)
    _new_comp(plate, _write(tmp_path / "clean.exr"))
    assert "2 frames are missing: 1003-1004" in "".join(capfd.readouterr())
    assert bpy.context.scene.frame_end == 1005


def test_a_still_clean_plate_is_held_and_a_matching_sequence_moves(tmp_path: Path) -> None:
    plate = _sequence(tmp_path, "plate", 11, 12)
    _, node = _new_comp(plate, _write(tmp_path / "clean.exr"))
    assert node.clean_mode == "HELD"
    _, node = _new_comp(plate, _sequence(tmp_path, "clean", 10, 11, 12), replace=True)
    assert node.clean_mode == "MOVING"


def test_a_clean_plate_with_other_frames_is_held_at_its_first_and_that_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    plate = _sequence(tmp_path, "plate", 1001, 1002)
    _, node = _new_comp(plate, _sequence(tmp_path, "clean", 5, 6, 7))
    assert (node.clean_mode, node.clean_frame) == ("HELD", 5)
    assert "its frame 5 is held" in "".join(capfd.readouterr())


def test_exr_keeps_the_linear_space_that_blender_gives_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    tree, _ = _new_comp(EXAMPLE / "plate.1001.exr", EXAMPLE / "clean.exr")
    assert tree.nodes["Plate"].image.colorspace_settings.name == "Linear Rec.709"
    assert "plate Linear Rec.709" in "".join(capfd.readouterr())


def _make_movie(path: Path, frames: int, rate: tuple[int, float]) -> Path:
    """Let Blender write a movie of so many frames."""
    scene = bpy.data.scenes.new("movie")
    scene.frame_start, scene.frame_end = 1, frames
    scene.render.resolution_x, scene.render.resolution_y = 64, 48
    scene.render.fps, scene.render.fps_base = rate
    tree = compat.scene_tree(scene, create=True)
    _, image = compat.add_output(tree)
    colour = tree.nodes.new("CompositorNodeRGB")
    tree.links.new(colour.outputs[0], image)
    settings = scene.render.image_settings
    if hasattr(settings, "media_type"):
        settings.media_type = "VIDEO"
    settings.file_format = "FFMPEG"
    scene.render.ffmpeg.format = "MPEG4"
    scene.render.ffmpeg.codec = "MPEG4"
    scene.render.filepath = str(path)
    scene.render.use_file_extension = False
    with bpy.context.temp_override(scene=scene):
        bpy.ops.render.render(animation=True, scene=scene.name)
    bpy.data.scenes.remove(scene)
    assert path.is_file()
    return path


def test_a_movie_is_a_movie_clip_and_gives_its_length_and_rate(tmp_path: Path) -> None:
    movie = _make_movie(tmp_path / "plate.mp4", 5, (24, 1.001))
    clean = shutil.copy(movie, tmp_path / "clean.mp4")
    tree, node = _new_comp(movie, clean)
    scene = bpy.context.scene
    assert tree.nodes["Plate"].bl_idname == "CompositorNodeMovieClip"
    assert (scene.frame_start, scene.frame_end) == (1, 5)
    assert (scene.render.resolution_x, scene.render.resolution_y) == (64, 48)
    assert scene.render.fps == 24
    assert scene.render.fps_base == pytest.approx(1.001, abs=1e-6)
    assert node.clean_mode == "MOVING"


def test_a_graph_that_is_there_is_replaced_only_when_told(tmp_path: Path) -> None:
    tree = compat.scene_tree(bpy.context.scene, create=True)
    blur = tree.nodes.new("CompositorNodeBlur")
    pair = {"plate": str(EXAMPLE / "plate.1001.exr"), "clean": str(EXAMPLE / "clean.exr")}
    with pytest.raises(RuntimeError, match=r"has nodes already.*replace=True"):
        bpy.ops.platematte.new_comp(**pair)
    assert blur.name in tree.nodes
    assert len(tree.nodes) == 1
    assert all(image.source == "VIEWER" for image in bpy.data.images)
    _new_comp(*pair.values(), replace=True)
    assert all(one.bl_idname != "CompositorNodeBlur" for one in _nodes_of_scene())


def test_from_5_0_on_a_replaced_graph_stays_in_the_file(tmp_path: Path) -> None:
    if not compat.IS_5:
        pytest.skip("up to 4.5 the graph is a part of the scene")
    old = compat.scene_tree(bpy.context.scene, create=True)
    old.nodes.new("CompositorNodeBlur")
    old.name = "mine"
    _new_comp(EXAMPLE / "plate.1001.exr", EXAMPLE / "clean.exr", replace=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "a.blend"))
    assert [one.bl_idname for one in bpy.data.node_groups["mine"].nodes] == ["CompositorNodeBlur"]


def test_what_blender_puts_into_a_new_compositor_is_nobodys_graph() -> None:
    scene = bpy.context.scene
    if compat.IS_5:
        tree = compat.scene_tree(scene, create=True)
        tree.nodes.new("CompositorNodeRLayers")
        compat.add_output(tree)
    else:
        scene.use_nodes = True
    assert not template.has_graph(scene)
    assert template.count_nodes(scene) >= 2
    _new_comp(EXAMPLE / "plate.1001.exr", EXAMPLE / "clean.exr")
    # A Render Layers node that stayed would want a camera.
    assert all(one.bl_idname != "CompositorNodeRLayers" for one in _nodes_of_scene())


def _nodes_of_scene() -> list[Any]:
    return list(compat.scene_tree(bpy.context.scene).nodes)


@pytest.mark.parametrize(
    ("plate", "clean", "told"),
    [
        ("", "clean.exr", "no plate was chosen"),
        ("plate.1001.exr", " ", "no clean plate was chosen"),
        ("none.1001.exr", "clean.exr", "plate: .*none.1001.exr: there is no such file"),
        ("plate.1001.exr", "none.exr", "clean plate: .*none.exr: there is no such file"),
        ("plate.1001.exr", "plate.####.exr", "the same file"),
        ("broken.exr", "clean.exr", "broken.exr: Blender cannot read it"),
        ("plate.1001.exr", "broken.exr", "broken.exr: Blender cannot read it"),
        ("broken.mov", "clean.exr", "broken.mov: Blender cannot read it"),
    ],
)
def test_what_cannot_be_taken_is_told_and_nothing_is_changed(
    tmp_path: Path, plate: str, clean: str, told: str
) -> None:
    _sequence(tmp_path, "plate", 1001, 1002)
    _write(tmp_path / "clean.exr")
    (tmp_path / "broken.exr").write_bytes(b"no picture")
    (tmp_path / "broken.mov").write_bytes(b"no movie")
    before = bpy.context.scene.frame_end
    paths = [str(tmp_path / name) if name.strip() else name for name in (plate, clean)]
    with pytest.raises(RuntimeError, match=told):
        bpy.ops.platematte.new_comp(plate=paths[0], clean=paths[1])
    assert compat.scene_tree(bpy.context.scene) is None
    assert bpy.context.scene.frame_end == before
    assert all(image.source == "VIEWER" for image in bpy.data.images)
    assert not bpy.data.movieclips


@pytest.mark.parametrize(
    ("rate", "split"),
    [
        (24.0, (24, 1.0)),
        (23.976, (24, 1.001)),
        (23.98, (24, 1.001)),
        (29.97, (30, 1.001)),
        (12.5, (12, 0.96)),
        (0.5, (1, 2.0)),
    ],
)
def test_a_rate_is_kept_as_a_whole_number_and_a_divisor(
    rate: float, split: tuple[int, float]
) -> None:
    fps, base = template.split_rate(rate)
    assert fps == split[0]
    assert base == pytest.approx(split[1], abs=1e-6)
