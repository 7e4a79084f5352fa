"""The state of a training comes back exactly, and that of another network is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from platematte.errors import WeightsInvalid
from platematte.network.base import Widths
from platematte.network.matter import Matter
from platematte.training.architectures import Ours, cues_of
from platematte.training.bank import empty_bank
from platematte.training.optimizer import Optimizer
from platematte.training.state import (
    Progressed,
    begin_from,
    load_state,
    pack_state,
    save_state,
    update_average,
)
from platematte.training.synthesise import Sample, Synthesiser

MakeOurs = Callable[..., Ours]
Tensor = torch.Tensor


class Training:
    """A network with its optimizer and its average, as the loop has them."""

    def __init__(self, trainee: Ours, uses_muon: bool = True) -> None:
        self.trainee = trainee
        self.network = trainee.network
        self.average = {key: value.clone() for key, value in self.network.state_dict().items()}
        self.optimizer = Optimizer(self.network, uses_muon)
        self.optimizer.rate = 1e-3
        self.progressed = Progressed()

    def learn(self, samples: list[Sample]) -> None:
        for sample in samples:
            total = self.trainee.loss([sample])["total"]
            self.network.zero_grad()
            total.backward()
            self.optimizer.step()
            update_average(self.average, self.network, self.progressed.step)
            self.progressed.step += 1
            self.progressed.samples += len(sample.plate)

    def save(self, folder: Path) -> None:
        save_state(folder, self.network, self.average, self.optimizer, self.progressed)

    def load(self, folder: Path) -> None:
        self.progressed = load_state(folder, self.network, self.average, self.optimizer)


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    synthesiser = Synthesiser(empty_bank(), 5)
    return [synthesiser.draw(2, 64) for _ in range(4)]


@pytest.mark.parametrize("uses_muon", [True, False])
def test_a_training_that_was_interrupted_ends_with_the_same_weights(
    samples: list[Sample], tmp_path: Path, tiny_ours: MakeOurs, uses_muon: bool
) -> None:
    torch.manual_seed(1)
    whole, first, second = (Training(tiny_ours(), uses_muon) for _ in range(3))
    first.network.load_state_dict(whole.network.state_dict())
    first.average = {key: value.clone() for key, value in whole.average.items()}
    whole.learn(samples)
    first.learn(samples[:2])
    first.save(tmp_path)
    second.load(tmp_path)
    assert second.progressed == first.progressed == Progressed(step=2, samples=4)
    second.learn(samples[2:])
    for key, value in whole.network.state_dict().items():
        assert torch.equal(second.network.state_dict()[key], value), key
        assert torch.equal(second.average[key], whole.average[key]), key


def test_a_folder_without_a_state_is_the_start(tmp_path: Path, tiny_ours: MakeOurs) -> None:
    training = Training(tiny_ours())
    before = {key: value.clone() for key, value in training.network.state_dict().items()}
    training.load(tmp_path / "nothing")
    assert training.progressed == Progressed()
    assert all(torch.equal(training.network.state_dict()[k], v) for k, v in before.items())


def test_the_average_follows_the_weights_faster_in_the_beginning() -> None:
    network = torch.nn.Sequential(torch.nn.Linear(1, 1), torch.nn.BatchNorm1d(1))
    average = {key: value.clone() for key, value in network.state_dict().items()}
    weight = network[0].weight
    torch.nn.init.zeros_(weight)
    average["0.weight"].zero_()
    weight.data.fill_(1)
    steps = []
    for step in (0, 10_000):
        before = average["0.weight"].clone()
        update_average(average, network, step)
        steps.append(float((average["0.weight"] - before) / (1 - before)))
    assert steps[0] == pytest.approx(0.9)
    assert steps[1] == pytest.approx(0.001, rel=0.01)
    # What BatchNorm counts is a number and not a mean.
    network(torch.rand(4, 1))
    update_average(average, network, 5)
    assert int(average["1.num_batches_tracked"]) == 1


def test_files_are_written_beside_and_renamed(
    samples: list[Sample], tmp_path: Path, tiny_ours: MakeOurs
) -> None:
    training = Training(tiny_ours())
    training.learn(samples[:1])
    training.save(tmp_path)
    names = {"model", "average", "exp_avg", "exp_avg_sq", "momentum_buffer"}
    expected = {*(f"{name}.safetensors" for name in names), "progress.json"}
    assert {path.name for path in tmp_path.iterdir()} == expected
    assert json.loads((tmp_path / "progress.json").read_text())["samples"] == 2
    keys = {name: set(load_file(tmp_path / f"{name}.safetensors")) for name in names}
    assert keys["model"] == keys["average"] == set(training.network.state_dict())
    # Each weight is remembered by one of the two optimizers.
    assert keys["exp_avg"] == keys["exp_avg_sq"]
    assert not keys["exp_avg"] & keys["momentum_buffer"]
    assert keys["exp_avg"] | keys["momentum_buffer"] == keys["model"]


def test_what_another_optimizer_remembered_goes_with_its_weights(
    samples: list[Sample], tmp_path: Path, tiny_ours: MakeOurs
) -> None:
    first, second = Training(tiny_ours()), Training(tiny_ours(), uses_muon=False)
    first.learn(samples[:1])
    first.save(tmp_path)
    second.load(tmp_path)
    second.learn(samples[1:2])
    second.save(tmp_path)
    assert not (tmp_path / "momentum_buffer.safetensors").exists()
    kept = load_file(tmp_path / "exp_avg.safetensors")
    assert set(kept) == set(second.network.state_dict())


def test_the_small_copy_goes_on_without_moments(
    samples: list[Sample], tmp_path: Path, tiny_ours: MakeOurs
) -> None:
    training, other = Training(tiny_ours()), Training(tiny_ours())
    training.learn(samples[:1])
    training.save(tmp_path / "run")
    pack_state(tmp_path / "run", tmp_path / "kept")
    assert len(list((tmp_path / "kept").iterdir())) == 3
    sizes = [
        sum(path.stat().st_size for path in (tmp_path / name).iterdir()) for name in ("run", "kept")
    ]
    assert sizes[1] < 0.4 * sizes[0]
    other.load(tmp_path / "kept")
    assert other.progressed == training.progressed
    assert not other.optimizer.moments()
    for key, value in training.network.state_dict().items():
        assert torch.equal(other.network.state_dict()[key], value.half().float()), key
    other.learn(samples[1:2])


def test_a_network_that_grows_neighbours_goes_on_from_one_without(
    samples: list[Sample], tmp_path: Path, tiny_ours: MakeOurs
) -> None:
    single, grown = Training(tiny_ours()), Training(tiny_ours(is_temporal=True))
    single.learn(samples[:1])
    single.save(tmp_path)
    grown.load(tmp_path)
    for key, value in single.network.state_dict().items():
        assert torch.equal(grown.network.state_dict()[key], value)
        assert torch.equal(grown.average[key], single.average[key])
    own = {key for key in grown.average if key.startswith("motion.")}
    assert own == set(grown.average) - set(single.average)
    assert own
    grown.learn(samples[1:2])


def test_weights_from_before_the_cue_of_transmission_go_on_as_they_were(
    samples: list[Sample], tmp_path: Path, tiny_ours: MakeOurs
) -> None:
    before, after = Training(tiny_ours()), Training(tiny_ours())
    before.learn(samples[:1])
    before.save(tmp_path)
    for name in ("model", "average"):
        path = tmp_path / f"{name}.safetensors"
        older = {k: v for k, v in load_file(path).items() if "look_stage.through" not in k}
        save_file(older, path)
    after.load(tmp_path)
    assert after.progressed == before.progressed
    grown = [key for key in after.average if "look_stage.through" in key]
    assert len(grown) == 2
    assert not any(after.network.state_dict()[key].any() for key in grown)


@pytest.mark.parametrize(
    ("cue", "layer"),
    [("guess", "draw_stage.guess4.weight"), ("evidence", "refine.evidence.weight")],
)
def test_weights_from_before_a_cue_answer_as_they_did(
    samples: list[Sample], tmp_path: Path, tiny_ours: MakeOurs, cue: str, layer: str
) -> None:
    before = Training(tiny_ours())
    before.learn(samples[:1])
    before.save(tmp_path)
    shown = Matter(replace(before.network.widths, **{cue: True}))
    after = Training(Ours(shown))
    after.load(tmp_path)
    anew = Training(Ours(Matter(shown.widths)))
    begin_from(anew.network, tmp_path / "model.safetensors")
    with torch.inference_mode():
        answers = [one.trainee.answer(cues_of(samples[0])) for one in (before, after, anew)]
    for answer in answers[1:]:
        assert torch.allclose(answer.alpha, answers[0].alpha, atol=1e-6)
    after.learn(samples[1:2])
    assert after.network.get_parameter(layer).any()


def test_a_smaller_network_begins_with_the_layers_that_fit(
    tmp_path: Path, tiny_ours: MakeOurs
) -> None:
    other = tiny_ours()
    weights = {key: value.contiguous() for key, value in other.network.state_dict().items()}
    save_file(weights, tmp_path / "other.safetensors")
    smaller = Matter(replace(other.network.widths, half=4, shrink=2))
    own = smaller.refine.second.weight.clone()
    begin_from(smaller, tmp_path / "other.safetensors")
    assert torch.equal(smaller.look_stage.plate.weight, other.network.look_stage.plate.weight)
    assert torch.equal(smaller.refine.second.weight, own)


def test_weights_with_nothing_for_the_network_are_refused(
    tmp_path: Path, tiny_ours: MakeOurs
) -> None:
    save_file({"stem.weight": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsInvalid, match="nothing that this network could begin with") as other:
        begin_from(tiny_ours().network, tmp_path / "other.safetensors")
    with pytest.raises(WeightsInvalid) as missing:
        begin_from(tiny_ours().network, tmp_path / "none.safetensors")
    for refused in (other, missing):
        assert "--begin-from" in refused.value.fix


@pytest.mark.parametrize(
    "other",
    [
        lambda: Ours(Matter(Widths(8, 8, 8, 16, 8))),
        lambda: Ours(Matter(Widths(8, 8, 8, 8, 8), is_temporal=True)),
    ],
    ids=["wider", "temporal"],
)
def test_the_state_of_another_network_is_refused_and_nothing_is_changed(
    samples: list[Sample], tmp_path: Path, tiny_ours: MakeOurs, other: Callable[[], Ours]
) -> None:
    Training(other()).save(tmp_path)
    training = Training(tiny_ours())
    before = {key: value.clone() for key, value in training.network.state_dict().items()}
    with pytest.raises(WeightsInvalid, match="another network") as caught:
        training.load(tmp_path)
    assert caught.value.path == str(tmp_path)
    assert "--architecture" in caught.value.fix
    assert all(torch.equal(training.network.state_dict()[k], v) for k, v in before.items())


def test_a_state_with_a_tensor_missing_or_damaged_is_refused(
    samples: list[Sample], tmp_path: Path, tiny_ours: MakeOurs
) -> None:
    training = Training(tiny_ours())
    training.save(tmp_path)
    model = tmp_path / "model.safetensors"
    tensors = load_file(model)
    first = next(iter(tensors))
    save_file({key: value for key, value in tensors.items() if key != first}, model)
    with pytest.raises(WeightsInvalid, match=first):
        training.load(tmp_path)
    model.write_bytes(b"half of a fi")
    with pytest.raises(WeightsInvalid, match="cannot go on") as caught:
        training.load(tmp_path)
    assert caught.value.path == str(model)
    assert "--out" in caught.value.fix
