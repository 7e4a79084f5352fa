"""Cancel stops the engine as well, which does not go on in the background to the last frame."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from builders import make_shot

from blender_addon.job import Job
from platematte_client.errors import Cancelled

FRAMES = tuple(range(1001, 1041))
PATIENCE_S = 120.0


def test_most_frames_of_a_long_range_are_never_computed(scene: Any, tmp_path: Path) -> None:
    job = Job(make_shot(scene, tmp_path, FRAMES, quality="quality"))
    end = time.monotonic() + PATIENCE_S
    while not job.done:
        assert time.monotonic() < end and not job.has_ended, job.error or job.told
        job.step()
        time.sleep(0.005)
    job.cancel()
    assert job._engine is not None and job._engine.wait(PATIENCE_S)
    assert isinstance(job._engine.error, Cancelled)
    kept = list(job.folder.glob("matte.*.exr"))
    assert 1 <= len(kept) < len(FRAMES)
