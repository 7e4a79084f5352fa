"""A slice of training leaves all that the next one needs, and goes on from exactly there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
import torch
from safetensors.torch import load_file

from platematte.errors import SettingsInvalid
from platematte.network.weights import load_weights
from platematte.training import train as module
from platematte.training.architectures import Ours
from platematte.training.bank import empty_bank
from platematte.training.stream import stream_samples
from platematte.training.synthesise import VERSION, Sample, Synthesiser
from platematte.training.train import TrainSettings, draw_validation

FILES = {
    "curve.svg",
    "average.safetensors",
    "exp_avg.safetensors",
    "exp_avg_sq.safetensors",
    "log.jsonl",
    "model.safetensors",
    "momentum_buffer.safetensors",
    "progress.json",
    "weights.safetensors",
}

Train = Callable[[TrainSettings], Path]


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TrainSettings:
    """Settings of a slice of two samples, with small crops and no images."""
    # No slice of these tests reaches the end of the warm-up.
    monkeypatch.setattr(module, "_WARMUP_STEPS", 1)
    return TrainSettings(
        out=tmp_path / "run",
        samples=2,
        rate=1e-3,
        shapes=((1, 64),),
        precision="fp32",
        validation_count=4,
    )


@pytest.fixture
def train(tiny_ours: Callable[..., Ours]) -> Train:
    """The training, of a network so narrow that a slice takes no time."""

    def run(settings: TrainSettings) -> Path:
        torch.manual_seed(settings.seed)
        return module.train(settings, tiny_ours())

    return run


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """The seeds and versions of the generator that samples were asked for with."""
    asked: list[tuple[int, int]] = []

    def noted(
        data: Path | None,
        shapes: tuple[tuple[int, int], ...],
        seed: int,
        device: torch.device,
        generator: int,
        ahead: int,
    ) -> Iterator[Sample]:
        asked.append((seed, generator))
        return stream_samples(data, shapes, seed, device, generator, ahead)

    monkeypatch.setattr(module, "stream_samples", noted)
    return asked


def progress(settings: TrainSettings) -> dict[str, float]:
    return dict(json.loads((settings.out / "progress.json").read_text()))


def state(settings: TrainSettings) -> dict[str, torch.Tensor]:
    names = ("model", "average", "exp_avg", "exp_avg_sq", "momentum_buffer")
    paths = {name: settings.out / f"{name}.safetensors" for name in names}
    # An optimizer that never made a step remembers nothing.
    return {
        f"{name}.{key}": value
        for name, path in paths.items()
        if path.is_file()
        for key, value in load_file(path).items()
    }


def test_a_slice_saves_its_state_its_log_and_weights_that_load(
    tiny: TrainSettings, train: Train
) -> None:
    path = train(tiny)
    assert {entry.name for entry in tiny.out.iterdir()} == FILES
    assert progress(tiny)["step"] == progress(tiny)["samples"] == 2
    record = json.loads((tiny.out / "log.jsonl").read_text())
    assert record["step"] == 2
    assert {"loss_total", "mad", "mse", "confidence", "rate", "seconds"} <= set(record)
    matter, card = load_weights(path)
    assert card.samples == 2
    for name, value in load_file(tiny.out / "average.safetensors").items():
        assert torch.equal(matter.state_dict()[name], value.half().float()), name


def test_the_next_slice_goes_on_from_the_same_weights_step_and_moments(
    tiny: TrainSettings, train: Train
) -> None:
    train(tiny)
    before, counted = state(tiny), progress(tiny)
    # A slice that has nothing left to do reads everything and writes it again.
    train(tiny)
    assert progress(tiny) == counted
    after = state(tiny)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    train(replace(tiny, samples=3))
    assert progress(tiny)["step"] == 3
    assert progress(tiny)["seconds"] > counted["seconds"]
    assert not all(torch.equal(before[name], value) for name, value in state(tiny).items())
    steps = [json.loads(line)["step"] for line in (tiny.out / "log.jsonl").open()]
    assert steps == [2, 2, 3]


def test_two_slices_and_one_long_one_leave_the_same_where_the_samples_are_the_same(
    tiny: TrainSettings, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Slices draw samples of their own; here all get one sample, so that only the state differs.
    sample = Synthesiser(empty_bank(), 1).draw(1, 64)

    def same(*_: object) -> Iterator[Sample]:
        while True:
            yield sample

    monkeypatch.setattr(module, "stream_samples", same)
    cut, whole = replace(tiny, samples=2), replace(tiny, samples=4, out=tiny.out.with_name("whole"))
    train(cut)
    train(replace(cut, samples=4))
    train(whole)
    ours, theirs = state(cut), state(whole)
    for name in ours:
        assert torch.allclose(ours[name], theirs[name], atol=1e-7), name


def test_a_slice_ends_by_time(tiny: TrainSettings, train: Train) -> None:
    train(replace(tiny, samples=None, minutes=0.01))
    assert progress(tiny)["step"] >= 1


def test_each_slice_draws_samples_of_its_own(
    tiny: TrainSettings, train: Train, asked: list[tuple[int, int]]
) -> None:
    for samples in (2, 4):
        train(replace(tiny, samples=samples))
    seeds = {seed for seed, _ in asked}
    assert len(seeds) == 2
    assert module.VALIDATION_SEED not in seeds


def test_samples_are_of_the_version_that_was_asked_for(
    tiny: TrainSettings, train: Train, asked: list[tuple[int, int]]
) -> None:
    train(replace(tiny, samples=2))
    train(replace(tiny, samples=4, generator=3))
    assert [generator for _, generator in asked] == [VERSION, 3]


def test_a_version_of_the_generator_that_there_is_not_is_refused(
    tiny: TrainSettings, train: Train
) -> None:
    with pytest.raises(SettingsInvalid, match="no version 2 of the generator") as refused:
        train(replace(tiny, generator=2))
    assert refused.value.fix == "Ask for 3, 4, 5, 6, 7 or 8."
    assert not tiny.out.exists()


def test_the_rate_falls_to_its_end(tiny: TrainSettings, train: Train) -> None:
    train(replace(tiny, samples=8, rate_end=1e-5))
    # The last step is taken when 7 of 8 samples are over.
    rate = json.loads((tiny.out / "log.jsonl").read_text())["rate"]
    assert rate == pytest.approx(1e-3 + (1e-5 - 1e-3) * 7 / 8, 1e-6)


def test_a_sample_that_overflows_does_not_end_a_training(
    tiny: TrainSettings, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Iterator[Sample]:
        sample = Synthesiser(empty_bank(), 1).draw(1, 64)
        while True:
            yield replace(sample, plate=sample.plate * float("nan"))

    monkeypatch.setattr(module, "stream_samples", broken)
    train(tiny)
    assert progress(tiny)["step"] == 2
    kept = state(tiny)
    assert {key.partition(".")[0] for key in kept} == {"model", "average"}
    assert all(bool(torch.isfinite(value).all()) for value in kept.values())


@pytest.mark.parametrize("chosen", ["auto", "muon", "adamw"])
def test_the_optimizer_is_the_one_that_was_asked_for(
    tiny: TrainSettings, train: Train, chosen: Literal["auto", "muon", "adamw"]
) -> None:
    train(replace(tiny, optimizer=chosen))
    assert (tiny.out / "momentum_buffer.safetensors").is_file() == (chosen != "adamw")


def test_the_validation_set_is_the_same_every_time(tiny: TrainSettings) -> None:
    one, other = draw_validation(tiny), draw_validation(replace(tiny, seed=99))
    assert len(one) == len(other) == 1
    assert torch.equal(one[0].plate, other[0].plate)


def test_a_temporal_network_learns_from_clips(
    tiny: TrainSettings, tiny_ours: Callable[..., Ours]
) -> None:
    trainee = tiny_ours(is_temporal=True)
    before = trainee.network.motion.join.weight.detach().clone()
    module.train(tiny, trainee)
    assert not torch.equal(trainee.network.motion.join.weight, before)
    assert load_weights(tiny.out / "weights.safetensors")[0].is_temporal


def test_crops_that_the_network_cannot_take_are_refused_before_any_work(
    tiny: TrainSettings,
) -> None:
    with pytest.raises(SettingsInvalid, match="fast takes multiples of 64 px") as refused:
        module.train(replace(tiny, architecture="fast", shapes=((2, 96),)))
    assert "--side 128" in str(refused.value.fix)
    assert not tiny.out.exists()


def test_two_ways_of_a_network_that_has_one_are_refused_before_any_work(
    tiny: TrainSettings,
) -> None:
    with pytest.raises(SettingsInvalid, match="seed is shown no guess") as refused:
        module.train(replace(tiny, architecture="seed", both_ways=True))
    assert "--both-ways" in str(refused.value.fix)
    assert not tiny.out.exists()


def test_both_ways_reach_the_network_that_is_trained(
    tiny: TrainSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways: list[list[bool]] = []
    draw = Ours._draw_ways

    def note(self: Ours) -> list[bool]:
        ways.append(draw(self))
        return ways[-1]

    monkeypatch.setattr(Ours, "_draw_ways", note)
    module.train(replace(tiny, architecture="fast", shapes=((1, 64),), both_ways=True))
    assert ways
    assert all(way == [True, False] for way in ways)
