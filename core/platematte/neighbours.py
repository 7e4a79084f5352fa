"""Hands each frame to the network with the frames beside it, wherever a chunk begins."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from platematte.compute import LookedAt
from platematte.errors import MatteError
from platematte.frames import FrameInput
from platematte.network.tiles import Seen
from platematte.telling import FailedFrame


@dataclass(frozen=True)
class Ready:
    """A frame that can be matted: its input, its features and those of its neighbours."""

    source: FrameInput
    here: LookedAt
    beside: list[Seen | None]
    """At the offsets of the network's window; None where there is no such frame."""


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
    waiting = deque(todo)
    behind, ahead = min((0, *offsets)), max((0, *offsets))
    looked: dict[int, tuple[FrameInput, LookedAt]] = {}
    seen: dict[int, Seen] = {}

    def release(reached: float) -> Iterator[Ready]:
        while waiting and waiting[0] + ahead <= reached:
            frame = waiting.popleft()
            if frame in looked:
                source, here = looked.pop(frame)
                beside = [_matching(seen.get(frame + offset), here.seen) for offset in offsets]
                yield Ready(source, here, beside)
            oldest = waiting[0] + behind if waiting else reached
            for old in [number for number in seen if number < oldest]:
                del seen[old]

    for item in inputs:
        # Frames before this one cannot get any more neighbours from further back.
        yield from release(item.frame - 1)
        wanted = item.frame in waiting
        error = item.error if isinstance(item, FailedFrame) else None
        if isinstance(item, FrameInput):
            try:
                here = look(item)
            except MatteError as problem:
                error = problem
            else:
                if offsets:
                    seen[item.frame] = here.for_neighbours()
                if wanted:
                    looked[item.frame] = (item, here)
        if error is not None:
            if error.exit_status in (4, 130, 143):
                raise error
            if wanted:
                fail(item.frame, error)
    yield from release(float("inf"))


def _matching(neighbour: Seen | None, here: Seen) -> Seen | None:
    """Return a neighbour that covers the same window; data windows may change in a shot."""
    if neighbour is None or neighbour.eighth.shape != here.eighth.shape:
        return None
    return neighbour
