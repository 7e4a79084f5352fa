"""Nothing of ours goes on once the add-on is switched off, or Blender has ended."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from builders import make_shot

import blender_addon
from blender_addon import api
from blender_addon.job import Job
from platematte_client import warm
from platematte_client.errors import Cancelled

HERE = Path(__file__).resolve().parent
_MATTES_AND_ENDS = """
import sys
sys.path[:0] = {path!r}
import bpy
import blender_addon
blender_addon.register()
from builders import make_shot
from pathlib import Path
from blender_addon import api
from platematte_client import warm
node = make_shot(bpy.context.scene, Path({folder!r}), (1001,))
api.matte(node)
print("engine", warm._engine._conversation._process.pid, flush=True)
{end}
"""


@pytest.mark.parametrize(
    "end", ["blender_addon.unregister()", "import os; os._exit(1)"], ids=["well", "by a crash"]
)
def test_the_engine_ends_with_blender(tmp_path: Path, end: str) -> None:
    path = [str(HERE), *(str(HERE.parents[1] / name) for name in ("", "core"))]
    script = _MATTES_AND_ENDS.format(path=path, folder=str(tmp_path), end=end)
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    told = [line for line in ran.stdout.splitlines() if line.startswith("engine")]
    assert told, ran.stdout + ran.stderr
    process = int(told[0].split()[1])
    patience = time.monotonic() + 20
    while _is_running(process):
        assert time.monotonic() < patience
        time.sleep(0.05)


def test_unregister_ends_the_job_and_the_engine(scene: Any, tmp_path: Path) -> None:
    node = make_shot(scene, tmp_path, (1001,))
    api.matte(node, 1001)
    assert warm._engine is not None and warm._engine.is_running
    process = warm._engine._conversation._process
    job = Job(node)
    job.step()
    blender_addon.unregister()
    try:
        assert isinstance(job.error, Cancelled)
        assert process.poll() is not None
    finally:
        blender_addon.register()


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
