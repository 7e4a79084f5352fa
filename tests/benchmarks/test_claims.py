"""A claim is met or missed by its figure, and not measured where something lacks."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from claims import CLIPS, Claim, Confidence, Row, claims_of

from platematte.evaluate.confidence import ConfidenceScores

LEVELS = ("ideal", "casual", "hard")
NOTHING = Confidence(ConfidenceScores.mean(()), ConfidenceScores.mean(()), math.nan)
SAD_V2, FOREGROUND_V2, SAD_SEED, HARD, TEMPORAL, RANK, DOUBT = range(7)


def rows(
    role: str, samples: int | None, levels: tuple[str, ...] = LEVELS, **figures: float
) -> list[Row]:
    return [Row(level, f"{role} {samples}", role, samples, figures) for level in levels]


def confidence(**figures: float) -> Confidence:
    scores = replace(NOTHING.every, **figures)
    return Confidence(scores, scores, math.nan)


def test_without_any_row_nothing_is_measured() -> None:
    claims = claims_of([], LEVELS, NOTHING)
    assert [claim.verdict for claim in claims] == ["not measured"] * 7


@pytest.mark.parametrize(("ours", "verdict"), [(6.9, "met"), (7.0, "met"), (7.1, "missed")])
def test_a_ratio_above_the_limit_is_missed(ours: float, verdict: str) -> None:
    table = rows("ours-network", 1000, unknown_sad=ours) + rows("mattingv2", 1000, unknown_sad=10.0)
    claim = claims_of(table, LEVELS, NOTHING)[SAD_V2]
    assert claim.figure == pytest.approx(ours / 10)
    assert claim.verdict == verdict


def test_each_architecture_has_its_own_limit() -> None:
    table = (
        rows("ours-network", 1000, unknown_sad=5.5, foreground_mse=0.055)
        + rows("mattingv2", 1000, unknown_sad=10.0, foreground_mse=0.1)
        + rows("seed", 1000, unknown_sad=10.0, foreground_mse=0.1)
    )
    claims = claims_of(table, LEVELS, NOTHING)
    assert [claims[i].limit for i in (SAD_V2, FOREGROUND_V2, SAD_SEED)] == [0.7, 0.6, 0.5]
    verdicts = [claims[i].verdict for i in (SAD_V2, FOREGROUND_V2, SAD_SEED)]
    assert verdicts == ["met", "met", "missed"]


def test_networks_of_unequal_samples_are_not_compared() -> None:
    table = rows("ours-network", 2000, unknown_sad=1.0) + rows("seed", 1000, unknown_sad=9.0)
    claim = claims_of(table, LEVELS, NOTHING)[SAD_SEED]
    assert claim.verdict == "not measured"
    assert "unequal samples: theirs [1000], ours [2000]" in claim.remark


def test_of_several_networks_the_pair_of_most_equal_samples_is_compared() -> None:
    table = [
        *rows("ours-network", 1000, unknown_sad=1.0),
        *rows("ours-network", 5010, unknown_sad=3.0),
        *rows("mattingv2", 1000, unknown_sad=10.0),
        *rows("mattingv2", 5000, unknown_sad=4.0),
        *rows("mattingv2", 9000, unknown_sad=2.0),
    ]
    assert claims_of(table, LEVELS, NOTHING)[SAD_V2].figure == pytest.approx(0.75)


def test_the_product_does_not_stand_in_for_a_network_of_equal_samples() -> None:
    table = rows("ours", None, unknown_sad=1.0) + rows("mattingv2", 1000, unknown_sad=9.0)
    assert claims_of(table, LEVELS, NOTHING)[SAD_V2].verdict == "not measured"


def test_the_solved_row_of_a_published_network_is_not_the_one_compared() -> None:
    table = rows("ours-network", 1000, foreground_mse=0.05)
    table += rows("mattingv2-solved", 1000, foreground_mse=1.0)
    assert claims_of(table, LEVELS, NOTHING)[FOREGROUND_V2].verdict == "not measured"


def test_a_level_that_was_left_out_leaves_the_claim_unmeasured() -> None:
    table = rows("ours-network", 1000, LEVELS[:2], unknown_sad=1.0)
    table += rows("mattingv2", 1000, LEVELS[:2], unknown_sad=9.0)
    claim = claims_of(table, LEVELS, NOTHING)[SAD_V2]
    assert claim.verdict == "not measured"
    assert "ideal 0.111, casual 0.111" in claim.remark


def test_levels_weigh_by_their_error_and_are_told_apart_in_the_remark() -> None:
    ours = [*rows("ours-network", 10, LEVELS[:2], unknown_sad=1.0)]
    ours += rows("ours-network", 10, ("hard",), unknown_sad=16.0)
    table = ours + rows("mattingv2", 10, (*LEVELS, CLIPS), unknown_sad=10.0)
    claim = claims_of(table, LEVELS, NOTHING)[SAD_V2]
    assert claim.figure == pytest.approx(18 / 30)
    assert "ideal 0.1, casual 0.1, hard 1.6" in claim.remark


@pytest.mark.parametrize(("hard", "verdict"), [(0.019, "met"), (0.021, "missed")])
def test_mad_may_double_from_ideal_to_hard(hard: float, verdict: str) -> None:
    table = rows("ours", None, ("ideal",), mad=0.01) + rows("ours", None, ("hard",), mad=hard)
    assert claims_of(table, LEVELS, NOTHING)[HARD].verdict == verdict


@pytest.mark.parametrize(("temporal", "verdict"), [(0.7, "met"), (0.8, "missed")])
def test_the_temporal_path_is_compared_with_single_frames(temporal: float, verdict: str) -> None:
    table = rows("ours", None, (CLIPS,), dtssd=temporal) + rows(
        "ours-single", None, (CLIPS,), dtssd=1
    )
    assert claims_of(table, LEVELS, NOTHING)[TEMPORAL].verdict == verdict
    alone = claims_of(table[:1], LEVELS, NOTHING)[TEMPORAL]
    assert alone.verdict == "not measured" and "single frames" in alone.remark


def test_confidence_has_to_rank_the_error() -> None:
    claims = [claims_of([], LEVELS, confidence(rank_blocks=rank))[RANK] for rank in (0.61, 0.59)]
    assert [claim.verdict for claim in claims] == ["met", "missed"]


def test_wrong_areas_have_to_be_doubted_twice_as_much() -> None:
    doubted = claims_of([], LEVELS, confidence(wrong=0.9, elsewhere=0.96))[DOUBT]
    blind = claims_of([], LEVELS, confidence(wrong=0.95, elsewhere=0.96))[DOUBT]
    assert (doubted.verdict, blind.verdict) == ("met", "missed")
    assert doubted.figure == pytest.approx(2.5)


def test_a_quotient_by_zero_never_passes() -> None:
    table = rows("ours-network", 10, unknown_sad=1.0) + rows("seed", 10, unknown_sad=0.0)
    assert claims_of(table, LEVELS, NOTHING)[SAD_SEED].verdict == "missed"
    nothing = rows("ours-network", 10, unknown_sad=0.0) + rows("seed", 10, unknown_sad=0.0)
    assert claims_of(nothing, LEVELS, NOTHING)[SAD_SEED].verdict == "not measured"


def test_the_direction_of_a_demand_decides() -> None:
    assert Claim("", "<=", 1.0, 2.0).verdict == "missed"
    assert Claim("", ">=", 1.0, 2.0).verdict == "met"
