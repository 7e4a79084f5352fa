"""Fixtures for all tests: where real images lie, small images on disk, the Pythons of hosts."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest

from platematte.images.window import Window

sys.path.insert(0, str(Path(__file__).resolve().parent))

import interpreters

# These run inside a Blender; blender_versions/ starts each Blender with them.
collect_ignore = [] if importlib.util.find_spec("bpy") else ["blender"]

WriteImage = Callable[..., Path]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real images that are not part of the project; skips where it is absent."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("PLATEMATTE_SHARED_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"needs real images in {folder} ($PLATEMATTE_SHARED_DATA)")
    return folder


@pytest.fixture(scope="session")
def write_exr() -> WriteImage:
    """Builder of image files: `write_exr(path, array, channels=..., dtype="half")`.

    The ending chooses the format, so that it writes DPX, TIFF, PNG and JPEG as well.
    """
    return _write_image


@pytest.fixture(scope="session")
def find_python() -> Callable[[str], str]:
    """Finder of an interpreter by version, as in "3.7"; skips the test where there is none."""

    def find(version: str) -> str:
        found = interpreters.find_interpreter(version)
        if found is None:
            pytest.skip(interpreters.describe(version))
        return found

    return find


@pytest.fixture(scope="session")
def find_environment(find_python: Callable[[str], str]) -> Callable[[str], str]:
    """Finder of a Python of Nuke's that has numpy; skips the test where there is none."""

    def find(version: str) -> str:
        find_python(version)
        found = interpreters.find_environment(version)
        if found is None:
            pytest.skip(f"Python {version} has no environment with numpy; `make test` makes one")
        return found

    return find


def _write_image(
    path: Path,
    array: np.ndarray,
    channels: Sequence[str] = ("R", "G", "B"),
    data_window: Window | None = None,
    display_window: Window | None = None,
    attributes: Mapping[str, Any] | None = None,
    dtype: str | Sequence[str] = "half",
) -> Path:
    """Write H x W x C; windows default to the array's size, `dtype` may be one for each channel.

    An attribute is a plain value, or a pair of an OpenImageIO type and a value.
    """
    height, width = array.shape[:2]
    data = data_window or Window(0, 0, width, height)
    display = display_window or data
    types = [dtype] * len(channels) if isinstance(dtype, str) else list(dtype)
    spec = oiio.ImageSpec(width, height, len(channels), types[0])
    spec.channelnames = list(channels)
    if len(set(types)) > 1:
        spec.channelformats = tuple(oiio.TypeDesc(name) for name in types)
    spec.x, spec.y = data.x, data.y
    spec.full_x, spec.full_y = display.x, display.y
    spec.full_width, spec.full_height = display.width, display.height
    for name, value in (attributes or {}).items():
        if isinstance(value, tuple) and isinstance(value[0], oiio.TypeDesc):
            spec.attribute(name, value[0], value[1])
        else:
            spec.attribute(name, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    output = oiio.ImageOutput.create(str(path))
    assert output is not None, oiio.geterror()
    assert output.open(str(path), spec), output.geterror()
    assert output.write_image(np.ascontiguousarray(array)), output.geterror()
    assert output.close(), output.geterror()
    return path
