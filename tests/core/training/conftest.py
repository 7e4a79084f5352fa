"""Fixtures for the tests of training: a bank of small images and a narrow network."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from platematte.network.base import Widths
from platematte.network.matter import Matter
from platematte.training.architectures import Ours
from platematte.training.atlas import pack
from platematte.training.bank import Bank

MakeOurs = Callable[..., Ours]


@pytest.fixture(scope="session")
def image_bank() -> Bank:
    """Images of noise, two of each kind and of unequal sizes; sprites have a soft round alpha."""
    random = np.random.default_rng(1)

    def sprite(height: int, width: int) -> np.ndarray:
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        alpha = np.clip(3 * (0.9 - np.hypot(x, y)), 0, 1)[..., None]
        colour = random.uniform(0, 255, (height, width, 3)) * alpha
        return np.concatenate([colour, 255 * alpha], 2).round().astype(np.uint8)

    def photograph(height: int, width: int) -> np.ndarray:
        return random.integers(0, 256, (height, width, 4), dtype=np.uint8)

    def panorama(height: int, width: int) -> np.ndarray:
        return np.exp2(random.uniform(-6, 8, (height, width, 4))).astype(np.float32)

    return Bank(
        pack([sprite(96, 64), sprite(60, 80)]),
        pack([sprite(40, 40), sprite(32, 48)]),
        pack([photograph(96, 128), photograph(70, 90)]),
        pack([panorama(64, 128), panorama(48, 96)], is_linear=True),
    )


@pytest.fixture(scope="session")
def tiny_ours() -> MakeOurs:
    """Builder of the narrowest network with its losses: `tiny_ours(is_temporal=True)`."""

    def build(is_temporal: bool = False) -> Ours:
        return Ours(Matter(Widths(8, 8, 8, 8, 8), is_temporal))

    return build
