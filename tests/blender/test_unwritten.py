"""A captured picture that Blender could not write is noticed: Blender itself says nothing of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import pytest
from builders import SIZE, add_image, random_picture, write_exr

from blender_addon import api, capture, compat
from blender_addon.find import place_of
from platematte_client.errors import PlateMatteError


def test_a_file_that_does_not_come_to_be_is_an_error_with_role_frame_and_path(
    scene: Any, tmp_path: Path
) -> None:
    tree = compat.scene_tree(scene, create=True)
    image = add_image(tree, write_exr(tmp_path / "a.exr", random_picture(1)))
    node = api.create(scene, image, image)
    # No folder can be made where a file is, also not by root, who may write everywhere.
    folder = tmp_path / "in"
    folder.write_text("in the way", encoding="utf-8")
    with pytest.raises(PlateMatteError) as caught:
        capture.capture(place_of(node), ("plate",), 4, folder, {"plate": SIZE})
    assert f"plate at frame 4 was not captured to {folder / 'plate.0004.exr'}" in str(caught.value)
    assert list(bpy.data.scenes) == [scene]
