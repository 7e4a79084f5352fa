"""Hands each frame on with what is known of the frames beside it, wherever a chunk begins.

Twice: to the network with its neighbours' features, and to the solve with their answers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from platematte.compute import LookedAt
from platematte.errors import MatteError
from platematte.frames import FrameInput
from platematte.network.matter import Drawn
from platematte.network.tiles import Seen
from platematte.solve.temporal import Trace
from platematte.telling import FailedFrame

_Frame = TypeVar("_Frame")
_Part = TypeVar("_Part")


@dataclass(frozen=True)
class Ready:
    """A frame that can be matted: its input, its features and those of its neighbours."""

    source: FrameInput
    here: LookedAt
    beside: list[Seen | None]
    """At the offsets of the network's window; None where there is no such frame."""


@dataclass(frozen=True)
class Answer:
    """A frame that the network has answered for."""

    source: FrameInput
    here: LookedAt
    drawn: Drawn
    trace: Trace | None
    """What the frames beside it need of it; None where alpha is not fused."""
    beside: tuple[Trace | None, ...] = ()
    """At the offsets of the fusion; None where there is no such frame."""


class _Window(Generic[_Frame, _Part]):
    """Keeps frames until their neighbours have come, and of those only what others need."""

    def __init__(self, todo: tuple[int, ...], offsets: tuple[int, ...]) -> None:
        self.waiting = deque(todo)
        self._offsets = offsets
        self._frames: dict[int, _Frame] = {}
        self._parts: dict[int, _Part] = {}

    def add(self, number: int, frame: _Frame, part: _Part) -> None:
        if self._offsets:
            self._parts[number] = part
        if number in self.waiting:
            self._frames[number] = frame

    def release(self, reached: float) -> Iterator[tuple[_Frame, list[_Part | None]]]:
        """Yield the frames that wait for nothing beyond `reached`, with their neighbours."""
        behind, ahead = min((0, *self._offsets)), max((0, *self._offsets))
        while self.waiting and self.waiting[0] + ahead <= reached:
            number = self.waiting.popleft()
            if number in self._frames:
                beside = [self._parts.get(number + offset) for offset in self._offsets]
                yield self._frames.pop(number), beside
            oldest = self.waiting[0] + behind if self.waiting else reached
            for old in [kept for kept in self._parts if kept < oldest]:
                del self._parts[old]


def with_neighbours(
    inputs: Iterable[FrameInput | FailedFrame],
    todo: tuple[int, ...],
    offsets: tuple[int, ...],
    look: Callable[[FrameInput], LookedAt],
    fail: Callable[[int, MatteError], None],
) -> Iterator[Ready]:
    """Yield the frames to do, ascending, each as soon as its neighbours have been looked at.

    inputs: the frames of `Job.needed`, ascending. Each is looked at once; only as many are kept
    as the window is wide. A frame that failed is told to `fail` if it was to be done, and is
    absent for its neighbours.
    """
    window: _Window[tuple[FrameInput, LookedAt], Seen] = _Window(todo, offsets)

    def release(reached: float) -> Iterator[Ready]:
        for (source, here), beside in window.release(reached):
            yield Ready(source, here, [_matching(seen, here.seen) for seen in beside])

    for item in inputs:
        # Frames before this one cannot get any more neighbours from further back.
        yield from release(item.frame - 1)
        error = item.error if isinstance(item, FailedFrame) else None
        if isinstance(item, FrameInput):
            try:
                here = look(item)
            except MatteError as problem:
                error = problem
            else:
                window.add(item.frame, (item, here), here.for_neighbours())
        if error is not None:
            if error.exit_status in (4, 130, 143):
                raise error
            if item.frame in window.waiting:
                fail(item.frame, error)
    yield from release(float("inf"))


def with_answers(
    answers: Iterable[Answer], todo: tuple[int, ...], offsets: tuple[int, ...]
) -> Iterator[Answer]:
    """Yield the frames to do, ascending, each as soon as its neighbours have been answered for.

    answers: those frames and the neighbours that there are, ascending; only as many are kept as
    the window is wide. With no offsets each comes at once, as it is.
    """
    window: _Window[Answer, Trace | None] = _Window(todo, offsets)

    def release(reached: float) -> Iterator[Answer]:
        for answer, beside in window.release(reached):
            yield replace(answer, beside=tuple(beside))

    for answer in answers:
        window.add(answer.source.frame, answer, answer.trace)
        yield from release(answer.source.frame)
    yield from release(float("inf"))


def _matching(neighbour: Seen | None, here: Seen) -> Seen | None:
    """Return a neighbour that covers the same window; data windows may change in a shot."""
    if neighbour is None or neighbour.eighth.shape != here.eighth.shape:
        return None
    return neighbour
