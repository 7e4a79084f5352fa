"""The losses are zero at the truth, grow away from it, and reach every weight."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from platematte.network.base import NEIGHBOURS, Widths
from platematte.network.matter import Cues, Drawn, Matter
from platematte.training.bank import empty_bank
from platematte.training.losses import (
    ERROR_FLOOR,
    MARGIN,
    LossWeights,
    composition_l1,
    error_divergence,
    gradient_l1,
    laplacian_l1,
    lean_clamp,
    matting_loss,
)
from platematte.training.synthesise import Sample, Synthesiser

TERMS = ("alpha", "coarse", "laplacian", "gradient", "foreground", "composition", "error")


@pytest.fixture(scope="module")
def truth() -> Sample:
    return Synthesiser(empty_bank(), seed=2).draw(4, 64)


def exact(truth: Sample) -> Drawn:
    return Drawn(truth.alpha, truth.alpha, truth.foreground, torch.zeros_like(truth.alpha))


def beyond(truth: Sample) -> Drawn:
    """An answer that clamps to the truth, from beyond its ends as the loss asks for."""
    ends = (truth.alpha >= 1).float() - (truth.alpha <= 0).float()
    return replace(exact(truth), alpha=truth.alpha + MARGIN * ends)


def loss(drawn: Drawn, truth: Sample) -> dict[str, float]:
    return {name: float(term) for name, term in matting_loss(drawn, truth, LossWeights()).items()}


@pytest.mark.parametrize("term", TERMS)
def test_each_term_is_zero_at_the_truth(truth: Sample, term: str) -> None:
    # Alpha alone asks for more than the truth: to be beyond 0 and 1.
    answer = beyond(truth) if term == "alpha" else exact(truth)
    assert loss(answer, truth)[term] == pytest.approx(0, abs=1e-6)


def test_all_terms_together_are_near_zero_at_the_truth(truth: Sample) -> None:
    assert set(loss(beyond(truth), truth)) == {*TERMS, "total"}
    for name, value in loss(beyond(truth), truth).items():
        assert 0 <= value < 2e-3, name


def test_the_total_is_the_sum_of_its_terms_and_weights_count(truth: Sample) -> None:
    answer = replace(exact(truth), alpha=1 - truth.alpha)
    terms = loss(answer, truth)
    assert terms.pop("total") == pytest.approx(sum(terms.values()), rel=1e-5)
    doubled = matting_loss(answer, truth, LossWeights(laplacian=2 * LossWeights().laplacian))
    assert float(doubled["laplacian"]) == pytest.approx(2 * terms["laplacian"], rel=1e-5)


@pytest.mark.parametrize(
    ("part", "terms"),
    [
        ("alpha", {"alpha", "laplacian", "gradient", "composition", "error"}),
        ("coarse", {"coarse"}),
        ("foreground", {"foreground", "composition"}),
        ("error", {"error"}),
    ],
)
def test_each_term_grows_with_the_mistake_that_it_is_about_and_no_other_does(
    truth: Sample, part: str, terms: set[str]
) -> None:
    random = torch.Generator().manual_seed(0)
    answer = beyond(truth)
    noise = torch.randn(getattr(answer, part).shape, generator=random)
    noise = noise.abs() if part == "error" else noise
    values = [
        loss(replace(answer, **{part: getattr(answer, part) + amount * noise}), truth)
        for amount in (0.0, 0.1, 0.3)
    ]
    for name in (*terms, "total"):
        assert values[0][name] < values[1][name] < values[2][name], name
    for name in set(TERMS) - terms:
        assert values[2][name] == values[0][name], name
    assert values[2]["total"] > values[0]["total"] + 1e-3


def test_an_alpha_beyond_its_end_on_the_right_side_costs_nothing(truth: Sample) -> None:
    answer = beyond(truth)
    ends = (truth.alpha >= 1).float() - (truth.alpha <= 0).float()
    further = replace(answer, alpha=truth.alpha + 0.5 * ends)
    assert loss(further, truth)["alpha"] == pytest.approx(0, abs=1e-6)
    assert loss(replace(answer, alpha=truth.alpha - 0.5 * ends), truth)["alpha"] > 0.05


def test_a_clamped_alpha_still_leans_back() -> None:
    alpha = torch.tensor([-1.0, 0.25, 2.0], requires_grad=True)
    lean_clamp(alpha).sum().backward()
    assert alpha.grad is not None
    assert bool((alpha.grad > 0).all())


def test_the_gradient_term_sees_edges_and_not_levels() -> None:
    truth = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    assert float(gradient_l1(truth + 0.3, truth)) == pytest.approx(0, abs=1e-6)
    ramp = torch.linspace(0, 1, 64).expand(1, 1, 64, 64)
    assert float(gradient_l1(ramp, torch.zeros_like(ramp))) == pytest.approx(1 / 63, rel=1e-3)


def test_the_laplacian_term_counts_an_error_the_more_the_wider_it_is() -> None:
    nothing = torch.zeros(1, 1, 64, 64)
    checks = (torch.arange(64).view(1, 64) + torch.arange(64).view(64, 1)) % 2 * 0.2 - 0.1
    fine, wide = checks.expand(1, 1, 64, 64), torch.full_like(nothing, 0.1)
    assert float(laplacian_l1(wide, nothing)) == pytest.approx(0.1, rel=1e-4)
    assert 0 < float(laplacian_l1(fine, nothing)) < 0.01


def test_the_composition_is_relative_to_the_light(truth: Sample) -> None:
    answer = replace(exact(truth), alpha=(truth.alpha - 0.1).clamp_min(0))
    values = []
    for light in (10.0, 100.0):
        lit = replace(truth, foreground=truth.foreground * light, set=truth.set * light)
        values.append(float(composition_l1(replace(answer, foreground=lit.foreground), lit)))
    assert values[1] == pytest.approx(values[0], rel=0.3)


def test_a_wrong_alpha_costs_no_composition_where_both_colours_are_the_same(truth: Sample) -> None:
    alike = replace(truth, foreground=truth.set)
    answer = replace(exact(alike), alpha=1 - truth.alpha)
    assert float(composition_l1(answer, alike)) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("scale", [0.002, 0.02, 0.4])
def test_the_divergence_is_least_where_the_expected_error_is_the_mean_of_those_made(
    truth: Sample, scale: float
) -> None:
    errors = torch.rand(truth.alpha.shape, generator=torch.Generator().manual_seed(3)) * scale
    half = replace(truth, alpha=torch.full_like(truth.alpha, 0.5))
    answer = replace(exact(half), alpha=half.alpha + errors)
    mean = float(errors.mean())
    factors = torch.exp(torch.linspace(-1, 1, 41))
    at = [
        float(error_divergence(replace(answer, error=torch.full_like(errors, f * mean)), half))
        for f in factors.tolist()
    ]
    assert float(factors[int(torch.tensor(at).argmin())]) == pytest.approx(1, abs=0.06)
    assert min(at) > 0


def test_the_divergence_is_zero_where_each_error_was_expected(truth: Sample) -> None:
    made = torch.rand(truth.alpha.shape, generator=torch.Generator().manual_seed(3)) * 0.3
    half = replace(truth, alpha=torch.full_like(truth.alpha, 0.5))
    answer = replace(exact(half), alpha=half.alpha - made, error=made)
    assert float(error_divergence(answer, half)) == pytest.approx(0, abs=1e-5)


def test_one_lost_hair_does_not_outweigh_a_frame(truth: Sample) -> None:
    half = replace(truth, alpha=torch.zeros_like(truth.alpha))
    answer = exact(half)
    values = []
    for made in (19, 50, 900):
        values.append(
            float(error_divergence(replace(answer, alpha=half.alpha + made * ERROR_FLOOR), half))
        )
    # Up to a factor of 20 it grows as the ratio does, beyond that as its logarithm.
    assert values[0] == pytest.approx(20 - float(torch.log(torch.tensor(20.0))) - 1, rel=1e-3)
    assert values[0] < values[1] < values[2] < 100


def test_the_expected_error_alone_learns_from_the_divergence(truth: Sample) -> None:
    alpha = (truth.alpha + 0.1).requires_grad_()
    error = torch.full_like(truth.alpha, 0.05).requires_grad_()
    error_divergence(replace(exact(truth), alpha=alpha, error=error), truth).backward()
    assert alpha.grad is None
    assert error.grad is not None
    assert bool(error.grad.any())


@pytest.mark.parametrize("is_temporal", [False, True])
def test_gradient_reaches_every_weight_of_the_network(truth: Sample, is_temporal: bool) -> None:
    torch.manual_seed(0)
    # A quarter of the deepest channels looks everywhere; two of them might both begin dead.
    matter = Matter(Widths(8, 8, 8, 32, 8), is_temporal)
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
    optimizer = torch.optim.AdamW(matter.parameters(), lr=5e-3)
    totals = []
    for _ in range(15):
        drawn = matter(Cues(truth.plate, truth.clean, truth.trust, truth.hints))
        total = matting_loss(drawn, truth, LossWeights())["total"]
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(float(total.detach()))
    assert totals[-1] < 0.8 * totals[0]
