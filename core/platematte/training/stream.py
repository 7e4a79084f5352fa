"""Keeps the next batches ready: on the training device, or from a process beside the CPU's."""

from __future__ import annotations

import queue as queues
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import multiprocessing

from .bank import load_bank
from .synthesise import Sample, Synthesiser

Shape = tuple[int, int]
"""Batch size and side of the crops in px."""


def stream_samples(
    data: Path | None, shapes: tuple[Shape, ...], seed: int, device: torch.device
) -> Iterator[Sample]:
    """Yield batches without end; their shapes follow one another in turn.

    On a GPU they are made there, between the steps. On a CPU a second process makes them: two
    single-threaded processes share two cores far better than one with two threads.
    """
    if device.type == "cpu":
        yield from _from_process(data, shapes, seed)
    else:
        synthesiser = Synthesiser(load_bank(data), seed, device)
        while True:
            for count, size in shapes:
                yield synthesiser.draw(count, size)


def _from_process(data: Path | None, shapes: tuple[Shape, ...], seed: int) -> Iterator[Sample]:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue(maxsize=6)
    process = context.Process(target=_fill, args=(queue, data, shapes, seed), daemon=True)
    process.start()
    try:
        while True:
            try:
                yield Sample(*queue.get(timeout=120))
            except queues.Empty:
                if not process.is_alive():
                    raise RuntimeError("the process that makes samples has ended") from None
    finally:
        process.terminate()


def _fill(
    queue: multiprocessing.Queue, data: Path | None, shapes: tuple[Shape, ...], seed: int
) -> None:
    torch.set_num_threads(1)
    multiprocessing.set_sharing_strategy("file_system")
    synthesiser = Synthesiser(load_bank(data), seed, "cpu")
    parent = multiprocessing.parent_process()
    while True:
        for count, size in shapes:
            parts = parts_of(synthesiser.draw(count, size))
            while True:
                try:
                    queue.put(parts, timeout=5)
                    break
                except queues.Full:
                    # A training that was killed cannot end this process; it ends itself.
                    if parent is None or not parent.is_alive():
                        return


def parts_of(sample: Sample) -> tuple[torch.Tensor, ...]:
    """Return the parts of a sample without copying them, as `dataclasses.astuple` would."""
    return tuple(getattr(sample, name) for name in sample.__dataclass_fields__)
