"""A GPU is told a frame's steps once, and what it repeats is what it was told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from platematte.network import recorded
from platematte.network.device import Runner
from platematte.network.matter import Cues, Matter
from platematte.network.recorded import Parts, Recorder

MakeMatter = Callable[..., Matter]
MakeCues = Callable[..., Cues]
Tensor = torch.Tensor


class Double:
    """A recording as it is made: the function runs twice, and the tensors' sizes are kept."""

    made: list[tuple[torch.Size, ...]]

    def __init__(self, function: Callable[..., Parts], parts: Parts) -> None:
        self.made.append(tuple(part.shape for part in parts))
        self._function = function

    def __call__(self, *parts: Tensor) -> Parts:
        assert tuple(part.shape for part in parts) == self.made[-1]
        return self._function(*parts)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[tuple[torch.Size, ...]]:
    """The sizes that were recorded, one after the other."""
    made: list[tuple[torch.Size, ...]] = []
    double = type("Double", (Double,), {"made": made})
    monkeypatch.setattr(recorded, "Recording", double)
    return made


def twice(part: Tensor) -> Parts:
    return (2 * part,)


def test_the_second_frame_of_a_size_is_recorded_and_the_third_played(
    made: list[tuple[torch.Size, ...]],
) -> None:
    recorder, sizes = Recorder(), (2, 2, 2, 3, 2, 2)
    counts = []
    for index, size in enumerate(sizes):
        part = torch.full((1, 1, size, size), float(index))
        (answer,) = recorder(twice, (part,), "facts")
        assert torch.equal(answer, 2 * part)
        counts.append(len(made))
    assert counts == [0, 1, 1, 1, 1, 2]


def test_a_frame_with_a_pixel_that_is_no_number_is_recorded_as_well(
    made: list[tuple[torch.Size, ...]],
) -> None:
    recorder, part = Recorder(), torch.ones(1, 1, 2, 2)
    part[..., 0] = float("nan")
    for _ in range(3):
        recorder(twice, (part,), None)
    assert len(made) == 1
    assert recorder._recording is not None


def test_other_facts_and_types_are_another_recording(made: list[tuple[torch.Size, ...]]) -> None:
    recorder, part = Recorder(), torch.ones(1, 1, 2, 2)
    for facts, own in ((1, part), (2, part), (2, part.double()), (2, part.expand(1, 3, 2, 2))):
        recorder(twice, (own,), facts)
    assert not made
    recorder(twice, (part.expand(1, 3, 2, 2),), 2)
    assert len(made) == 1


def test_what_was_forgotten_is_told_anew(made: list[tuple[torch.Size, ...]]) -> None:
    recorder, part = Recorder(), torch.ones(1, 1, 2, 2)
    for _ in range(2):
        recorder(twice, (part,), None)
    recorder.forget()
    recorder(twice, (part,), None)
    assert len(made) == 1


@pytest.mark.parametrize("error", [RuntimeError("no such step"), torch.OutOfMemoryError("full")])
def test_what_cannot_be_recorded_is_told_and_want_of_memory_is_said(
    monkeypatch: pytest.MonkeyPatch, error: RuntimeError
) -> None:
    tries = []

    def refuse(*_: object) -> None:
        tries.append(1)
        raise error

    monkeypatch.setattr(recorded, "Recording", refuse)
    recorder, part = Recorder(), torch.ones(1, 1, 2, 2)
    recorder(twice, (part,), None)
    if isinstance(error, torch.OutOfMemoryError):
        with pytest.raises(torch.OutOfMemoryError):
            recorder(twice, (part,), None)
    for _ in range(3):
        assert torch.equal(recorder(twice, (part,), None)[0], 2 * part)
        if not isinstance(error, torch.OutOfMemoryError):
            assert len(tries) == 1
        else:
            recorder.forget()


def test_a_recording_that_answers_otherwise_is_not_played(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "Recording", lambda *_: lambda part: (2 * part + 0.01,))
    recorder = Recorder()
    for index in range(4):
        part = torch.full((1, 1, 2, 2), float(index))
        assert torch.equal(recorder(twice, (part,), None)[0], 2 * part)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(("shrink", "format_px"), [(1, None), (2, None), (1, 1 << 23)])
def test_on_a_gpu_every_frame_is_that_of_the_cpu(
    make_matter: MakeMatter,
    make_cues: MakeCues,
    monkeypatch: pytest.MonkeyPatch,
    shrink: int,
    format_px: int | None,
) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    matter = make_matter(shrink=shrink, guess=True, reach=2, evidence=True)
    cpu, gpu = torch.device("cpu"), torch.device("cuda")
    frames = [make_cues(200, 136), *(make_cues(96, 64) for _ in range(3)), make_cues(200, 136)]
    frames = [
        Cues(cues.plate * (1 + index), cues.clean, cues.trust, cues.hints)
        for index, cues in enumerate(frames)
    ]
    answers = []
    for device in (cpu, gpu):
        runner = Runner(matter, device, torch.float32, 512)
        answers.append([runner.answer(cues, runner.look(cues, format_px)) for cues in frames])
        runner.rest()
    for expected, answer in zip(*answers, strict=True):
        for name in ("alpha", "coarse", "error"):
            assert torch.allclose(getattr(expected, name), getattr(answer, name), atol=1e-3), name
    assert not torch.allclose(answers[1][1].alpha, answers[1][2].alpha)
