"""Batches follow one another without end, the same for every network that trains on them."""

from __future__ import annotations

from itertools import islice

import torch

from platematte.training.bank import empty_bank
from platematte.training.stream import stream_clips, stream_samples
from platematte.training.synthesise import Synthesiser, parts_of

CPU = torch.device("cpu")
SHAPES = ((2, 64), (1, 96))


def test_batches_are_those_of_the_seed_and_their_shapes_take_turns() -> None:
    synthesiser = Synthesiser(empty_bank(), 3)
    streamed = list(islice(stream_samples(None, SHAPES, 3, CPU), 3))
    for sample, (count, size) in zip(streamed, (*SHAPES, SHAPES[0]), strict=True):
        assert sample.plate.shape == (count, 3, size, size)
        for part, same in zip(
            parts_of(sample), parts_of(synthesiser.draw(count, size)), strict=True
        ):
            assert torch.equal(part, same)
    assert not torch.equal(streamed[0].plate, streamed[2].plate)


def test_batches_drawn_at_once_follow_one_another() -> None:
    synthesiser = Synthesiser(empty_bank(), 3)
    streamed = list(islice(stream_samples(None, SHAPES, 3, CPU, ahead=3), 6))
    for (count, size), batches in zip(SHAPES, (streamed[:3], streamed[3:]), strict=True):
        assert all(sample.plate.shape == (count, 3, size, size) for sample in batches)
        drawn = parts_of(synthesiser.draw(3 * count, size))
        for parts, whole in zip(zip(*map(parts_of, batches), strict=True), drawn, strict=True):
            assert torch.equal(torch.cat(parts), whole)


def test_clips_have_as_many_frames_as_were_asked_for() -> None:
    clips = list(islice(stream_clips(None, SHAPES, 3, CPU, 3), 2))
    for clip, (count, size) in zip(clips, SHAPES, strict=True):
        assert len(clip) == 3
        assert all(frame.plate.shape == (count, 3, size, size) for frame in clip)
