"""Each frame comes once, in order and with the frames beside it, against a model that is naive."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from platematte.compute import LookedAt, Mattes
from platematte.errors import Cancelled, CleanUnusable, DeviceMemoryExhausted, MatteError
from platematte.errors import InputUnreadable as Unreadable
from platematte.frames import FrameInput
from platematte.images.read import SourceImage
from platematte.neighbours import Ready, with_neighbours
from platematte.network.base import NEIGHBOURS
from platematte.network.matter import Cues, Views
from platematte.network.tiles import Seen
from platematte.prepare.prepare import PreparedFrame
from platematte.telling import FailedFrame

PIXEL = np.zeros((1, 1, 3), np.float32)
Frames = frozenset[int]

frame_sets = st.frozensets(st.integers(1001, 1016), max_size=12)


def frame_input(frame: int) -> FrameInput:
    image = cast(SourceImage, None)
    return FrameInput(frame, PIXEL, PIXEL, PIXEL[..., :1], Mattes(), image, "raw")


class Looker:
    """Stands for prepare and network: features are the frame's number; counts what is kept."""

    def __init__(self, broken: Frames = frozenset(), size: dict[int, int] | None = None) -> None:
        self.broken = broken
        self.size = size or {}
        self.asked: list[int] = []

    def __call__(self, source: FrameInput) -> LookedAt:
        self.asked.append(source.frame)
        if source.frame in self.broken:
            raise CleanUnusable("of another set")
        width = self.size.get(source.frame, 1)
        features = torch.full((1, 1, 1, width), float(source.frame))
        prepared, cues = cast(PreparedFrame, None), cast(Cues, None)
        seen = Seen(features, features, Views(features, features, features, features))
        return LookedAt(prepared, Mattes(), cues, seen)


def number_of(seen: Seen | None) -> int | None:
    return None if seen is None else int(seen.eighth.flatten()[0])


@given(frame_sets, frame_sets, frame_sets, frame_sets, st.sampled_from([(), (-1,), NEIGHBOURS]))
def test_each_frame_comes_once_in_order_with_its_neighbours(
    on_disk: Frames, wanted: Frames, unread: Frames, unusable: Frames, offsets: tuple[int, ...]
) -> None:
    todo = tuple(sorted(wanted & on_disk))
    beside = {frame + offset for frame in todo for offset in offsets}
    needed = sorted(set(todo) | (beside & on_disk))
    inputs = [
        FailedFrame(frame, Unreadable("cut off")) if frame in unread else frame_input(frame)
        for frame in needed
    ]
    failed: list[int] = []
    look = Looker(broken=unusable)
    come = list(with_neighbours(inputs, todo, offsets, look, lambda frame, _: failed.append(frame)))

    good = on_disk - unread - unusable
    expected = [
        (frame, [frame + o if frame + o in good else None for o in offsets])
        for frame in todo
        if frame in good
    ]
    assert [(r.source.frame, [number_of(seen) for seen in r.beside]) for r in come] == expected
    assert all(number_of(ready.here.seen) == ready.source.frame for ready in come)
    assert failed == [frame for frame in todo if frame not in good]
    assert look.asked == [frame for frame in needed if frame not in unread]


def test_a_frame_comes_as_soon_as_its_last_neighbour_was_looked_at() -> None:
    look, order = Looker(), []
    todo = tuple(range(1001, 1008))
    inputs = (frame_input(frame) for frame in todo)
    for ready in with_neighbours(inputs, todo, NEIGHBOURS, look, lambda *_: None):
        order.append((ready.source.frame, look.asked[-1]))
    assert order == [
        (1001, 1003),
        (1002, 1004),
        (1003, 1005),
        (1004, 1006),
        (1005, 1007),
        (1006, 1007),
        (1007, 1007),
    ]


def test_only_as_many_frames_are_kept_as_the_window_is_wide() -> None:
    import weakref

    alive: weakref.WeakSet[torch.Tensor] = weakref.WeakSet()
    most = 0

    def look(source: FrameInput) -> LookedAt:
        looked = Looker()(source)
        alive.add(looked.seen.eighth)
        return looked

    def count(items: Iterator[Ready]) -> None:
        nonlocal most
        for _ in items:
            most = max(most, len(alive))

    todo = tuple(range(1001, 1041))
    count(with_neighbours(map(frame_input, todo), todo, NEIGHBOURS, look, lambda *_: None))
    # Two behind, the frame itself, two ahead, and the one that was just looked at.
    assert most <= 6


def test_a_neighbour_of_another_size_is_absent() -> None:
    look = Looker(size={1002: 7})
    todo = (1001, 1002, 1003)
    ready = list(with_neighbours(map(frame_input, todo), todo, (-1, 1), look, lambda *_: None))
    beside = [[number_of(seen) for seen in item.beside] for item in ready]
    assert beside == [[None, None], [None, None], [None, None]]


@pytest.mark.parametrize("error", [Cancelled("stop"), DeviceMemoryExhausted("no more")])
def test_what_stops_the_whole_job_is_raised_and_not_told_as_a_failed_frame(
    error: MatteError,
) -> None:
    def look(source: FrameInput) -> LookedAt:
        raise error

    failed: list[int] = []
    with pytest.raises(type(error)):
        list(with_neighbours([frame_input(1)], (1,), (), look, lambda f, _: failed.append(f)))
    assert failed == []
