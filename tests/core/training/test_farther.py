"""A network learns to look far, and goes on answering small frames as its teacher does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from platematte.errors import SettingsInvalid
from platematte.network.base import Widths
from platematte.network.matter import Matter
from platematte.network.weights import save_weights
from platematte.training.architectures import cues_of
from platematte.training.bank import empty_bank
from platematte.training.farther import Farther, departure
from platematte.training.synthesise import Sample, Synthesiser
from platematte.training.train import TrainSettings, train

NARROW = Widths(8, 8, 8, 8, 8, reach=2)


@pytest.fixture(scope="module")
def crop() -> Sample:
    return Synthesiser(empty_bank(), 3).draw(1, 320)


def looks(monkeypatch: pytest.MonkeyPatch, trainee: Farther, is_far: bool) -> None:
    monkeypatch.setattr(trainee, "_draw_far", lambda side_px: is_far)


@pytest.mark.parametrize("is_far", [False, True])
def test_only_what_looks_far_learns(
    monkeypatch: pytest.MonkeyPatch, crop: Sample, is_far: bool
) -> None:
    torch.manual_seed(0)
    trainee = Farther(Matter(NARROW))
    for weight in trainee.network.think_stage.parameters():
        # Beside the teacher's, so that there is a departure to learn from.
        torch.nn.init.normal_(weight, std=0.2)
    looks(monkeypatch, trainee, is_far)
    trainee.loss([crop])["total"].backward()
    for name, weight in trainee.network.named_parameters():
        assert (weight.grad is not None) == name.startswith("think_stage."), name
    assert all(weight.grad is None for weight in trainee.teacher.parameters())


def test_near_crops_are_held_to_the_teacher_and_far_ones_to_the_truth(
    monkeypatch: pytest.MonkeyPatch, crop: Sample
) -> None:
    torch.manual_seed(0)
    trainee = Farther(Matter(NARROW))
    looks(monkeypatch, trainee, False)
    # It is still the teacher, whatever the truth is.
    other = replace(crop, alpha=1 - crop.alpha)
    for shown in (crop, other):
        for name, term in trainee.loss([shown]).items():
            assert float(term.detach()) == pytest.approx(0, abs=1e-6), name
    looks(monkeypatch, trainee, True)
    totals = [float(trainee.loss([shown])["total"].detach()) for shown in (crop, other)]
    assert totals[1] > 1.05 * totals[0]


def test_a_departure_costs_more_the_farther_it_is(crop: Sample) -> None:
    taught = Matter(NARROW).eval()
    with torch.inference_mode():
        drawn = taught(cues_of(crop), None, False)
    costs = [
        float(departure(replace(drawn, alpha=drawn.alpha + by), drawn)["total"])
        for by in (0.0, 0.01, 0.1)
    ]
    assert costs[0] == 0 < costs[1] < costs[2]


def test_a_network_that_cannot_look_far_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="does not look far"):
        Farther(Matter(replace(NARROW, reach=1)))


@pytest.fixture
def settings(tmp_path: Path) -> TrainSettings:
    torch.manual_seed(0)
    begun = tmp_path / "begun.safetensors"
    matter = Matter(Widths(guess=True, reach=2))
    save_weights(begun, matter.state_dict(), matter.widths, 5, False)
    return TrainSettings(
        out=tmp_path / "run", begin_from=begun, far_only=True, shapes=((1, 320),),
        samples=2, validation_count=4,
    )  # fmt: skip


def test_a_run_changes_think_alone(settings: TrainSettings) -> None:
    written, begun = load_file(train(settings)), load_file(settings.begin_from)
    changed = {name for name, value in written.items() if not torch.equal(value, begun[name])}
    assert changed
    assert {name.split(".")[0] for name in changed} == {"think_stage"}


@pytest.mark.parametrize(
    ("wrong", "reason", "fix"),
    [
        ({"begin_from": None}, "no weights whose answers could be kept", "--begin-from"),
        ({"architecture": "mattingv2-mobilenetv2"}, "could be kept", "`quality`"),
        ({"shapes": ((4, 320), (4, 192))}, "192 px are too small", "--side 320"),
    ],
)
def test_what_cannot_be_taught_is_refused(
    settings: TrainSettings, wrong: dict[str, object], reason: str, fix: str
) -> None:
    wrong = {"begin_from": settings.begin_from, **wrong}
    if wrong.get("architecture"):
        wrong["begin_from"] = None
    with pytest.raises(SettingsInvalid, match=reason) as refused:
        train(replace(settings, **wrong))
    assert fix in refused.value.fix
    assert not settings.out.exists()
