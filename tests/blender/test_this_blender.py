"""What these tests run in: the Blender that is meant, and the real engine beside it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import bpy
import pytest

from platematte_client.doctor import ask_doctor
from platematte_client.locate import find_engine

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments

MINIMUM = (4, 2, 0)


def test_the_blender_is_one_that_the_add_on_is_for() -> None:
    assert bpy.app.version >= MINIMUM
    assert "{}.{}".format(*bpy.app.version) in environments.RELEASES
    assert "torch" not in sys.modules


def test_the_engine_is_a_real_one_in_a_python_of_its_own() -> None:
    if "PLATEMATTE_ENGINE" not in os.environ:
        pytest.skip("$PLATEMATTE_ENGINE names no engine")
    findings = {finding.name: finding for finding in ask_doctor(find_engine())}
    assert findings["torch"].status == "ok"
    assert sys.prefix not in findings["platematte"].detail
