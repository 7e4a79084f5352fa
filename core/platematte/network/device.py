"""Where the network runs, with which arithmetic, and what happens when memory runs out there."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import torch

from ..errors import DeviceMemoryExhausted, DeviceMissing
from .matter import Cues, Drawn, Matter
from .recorded import Parts, Recorder
from .tiles import Seen, crop_drawn, draw_in_tiles, look_in_tiles, seen_nothing

Tensor = torch.Tensor
_Result = TypeVar("_Result")

log = logging.getLogger(__name__)

_SMALLEST_MIB = 64.0
_TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


def choose_device(name: str) -> torch.device:
    """Return the device of a setting; raises DeviceMissing for one asked for by name."""
    has = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if name == "auto":
        return torch.device(next(device for device, is_there in has.items() if is_there))
    if not has.get(name, False):
        raise DeviceMissing(f"this machine has no {name} device that torch can use")
    return torch.device(name)


def choose_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the arithmetic of the layers within the network; what leaves it is float32.

    auto is fp16 on CUDA, bf16 on a CPU that computes it (on the held-out set alpha is as good, in
    two thirds of the time), and fp32 elsewhere.
    """
    if name == "auto":
        if device.type == "cpu":
            return torch.bfloat16 if computes_bf16() else torch.float32
        return torch.float16 if device.type == "cuda" else torch.float32
    if name == "fp16" and device.type == "cpu":
        # The CPU has no half-precision convolutions worth the name; bf16 is what it has.
        log.warning("fp16 is not computed on a CPU: bf16 takes its place")
        return torch.bfloat16
    return _TYPES[name]


def choose_training_type(device: torch.device) -> torch.dtype:
    """Return bfloat16, which needs no scaling of gradients, but where it is only imitated."""
    is_imitated = device.type == "cpu" and not computes_bf16()
    return torch.float32 if is_imitated else torch.bfloat16


def computes_bf16() -> bool:
    """Tell whether this CPU has bfloat16 instructions; older releases of torch cannot tell."""
    tell = getattr(torch.cpu, "get_capabilities", None)
    has: dict[str, object] = {} if tell is None else tell()
    return bool(has.get("avx512_bf16") or has.get("amx_bf16"))


class Runner:
    """Runs the network's stages on one device, in tiles that fit the memory."""

    def __init__(
        self,
        matter: Matter,
        device: torch.device,
        precision: torch.dtype,
        memory_mib: float,
        cpu_fallback: bool = False,
    ) -> None:
        """Take the network and the settings of the machine; memory is for the local stages."""
        self.matter = matter.eval().to(device)
        self.device = device
        self.precision = precision
        self.memory_mib = memory_mib
        self.cpu_fallback = cpu_fallback
        self._recorder = Recorder()

    @property
    def is_temporal(self) -> bool:
        """Whether neighbouring frames change the result."""
        return self.matter.is_temporal

    def rest(self) -> None:
        """Give back the GPU's memory that only a next frame would use; the weights stay there."""
        self._recorder.forget()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def look(self, cues: Cues, format_px: int | None = None) -> Seen:
        """Return a frame's own features. cues: of any size, on any device.

        format_px: pixels of the format that they are a window of; None: they are all of it.
        """
        if self.device.type == "cuda" and not self.is_temporal:
            # No other frame asks for them: it looks when it answers, in one recording.
            height, width = cues.plate.shape[2:]
            is_far = self.matter.is_far(format_px or height * width)
            return replace(seen_nothing(), is_far=is_far)

        def run() -> Seen:
            with self._arithmetic():
                return look_in_tiles(self.matter, self._take(cues), self.memory_mib, format_px)

        return self._retry(run)

    def answer(self, cues: Cues, seen: Seen, neighbours: list[Seen | None] | None = None) -> Drawn:
        """Return what the network answers for a frame, on the CPU, at the size of the cues."""

        def run() -> Drawn:
            taken = self._take(cues)
            if not seen.eighth.numel():
                parts = self._answer_at_once(taken, seen.is_far)
            else:
                eighths = [None if n is None else n.eighth for n in neighbours or []]
                parts = self._draw(taken, seen.to(self.device), eighths)
            return Drawn(*(part.cpu() for part in parts))

        return self._retry(run)

    def _answer_at_once(self, cues: Cues, is_far: bool) -> Parts:
        """Return what is drawn of a frame that nobody has looked at yet."""

        def run(*parts: Tensor) -> Parts:
            taken = Cues(*parts)
            with self._arithmetic():
                seen = look_in_tiles(self.matter, taken, self.memory_mib)
            return self._draw(taken, replace(seen, is_far=is_far), [])

        parts = (cues.plate, cues.clean, cues.trust, cues.hints)
        if self.device.type != "cuda":
            return run(*parts)
        return self._recorder(run, parts, (is_far, self.memory_mib))

    def _draw(self, cues: Cues, seen: Seen, eighths: list[Tensor | None]) -> Parts:
        """Return alpha, coarse alpha, foreground and error of a frame that was looked at."""
        with self._arithmetic():
            beside = [None if part is None else part.to(self.device) for part in eighths]
            thought = self.matter.think(seen.eighth, beside or None, seen.guess, seen.is_far)
            drawn = draw_in_tiles(self.matter, cues, seen, thought, self.memory_mib)
        cropped = crop_drawn(drawn, *cues.plate.shape[2:])
        parts = (cropped.alpha, cropped.coarse, cropped.foreground, cropped.error)
        return tuple(part.float() for part in parts)

    def _take(self, cues: Cues) -> Cues:
        parts = (cues.plate, cues.clean, cues.trust, cues.hints)
        return Cues(*(_move(part, self.device) for part in parts))

    def _retry(self, run: Callable[[], _Result]) -> _Result:
        """Run; when memory runs out halve the tiles, then go to the CPU if that is allowed."""
        while True:
            try:
                with torch.inference_mode():
                    return run()
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
                self._yield_memory(error)

    def _yield_memory(self, error: BaseException) -> None:
        self._recorder.forget()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        if self.memory_mib > _SMALLEST_MIB:
            self.memory_mib = max(_SMALLEST_MIB, self.memory_mib / 2)
            log.warning("out of memory on %s: tiles of %d MiB", self.device, self.memory_mib)
        elif self.device.type != "cpu" and self.cpu_fallback:
            self.device = torch.device("cpu")
            self.precision = torch.float32
            self.matter.to(self.device)
            log.warning("out of memory with the smallest tiles: going on on the CPU")
        else:
            raise DeviceMemoryExhausted(
                f"{self.device} has no memory left, even with the smallest tiles"
            ) from error

    def _arithmetic(self) -> contextlib.AbstractContextManager[object]:
        if self.precision is torch.float32:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.precision)


def _move(part: Tensor, device: torch.device) -> Tensor:
    """Return a tensor on a device; of one pixel that stands for all of them, that pixel moves."""
    if part.device == device or part.stride()[2:] != (0, 0):
        return part.to(device)
    return part[:, :, :1, :1].to(device).expand_as(part)


def is_out_of_memory(error: BaseException) -> bool:
    """Tell whether an error of torch means that memory ran out, on a GPU or on the CPU."""
    said = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or any(
        words in said for words in ("out of memory", "can't allocate memory", "bad_alloc")
    )
