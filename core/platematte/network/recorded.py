"""What a GPU is told once and then repeats: a CUDA graph of the steps of a frame.

The network is five hundred small steps, and a GPU takes each of them in less time than it takes to
be told of it. docs/decisions/0012-gpu.md has the figures.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable

import torch

log = logging.getLogger(__name__)

Tensor = torch.Tensor
Parts = tuple[Tensor, ...]
Function = Callable[..., Parts]

_SAME = 2e-3
"""Half of a step of 8 bits: as far as sums in another order go in half floats."""


class Recording:
    """A function of tensors on a GPU, for tensors of the sizes that it was recorded with.

    The function must not wait for the device, and must enter autocast itself: what autocast keeps
    would be gone when the recording is played.
    """

    def __init__(self, function: Function, parts: Parts) -> None:
        """Record; raises RuntimeError where a step cannot be, or has no memory."""
        self._kept = [_small(part).clone() for part in parts]
        taken = [kept.expand_as(part) for kept, part in zip(self._kept, parts, strict=True)]
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            # Libraries make their plans and workspaces in a first run, which is not recorded.
            function(*taken)
        torch.cuda.current_stream().wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        # Other threads of the process may ask the device for memory meanwhile.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._answers = function(*taken)

    def __call__(self, *parts: Tensor) -> Parts:
        """Return the answers for other tensors of these sizes, valid until the next call."""
        for kept, part in zip(self._kept, parts, strict=True):
            kept.copy_(_small(part))
        self._graph.replay()
        return self._answers


class Recorder:
    """Records a function when it is called a second time with tensors of the same sizes.

    It keeps one recording, and gives it up for the next sizes: data windows that change from frame
    to frame are never recorded.
    """

    def __init__(self) -> None:
        """Begin without a recording."""
        self._key: object = None
        self._recording: Recording | None = None
        self._can_record = True

    def __call__(self, function: Function, parts: Parts, facts: Hashable) -> Parts:
        """Return the function's answers, valid until the next call.

        facts: all that the function does depends on, besides its tensors.
        """
        key = facts, *((part.shape, part.stride(), part.dtype) for part in parts)
        if key != self._key:
            self.forget()
            self._key = key
            return function(*parts)
        if self._recording is None and self._can_record:
            self._record(function, parts)
        return function(*parts) if self._recording is None else self._recording(*parts)

    def forget(self) -> None:
        """Give the memory of the recording back."""
        self._key = self._recording = None

    def _record(self, function: Function, parts: Parts) -> None:
        # What the plain run left in reserve lies where the recording does not look for it.
        torch.cuda.empty_cache()
        try:
            told = [answer.clone() for answer in function(*parts)]
            recording = Recording(function, parts)
            played = recording(*parts)
        except torch.OutOfMemoryError:
            self.forget()
            raise
        except RuntimeError as error:
            self._do_without(str(error))
            return
        # Whatever a driver makes of a recording: no frame is to be another one for it.
        pairs = zip(told, played, strict=True)
        if all(torch.allclose(*pair, _SAME, _SAME, equal_nan=True) for pair in pairs):
            self._recording = recording
        else:
            self._do_without("what was recorded answers otherwise than what was told")

    def _do_without(self, reason: str) -> None:
        log.warning("the GPU is told every step of every frame, which takes longer: %s", reason)
        self._can_record = False


def _small(part: Tensor) -> Tensor:
    """Return one pixel that stands for all of them, else the tensor."""
    is_one = part.dim() == 4 and part.stride()[2:] == (0, 0)
    return part[:, :, :1, :1] if is_one else part
