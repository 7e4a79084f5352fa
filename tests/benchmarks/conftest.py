"""Puts the benchmarks where their tests find them, and makes tiny frames of a held-out set."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from platematte.training.heldout import HeldoutSample

# As in the engine's tests: frames of 64 px gain nothing from threads.
os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

SIDE_PX = 64
MakeSample = Callable[..., HeldoutSample]


@pytest.fixture(scope="session")
def make_sample() -> MakeSample:
    """Builder of a frame: a soft disc of one colour before a textured set."""

    def build(number: int = 0, moved_px: float = 0.0, prop: bool = False) -> HeldoutSample:
        random = np.random.default_rng(number)
        coarse = random.uniform(0.05, 0.3, (SIDE_PX // 8, SIDE_PX // 8, 3))
        scene = coarse.repeat(8, 0).repeat(8, 1).astype(np.float32)
        y, x = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float32)
        away = np.hypot(x - SIDE_PX / 2 - moved_px, y - SIDE_PX / 2)
        alpha = np.clip((20 - away) / 4, 0, 1)[..., None].astype(np.float32)
        foreground = np.broadcast_to(np.array([0.9, 0.5, 0.4], np.float32), scene.shape).copy()
        clean, wrong = scene.copy(), np.zeros_like(alpha, dtype=bool)
        if prop:
            clean[4:12, 4:40], wrong[4:12, 4:40] = 0.8, True
        plate = alpha * foreground + (1 - alpha) * scene
        plate = plate + random.normal(0, 0.002, plate.shape).astype(np.float32)
        name = f"{number:03d} tiny"
        return HeldoutSample(name, plate, clean, alpha, foreground, wrong)

    return build
