"""The losses are near zero at the truth, grow away from it, and reach every weight."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from platematte.network.base import NEIGHBOURS, Widths
from platematte.network.matter import Cues, Drawn, Matter
from platematte.training.bank import Bank
from platematte.training.losses import MARGIN, LossWeights, lean_clamp, matting_loss
from platematte.training.synthesise import Sample, Synthesiser


@pytest.fixture(scope="module")
def truth() -> Sample:
    return Synthesiser(Bank([], [], []), seed=2).draw(4, 64)


def perfect(truth: Sample) -> Drawn:
    """An answer that clamps to the truth, from beyond its ends as the loss asks for."""
    alpha = truth.alpha + MARGIN * ((truth.alpha >= 1).float() - (truth.alpha <= 0).float())
    return Drawn(alpha, truth.alpha, truth.foreground, torch.zeros_like(truth.alpha))


def loss(drawn: Drawn, truth: Sample) -> dict[str, float]:
    return {name: float(term) for name, term in matting_loss(drawn, truth, LossWeights()).items()}


def test_every_term_is_near_zero_at_the_truth(truth: Sample) -> None:
    for name, value in loss(perfect(truth), truth).items():
        assert 0 <= value < 2e-3, name


def test_the_total_is_the_sum_of_its_terms(truth: Sample) -> None:
    terms = loss(replace(perfect(truth), alpha=1 - truth.alpha), truth)
    assert terms.pop("total") == pytest.approx(sum(terms.values()), rel=1e-5)


@pytest.mark.parametrize(
    ("part", "terms"),
    [
        ("alpha", {"alpha", "laplacian", "gradient"}),
        ("coarse", {"coarse"}),
        ("foreground", {"foreground"}),
        ("error", {"error"}),
    ],
)
def test_each_term_grows_with_the_mistake_that_it_is_about(
    truth: Sample, part: str, terms: set[str]
) -> None:
    random = torch.Generator().manual_seed(0)
    answer = perfect(truth)
    noise = torch.randn(getattr(answer, part).shape, generator=random)
    totals = []
    for amount in (0.0, 0.1, 0.3):
        wrong = replace(answer, **{part: getattr(answer, part) + amount * noise})
        values = loss(wrong, truth)
        totals.append(values["total"])
        if amount:
            grown = {n for n, v in values.items() if n != "total" and v > loss(answer, truth)[n]}
            assert terms <= grown
    assert totals == sorted(totals)
    assert totals[2] > totals[0] + 1e-3


def test_an_alpha_beyond_its_end_on_the_right_side_costs_nothing(truth: Sample) -> None:
    answer = perfect(truth)
    ends = (truth.alpha >= 1).float() - (truth.alpha <= 0).float()
    further = replace(answer, alpha=truth.alpha + 0.5 * ends)
    assert loss(further, truth)["alpha"] == pytest.approx(0, abs=1e-6)
    assert loss(replace(answer, alpha=truth.alpha - 0.5 * ends), truth)["alpha"] > 0.05


def test_a_clamped_alpha_still_leans_back() -> None:
    alpha = torch.tensor([-1.0, 0.25, 2.0], requires_grad=True)
    lean_clamp(alpha).sum().backward()
    assert alpha.grad is not None
    assert bool((alpha.grad > 0).all())


@pytest.mark.parametrize("is_temporal", [False, True])
def test_gradient_reaches_every_weight_of_the_network(truth: Sample, is_temporal: bool) -> None:
    torch.manual_seed(0)
    matter = Matter(Widths(8, 8, 8, 8, 8), is_temporal)
    if matter.motion is not None:
        torch.nn.init.normal_(matter.motion.join.weight, std=0.1)
    hints = truth.hints + 0.1 * torch.randn(truth.hints.shape)
    cues = Cues(truth.plate, truth.clean, truth.trust, hints)
    neighbours: list[torch.Tensor | None] | None = None
    if is_temporal:
        neighbours = [torch.rand(4, 8, 8, 8) for _ in NEIGHBOURS]
    matting_loss(matter(cues, neighbours), truth, LossWeights())["total"].backward()
    for name, parameter in matter.named_parameters():
        assert parameter.grad is not None, name
        assert bool(torch.isfinite(parameter.grad).all()), name
        assert bool(parameter.grad.any()), name


def test_a_few_steps_on_one_sample_bring_the_loss_down(truth: Sample) -> None:
    torch.manual_seed(0)
    matter = Matter(Widths(8, 8, 8, 8, 8)).train()
    optimizer = torch.optim.AdamW(matter.parameters(), lr=3e-3)
    totals = []
    for _ in range(30):
        drawn = matter(Cues(truth.plate, truth.clean, truth.trust, truth.hints))
        total = matting_loss(drawn, truth, LossWeights())["total"]
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(float(total.detach()))
    assert totals[-1] < 0.8 * totals[0]
