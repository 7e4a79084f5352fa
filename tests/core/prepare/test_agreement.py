"""Claims about telling two alignments apart by the blocks that they explain."""

from __future__ import annotations

import numpy as np

from platematte.prepare.agreement import Blocks, correlate_blocks, is_better


def blocks(value: float, count: int = 400) -> Blocks:
    """Build blocks that all correlate by one value."""
    return np.full((20, count // 20), value, np.float32)


def test_an_alignment_that_most_blocks_prefer_is_better() -> None:
    assert is_better(blocks(0.95), blocks(0.7))
    assert not is_better(blocks(0.7), blocks(0.95))


def test_a_gain_in_as_many_blocks_as_there_are_losses_is_chance() -> None:
    candidate = blocks(0.8)
    candidate[:10], candidate[10:] = 0.99, 0.75
    assert candidate.mean() > 0.82
    assert not is_better(candidate, blocks(0.8))


def test_a_tiny_gain_in_every_block_is_smoothing_by_interpolation() -> None:
    assert not is_better(blocks(0.9005), blocks(0.9))


def test_blocks_that_neither_alignment_sees_have_no_say() -> None:
    candidate, other = blocks(0.1), blocks(0.5)
    candidate[:3], other[:3] = 0.95, 0.7
    assert is_better(candidate, other)


def test_too_few_blocks_decide_nothing() -> None:
    candidate, other = blocks(0.1), blocks(0.1)
    candidate[0, :4] = 0.99
    assert not is_better(candidate, other)


def test_exposure_does_not_change_the_correlation() -> None:
    detail = np.random.default_rng(1).normal(0, 10, (64, 64)).astype(np.float32)
    everywhere = np.ones((64, 64), bool)
    plain = correlate_blocks(detail, detail, everywhere)
    scaled = correlate_blocks(detail * np.float32(0.5), detail, everywhere)
    assert np.allclose(plain, 1, atol=1e-4)
    assert np.allclose(scaled, 1, atol=1e-4)


def test_uncovered_blocks_are_not_compared() -> None:
    detail = np.random.default_rng(1).normal(0, 10, (64, 64)).astype(np.float32)
    is_valid = np.ones((64, 64), bool)
    is_valid[:, :32] = False
    correlation = correlate_blocks(detail, detail, is_valid)
    assert np.isnan(correlation[:, :4]).all()
    assert np.isfinite(correlation[:, 4:]).all()
