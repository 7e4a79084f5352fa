"""A slice of training leaves all that the next one needs, and goes on from exactly there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from platematte.network.base import Widths
from platematte.network.weights import load_weights
from platematte.training import train as module
from platematte.training.bank import Bank
from platematte.training.stream import stream_samples
from platematte.training.synthesise import Sample, Synthesiser
from platematte.training.train import TrainSettings, draw_validation, train

FILES = {
    "curve.svg",
    "average.safetensors",
    "exp_avg.safetensors",
    "exp_avg_sq.safetensors",
    "log.jsonl",
    "model.safetensors",
    "progress.json",
    "weights.safetensors",
}


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainSettings:
    """Settings of a slice of a second, with a narrow network, small crops and no images."""
    monkeypatch.setattr(module, "Widths", lambda: Widths(8, 8, 8, 8, 8))
    # No slice of these tests reaches the end of the warm-up.
    monkeypatch.setattr(module, "_WARMUP_STEPS", 1)
    return TrainSettings(
        out=tmp_path / "run",
        minutes=0.01,
        shapes=((1, 64),),
        precision="fp32",
        validation_count=4,
    )


@pytest.fixture
def seeds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Samples are made in this process, two for each slice; the seeds that were asked for."""
    asked: list[int] = []

    def few(
        data: Path | None, shapes: tuple[tuple[int, int], ...], seed: int, device: torch.device
    ) -> Iterator[Sample]:
        asked.append(seed)
        synthesiser = Synthesiser(Bank([], [], []), seed)
        while True:
            yield synthesiser.draw(*shapes[0])

    monkeypatch.setattr(module, "stream_samples", few)
    return asked


def progress(settings: TrainSettings) -> dict[str, float]:
    return dict(json.loads((settings.out / "progress.json").read_text()))


def state(settings: TrainSettings) -> dict[str, torch.Tensor]:
    names = ("model", "average", "exp_avg", "exp_avg_sq")
    return {
        f"{name}.{key}": value
        for name in names
        for key, value in load_file(settings.out / f"{name}.safetensors").items()
    }


def test_a_slice_saves_its_state_its_log_and_weights_that_load(
    tiny: TrainSettings, seeds: list[int]
) -> None:
    path = train(tiny)
    assert {entry.name for entry in tiny.out.iterdir()} == FILES
    steps = progress(tiny)["step"]
    assert steps >= 2
    assert progress(tiny)["samples"] == steps
    record = json.loads((tiny.out / "log.jsonl").read_text())
    assert record["step"] == steps
    assert {"loss_total", "mad", "mse", "rate", "seconds"} <= set(record)
    matter, card = load_weights(path)
    assert card.samples == steps
    for name, value in load_file(tiny.out / "average.safetensors").items():
        assert torch.equal(matter.state_dict()[name], value.half().float()), name


def test_the_next_slice_goes_on_from_the_same_weights_step_and_moments(
    tiny: TrainSettings, seeds: list[int]
) -> None:
    train(tiny)
    before, counted = state(tiny), progress(tiny)
    # A slice of no time reads everything and writes it again.
    train(replace(tiny, minutes=0.0))
    assert progress(tiny) == counted
    after = state(tiny)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    train(tiny)
    assert progress(tiny)["step"] > counted["step"]
    assert progress(tiny)["seconds"] > counted["seconds"]
    assert not all(torch.equal(before[name], value) for name, value in state(tiny).items())
    steps = [json.loads(line)["step"] for line in (tiny.out / "log.jsonl").open()]
    assert steps == sorted(steps)
    assert len(steps) == 3


def test_each_slice_draws_samples_of_its_own(tiny: TrainSettings, seeds: list[int]) -> None:
    for _ in range(2):
        train(tiny)
    assert len(set(seeds)) == 2
    assert module.VALIDATION_SEED not in seeds


def test_a_sample_that_overflows_does_not_end_a_training(
    tiny: TrainSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Iterator[Sample]:
        sample = Synthesiser(Bank([], [], []), 1).draw(1, 64)
        while True:
            yield replace(sample, plate=sample.plate * float("nan"))

    monkeypatch.setattr(module, "stream_samples", broken)
    train(tiny)
    assert all(bool(torch.isfinite(value).all()) for value in state(tiny).values())


def test_the_validation_set_is_the_same_every_time(tiny: TrainSettings) -> None:
    one, other = draw_validation(tiny), draw_validation(replace(tiny, seed=99))
    assert len(one) == len(other) == 1
    assert torch.equal(one[0].plate, other[0].plate)


@pytest.mark.slow
def test_samples_come_from_a_process_beside_the_training() -> None:
    stream = stream_samples(None, ((2, 64), (1, 96)), seed=3, device=torch.device("cpu"))
    there = Synthesiser(Bank([], [], []), 3)
    for count, size in ((2, 64), (1, 96), (2, 64)):
        sample, same = next(stream), there.draw(count, size)
        assert torch.allclose(sample.plate, same.plate, atol=1e-5)
    stream.close()  # type: ignore[attr-defined]
