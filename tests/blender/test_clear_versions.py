"""Old versions: what goes, what stays and why, and that nobody's files are lost."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import OpenImageIO as oiio
import pytest

from blender_addon import api, clear_versions, disk, disk_panel, old_versions, running
from platematte_client.versions import RECORD, THUMBNAIL, list_versions, write_record


def _write_exr(path: Path) -> None:
    spec = oiio.ImageSpec(16, 8, 4, "half")
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec), output.geterror()
    assert output.write_image(np.zeros((8, 16, 4), np.float32)), output.geterror()
    output.close()


def _version(cache: Path, number: int, frames: str = "1", script: str = "") -> Path:
    folder = cache / f"v{number:03d}"
    folder.mkdir(parents=True)
    _write_exr(folder / "matte.0001.exr")
    (folder / THUMBNAIL).write_bytes(b"picture")
    write_record(folder, {"shot": {"frames": frames}, "script": script, "made_with": None})
    return folder


def _node(cache: Path, **properties: Any) -> Any:
    return api.create(cache_dir=str(cache), **properties)


def _clear(**how: Any) -> None:
    assert bpy.ops.platematte.clear_versions(**how) == {"FINISHED"}


def test_what_a_node_shows_stays_and_the_others_go(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        _version(tmp_path, number)
    node = _node(tmp_path)
    api.attach(node, 2)
    _clear(confirmed=True)
    assert list_versions(tmp_path) == [2]
    assert (tmp_path / "v002" / "matte.0001.exr").is_file()
    assert node.shown == 2


def test_nothing_is_deleted_before_a_script_has_said_so(tmp_path: Path) -> None:
    _version(tmp_path, 1)
    _node(tmp_path)
    with pytest.raises(RuntimeError, match=r"would delete v001.*confirmed=True"):
        bpy.ops.platematte.clear_versions()
    assert list_versions(tmp_path) == [1]


def test_what_another_node_of_the_file_shows_stays_also_when_it_shares_the_cache(
    tmp_path: Path,
) -> None:
    for number in (1, 2, 3):
        _version(tmp_path, number)
    first, second = _node(tmp_path), _node(tmp_path)
    api.attach(first, 1)
    api.attach(second, 3)
    _clear(node=first.name, confirmed=True)
    assert list_versions(tmp_path) == [1, 3]


def test_what_a_converted_group_shows_stays(tmp_path: Path) -> None:
    _version(tmp_path, 1)
    _version(tmp_path, 2)
    node = _node(tmp_path)
    api.attach(node, 1)
    api.convert_to_group(node)
    other = _node(tmp_path)
    api.attach(other, 2)
    _version(tmp_path, 3)
    _clear(confirmed=True)
    assert list_versions(tmp_path) == [1, 2]


def test_what_the_artist_loaded_by_hand_stays(tmp_path: Path) -> None:
    folder = _version(tmp_path, 1)
    node = _node(tmp_path)
    image = bpy.data.images.load(str(folder / "matte.0001.exr"))
    reader = node.id_data.nodes.new("CompositorNodeImage")
    reader.image = image
    _clear(confirmed=True)
    assert list_versions(tmp_path) == [1]
    node.id_data.nodes.remove(reader)
    _clear(confirmed=True)
    assert list_versions(tmp_path) == []


def test_what_a_job_is_writing_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _version(tmp_path, 1)
    _version(tmp_path, 2)
    _node(tmp_path)
    monkeypatch.setattr(running, "folders", lambda: [folder])
    _clear(confirmed=True)
    assert list_versions(tmp_path) == [1]


@pytest.mark.parametrize(
    ("frames", "has_record", "stays"),
    [("1-3", True, True), ("1", True, False), ("1-3", False, True)],
    ids=["a farm's frames are missing", "all frames are there", "still being captured"],
)
def test_a_version_whose_inputs_wait_for_frames_stays(
    tmp_path: Path, frames: str, has_record: bool, stays: bool
) -> None:
    folder = _version(tmp_path, 1, frames)
    (folder / "inputs").mkdir()
    (folder / "inputs" / "plate.0001.exr").write_bytes(b"input")
    if not has_record:
        (folder / RECORD).unlink()
    _node(tmp_path)
    _clear(confirmed=True)
    assert list_versions(tmp_path) == ([1] if stays else [])


def test_a_cancelled_run_whose_inputs_are_gone_is_old(tmp_path: Path) -> None:
    _version(tmp_path, 1, "1-100")
    _node(tmp_path)
    _clear(confirmed=True)
    assert list_versions(tmp_path) == []


def test_files_of_others_are_left_and_that_is_told(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = _version(tmp_path, 1)
    (folder / "notes.txt").write_text("mine")
    (tmp_path / "v001_old").mkdir()
    _node(tmp_path)
    _clear(confirmed=True)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    assert (tmp_path / "v001_old").is_dir()
    assert f"Files of others were left in {folder}" in "".join(capfd.readouterr())


def test_all_nodes_of_the_file_are_cleared_only_when_asked_for(tmp_path: Path) -> None:
    caches = [tmp_path / name for name in "ab"]
    nodes = [_node(cache) for cache in caches]
    for cache in caches:
        _version(cache, 1)
    _clear(node=nodes[0].name, confirmed=True)
    assert [list_versions(cache) for cache in caches] == [[], [1]]
    _clear(every=True, confirmed=True)
    assert [list_versions(cache) for cache in caches] == [[], []]


def test_the_question_says_who_made_a_version_and_why_others_stay(tmp_path: Path) -> None:
    _version(tmp_path, 1, script="/shots/sh010_v001.blend")
    _version(tmp_path, 2)
    node = _node(tmp_path)
    api.attach(node, 2)
    fates = old_versions.judge([tmp_path], clear_versions.folders_in_use(), "")
    assert "made by sh010_v001.blend" in str(fates[0])
    assert str(fates[0]).startswith("v001 (")
    assert str(fates[1]).startswith(f"v002: shown by {node.name} (")


def test_a_relative_cache_is_the_one_beside_the_blend(tmp_path: Path) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a.blend"))
    cache = tmp_path / "mattes"
    _version(cache, 1)
    _version(cache, 2)
    node = api.create(cache_dir="//mattes")
    api.attach(node, 1)
    _clear(confirmed=True)
    assert list_versions(cache) == [1]


def test_nothing_to_clear_is_no_error(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    _node(tmp_path / "never made")
    _clear()
    assert "There is no old version to delete" in "".join(capfd.readouterr())


def test_what_cannot_be_deleted_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = _version(tmp_path, 1)
    _node(tmp_path)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(RuntimeError, match="Check permissions"):
        bpy.ops.platematte.clear_versions(confirmed=True)
    assert (folder / "matte.0001.exr").is_file()


def test_disk_use_is_the_sum_of_all_files_by_version(tmp_path: Path) -> None:
    for number in (1, 2):
        _version(tmp_path / "a", number)
    (tmp_path / "a" / "v002" / "inputs").mkdir()
    (tmp_path / "a" / "v002" / "inputs" / "big.exr").write_bytes(bytes(5000))
    nodes = [_node(tmp_path / "a"), _node(tmp_path / "a"), _node(tmp_path / "never made")]
    assert len(nodes) == 3
    assert bpy.ops.platematte.measure_disk() == {"FINISHED"}
    usages = disk_panel.survey().usages
    assert [usage.cache.name for usage in usages] == ["a", "never made"]
    one = sum(path.stat().st_size for path in (tmp_path / "a" / "v001").iterdir())
    assert usages[0].bytes_of == {1: one, 2: one + 5000}
    assert usages[0].describe().startswith("2 versions, ")
    assert usages[1].describe() == "0 versions, 0 KiB"


def test_a_measuring_is_forgotten_with_what_it_measured(tmp_path: Path) -> None:
    _version(tmp_path, 1)
    _node(tmp_path)
    bpy.ops.platematte.measure_disk()
    _clear(confirmed=True)
    assert disk_panel.survey() is None
    bpy.ops.platematte.measure_disk()
    bpy.ops.wm.read_factory_settings(use_empty=True)
    assert disk_panel.survey() is None


def test_a_cache_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("no folder")
    usage = disk.measure(path)
    assert "cannot be read" in usage.describe()
    shutil.rmtree(tmp_path)
    assert disk.measure(path).describe() == "0 versions, 0 KiB"
