"""The batches of a training, one after another, made where it trains."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch

from .bank import load_bank
from .synthesise import RULES, VERSION, Sample, Synthesiser, parts_of

Shape = tuple[int, int]
"""Batch size and side of the crops in px."""


def stream_samples(
    data: Path | None,
    shapes: tuple[Shape, ...],
    seed: int,
    device: torch.device,
    generator: int = VERSION,
    ahead: int = 1,
) -> Iterator[Sample]:
    """Yield batches without end; their shapes follow one another in turn.

    The same seed, shapes, version of the generator and `ahead` give the same samples, whatever
    network they are for. ahead: how many batches of a shape are drawn at once, one after the other
    yielded: a GPU draws a hundred samples in the time of a few.
    """
    synthesiser = Synthesiser(load_bank(data), seed, device, RULES[generator])
    while True:
        for count, size in shapes:
            yield from _in_batches(synthesiser.draw(ahead * count, size), ahead)


def _in_batches(sample: Sample, ahead: int) -> Iterator[Sample]:
    batches = zip(*(part.chunk(ahead) for part in parts_of(sample)), strict=True)
    return (Sample(*parts) for parts in batches)


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
