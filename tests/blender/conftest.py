"""Fixtures for the tests that run inside a real Blender's Python module, bpy.

This folder is run once for each Blender there is, in an environment of that one, never with the
other tests: the add-on is registered for all of it, and unregistered before the interpreter ends
(4.2 crashes otherwise, 4.5 never ends).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]

for _folder in (HERE, REPOSITORY, REPOSITORY / "core"):
    if str(_folder) not in sys.path:
        sys.path.insert(0, str(_folder))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import bpy  # noqa: E402

import blender_addon  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def addon() -> Iterator[None]:
    """The add-on, registered."""
    blender_addon.register()
    yield
    blender_addon.unregister()


@pytest.fixture(autouse=True)
def scene() -> Iterator[Any]:
    """The scene of an empty file."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    yield bpy.context.scene
    bpy.ops.wm.read_factory_settings(use_empty=True)
