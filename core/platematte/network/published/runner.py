"""Runs published networks behind the same face as `network.device.Runner` runs ours."""

from __future__ import annotations

import contextlib
import logging

import torch
from torch import nn

from ...errors import DeviceMemoryExhausted
from ..device import is_out_of_memory
from ..matter import Cues, Drawn
from ..tiles import Seen, seen_nothing
from .run import run_published

log = logging.getLogger(__name__)


class PublishedRunner:
    """Runs a published network on whole frames: they look at a frame only when they answer."""

    is_temporal = False
    """Neighbouring frames change nothing, not even for the seed's network: its cue is inert."""

    def __init__(
        self,
        network: nn.Module,
        device: torch.device,
        precision: torch.dtype,
        cpu_fallback: bool = False,
    ) -> None:
        """Take the network and where it is to run."""
        self.network = network.eval().to(device)
        self.device = device
        self.precision = precision
        self.cpu_fallback = cpu_fallback

    def rest(self) -> None:
        """Give back the GPU's memory that only a next frame would use; the weights stay there."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def look(self, cues: Cues, format_px: int | None = None) -> Seen:
        """Return nothing of a frame: there is nothing that could be kept for others."""
        return seen_nothing()

    def answer(
        self, cues: Cues, seen: Seen | None = None, neighbours: list[Seen | None] | None = None
    ) -> Drawn:
        """Return what the network answers for a frame, on the CPU, at the size of the cues."""
        while True:
            try:
                return self._run(cues)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                self._leave_device(error)

    def _run(self, cues: Cues) -> Drawn:
        parts = (cues.plate, cues.clean, cues.trust, cues.hints)
        with torch.inference_mode(), self._arithmetic():
            drawn = run_published(self.network, Cues(*(part.to(self.device) for part in parts)))
        answers = (drawn.alpha, drawn.coarse, drawn.foreground, drawn.error)
        return Drawn(*(answer.float().cpu() for answer in answers))

    def _arithmetic(self) -> contextlib.AbstractContextManager[object]:
        if self.precision is torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.precision)

    def _leave_device(self, error: BaseException) -> None:
        if self.device.type == "cpu" or not self.cpu_fallback:
            raise DeviceMemoryExhausted(
                f"{self.device} has no memory left, and imported weights cannot run in tiles",
                fix="Take the device cpu (--device cpu), or allow the fallback "
                "(--set engine.cpu_fallback=true).",
            ) from error
        self.device, self.precision = torch.device("cpu"), torch.float32
        self.network.to(self.device)
        log.warning("out of memory: going on on the CPU")
