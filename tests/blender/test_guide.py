"""What the guides tell a TD to run in Blender does run, word for word, with the real engine."""

from __future__ import annotations

import contextlib
import inspect
import io
import re
import shutil
import sys
from pathlib import Path

import bpy
import pytest

import blender_addon
from blender_addon import api
from blender_addon.node import CompositorNodePlateMatte

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "examples" / "shot"
TD = (REPOSITORY / "docs" / "td.md").read_text(encoding="utf-8").partition("\n## Blender\n")[2]


def _script_of(words: str) -> str:
    """Return the Python that follows these words."""
    match = re.search(re.escape(words) + r".*?```python\n(.*?)```", TD, re.DOTALL)
    assert match is not None, words
    return match.group(1)


def test_the_script_for_a_list_of_shots_mattes_them_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sh010", "Szene é 2"):
        shutil.copytree(EXAMPLE, tmp_path / name)
    listed = tmp_path / "shots.txt"
    listed.write_text(
        f"{tmp_path}/sh010/plate.1001.exr {tmp_path}/sh010/clean.exr 1001-1002\n\n"
        f"{tmp_path}/lost/plate.1001.exr {tmp_path}/sh010/clean.exr 1001-1002\n"
        f"'{tmp_path}/Szene é 2/plate.####.exr' '{tmp_path}/Szene é 2/clean.exr' 1002-1002\n",
        encoding="utf-8",
    )
    # As Blender names it once it is installed.
    monkeypatch.setitem(sys.modules, "bl_ext.user_default.platematte", blender_addon)
    monkeypatch.setattr(sys, "argv", ["blender", "-P", "matte_shots.py", "--", str(listed)])
    with contextlib.redirect_stdout(io.StringIO()) as out, pytest.raises(SystemExit) as end:
        exec(compile(_script_of("Matte every shot of a list"), "td.md", "exec"), {})
    assert end.value.code == 1, "one shot of the three is not there"
    told = [line for line in out.getvalue().splitlines() if "FAILED" in line or "->" in line]
    version = "platematte/PlateMatte/v001"
    assert [line.partition(": ")[0] if "FAILED" in line else line for line in told] == [
        f"{tmp_path}/sh010/plate.1001.exr -> {tmp_path}/sh010/{version}",
        f"{tmp_path}/lost/plate.1001.exr FAILED",
        f"{tmp_path}/Szene é 2/plate.####.exr -> {tmp_path}/Szene é 2/{version}",
    ]
    assert "there is no such file" in told[1]
    for folder, frames in (("sh010", (1001, 1002)), ("Szene é 2", (1002,))):
        found = sorted(path.name for path in (tmp_path / folder / version).glob("*.exr"))
        assert found == [f"matte.{frame}.exr" for frame in frames]
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "sh010" / "comp.blend"))
    tree = getattr(bpy.context.scene, "compositing_node_group", None)
    node = (tree or bpy.context.scene.node_tree).nodes["PlateMatte"]
    assert (node.shown, node.shown_frames) == (1, "1001-1002")


def test_every_call_is_listed_with_its_parameters() -> None:
    told = dict(re.findall(r"^\| `(\w+)\((.*?)\)` \|", TD, re.MULTILINE))
    calls = [name for name in api.__all__ if inspect.isfunction(getattr(api, name))]
    assert sorted(told) == sorted(calls)
    for name in calls:
        parameters = inspect.signature(getattr(api, name)).parameters.values()
        plain = [str(one.replace(annotation=inspect.Parameter.empty)) for one in parameters]
        assert told[name] == ", ".join(plain), name


def test_every_property_that_is_set_is_listed_with_its_choices() -> None:
    table = TD.partition("| property of the node |")[2].partition("\n\n")[0]
    rows = [row.split(" | ", 1) for row in table.splitlines() if row.startswith("| `")]
    told = {name: values for names, values in rows for name in re.findall(r"`(\w+)`", names)}
    properties = CompositorNodePlateMatte.bl_rna.properties
    own = inspect.get_annotations(CompositorNodePlateMatte)
    settable = {name for name in own if not properties[name].is_hidden}
    assert set(told) == settable
    for name in ("range", "clean_mode", "quality", "layers"):
        choices = {item.identifier for item in properties[name].enum_items}
        assert choices <= set(re.findall(r"`(\w+)`", told[name])), name


def test_every_operator_is_named() -> None:
    for name in ("matte_frame", "matte_range", "new_comp", "convert_to_group", "clear_versions"):
        assert name in TD
        assert hasattr(bpy.ops.platematte, name)
