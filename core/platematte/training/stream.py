"""The batches of a training, one after another, made where it trains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from .bank import load_bank
from .synthesise import RULES, VERSION, Sample, Synthesiser

Shape = tuple[int, int]
"""Batch size and side of the crops in px."""


def stream_samples(
    data: Path | None,
    shapes: tuple[Shape, ...],
    seed: int,
    device: torch.device,
    generator: int = VERSION,
) -> Iterator[Sample]:
    """Yield batches without end; their shapes follow one another in turn.

    The same seed, shapes and version of the generator give the same samples, whatever network they
    are for.
    """
    synthesiser = Synthesiser(load_bank(data), seed, device, RULES[generator])
    while True:
        for count, size in shapes:
            yield synthesiser.draw(count, size)


def stream_clips(
    data: Path | None,
    shapes: tuple[Shape, ...],
    seed: int,
    device: torch.device,
    frames: int,
    generator: int = VERSION,
) -> Iterator[list[Sample]]:
    """Yield batches of clips without end."""
    synthesiser = Synthesiser(load_bank(data), seed, device, RULES[generator])
    while True:
        for count, size in shapes:
            yield synthesiser.draw_clip(count, size, frames)
