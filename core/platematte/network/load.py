"""Opens a set of weights, ours or imported ones, ready to run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch

from . import imported
from .device import Runner, choose_precision
from .matter import Cues, Drawn
from .pixels import PLAIN, Pixels
from .published.runner import PublishedRunner
from .tiles import Seen
from .weights import WeightsCard, load_weights, read_header


class AnyRunner(Protocol):
    """What the engine asks of a network on its device."""

    device: torch.device

    @property
    def is_temporal(self) -> bool:
        """Whether neighbouring frames change the result."""

    def rest(self) -> None:
        """Give back the GPU's memory that only a next frame would use."""

    def look(self, cues: Cues, format_px: int | None = None) -> Seen:
        """Return a frame's own features, for itself and for frames beside it.

        format_px: pixels of the format that the cues are a window of; None: they are all of it.
        """

    def answer(self, cues: Cues, seen: Seen, neighbours: list[Seen | None] | None = None) -> Drawn:
        """Return what the network answers for a frame, on the CPU, at the size of the cues."""


@dataclass(frozen=True)
class Machine:
    """What weights are to run on."""

    device: torch.device
    precision: str = "auto"
    memory_mib: float = 512
    cpu_fallback: bool = False
    pixels: Pixels = PLAIN
    """What works on pixels there."""


def load_runner(path: Path, machine: Machine) -> tuple[AnyRunner, WeightsCard]:
    """Return the network of a weights file on its device, and the file's card.

    Imported weights run in float32 unless another precision is asked for by name: that is what
    they were published with. Raises WeightsInvalid.
    """
    device, fallback = machine.device, machine.cpu_fallback
    if read_header(path).get("format") == imported.FORMAT:
        network, card = imported.load_imported(path)
        wanted = "fp32" if machine.precision == "auto" else machine.precision
        precision = choose_precision(wanted, device)
        return PublishedRunner(network, device, precision, fallback), card
    matter, card = load_weights(path)
    matter.pixels = machine.pixels
    precision = choose_precision(machine.precision, device)
    return Runner(matter, device, precision, machine.memory_mib, fallback), card
