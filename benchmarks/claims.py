"""The claims that the accuracy table has to bear out, each with its figure and its verdict.

A claim is "met" or "missed" by its figure alone. Where something that it needs was not measured
(a network is absent, its samples are not ours, a level was left out) it is "not measured"; nothing
passes for want of evidence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from platematte.evaluate.confidence import ConfidenceScores

CLIPS = "clips"
EQUAL_SAMPLES = 0.01
"""Two networks saw the same number of samples when the numbers differ by no more than this part."""


@dataclass(frozen=True)
class Row:
    """One row of the table: the mean figures of a method over one level."""

    level: str
    """A level of the held-out set, or CLIPS."""
    name: str
    role: str
    """A `methods.Role`."""
    samples: int | None
    figures: Mapping[str, float]
    """By name; NaN or absent where a figure does not apply."""


@dataclass(frozen=True)
class Claim:
    """Something that was promised, and what came of it."""

    text: str
    demand: Literal["<=", ">="]
    limit: float
    figure: float
    """NaN: not measured."""
    remark: str = ""

    @property
    def verdict(self) -> str:
        """Met, missed or not measured."""
        if math.isnan(self.figure):
            return "not measured"
        is_met = self.figure <= self.limit if self.demand == "<=" else self.figure >= self.limit
        return "met" if is_met else "missed"


@dataclass(frozen=True)
class Confidence:
    """What the product's confidence is worth over all stills."""

    every: ConfidenceScores
    """Mean over all frames."""
    changed: ConfidenceScores
    """Mean over the frames that have areas of wrong clean plate."""
    rank_pooled: float
    """Rank correlation of the blocks of all frames together."""


@dataclass(frozen=True)
class _Side:
    """A method over the levels."""

    title: str
    values: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Figures by level."""

    def at(self, level: str, figure: str) -> float:
        return self.values.get(level, {}).get(figure, math.nan)


def claims_of(rows: Sequence[Row], levels: Sequence[str], confidence: Confidence) -> list[Claim]:
    """Return every claim of the accuracy benchmark. levels: all that the held-out set has."""
    return [
        _against(rows, levels, "mattingv2", "unknown_sad", 0.7),
        _against(rows, levels, "mattingv2", "foreground_mse", 0.6),
        _against(rows, levels, "seed", "unknown_sad", 0.5),
        _hard_against_ideal(rows, levels),
        _temporal(rows),
        _rank(confidence),
        _doubt(confidence),
    ]


_FIGURES = {"unknown_sad": "SAD in the unknown region", "foreground_mse": "foreground MSE"}
_TITLES = {"mattingv2": "BackgroundMattingV2 architecture", "seed": "seed architecture"}


def _against(
    rows: Sequence[Row], levels: Sequence[str], role: str, figure: str, limit: float
) -> Claim:
    """Return the claim for ours over theirs, at equal samples, over all levels."""
    ours, theirs, lack = _equal_pair(rows, role)
    text = f"{_FIGURES[figure]}: ours / {_TITLES[role]}, equal samples, all levels"
    ratio = _ratio(_mean(ours, figure, levels), _mean(theirs, figure, levels))
    remark = lack or _by_level(ours, theirs, figure, [*levels, CLIPS])
    return Claim(text, "<=", limit, ratio, remark)


def _hard_against_ideal(rows: Sequence[Row], levels: Sequence[str]) -> Claim:
    ours = _side(rows, "ours")
    first, last = levels[0], levels[-1]
    ratio = _ratio(ours.at(last, "mad"), ours.at(first, "mad"))
    parts = ", ".join(f"{level} {ours.at(level, 'mad'):.4g}" for level in levels)
    return Claim(f"MAD of ours: {last} / {first}", "<=", 2.0, ratio, parts)


def _temporal(rows: Sequence[Row]) -> Claim:
    temporal, single = _side(rows, "ours"), _side(rows, "ours-single")
    figures = temporal.at(CLIPS, "dtssd"), single.at(CLIPS, "dtssd")
    mads = temporal.at(CLIPS, "mad"), single.at(CLIPS, "mad")
    remark = (
        f"dtSSD {figures[0]:.4g} / {figures[1]:.4g}, MAD {mads[0]:.4g} / {mads[1]:.4g}"
        if single.values
        else "no row of single frames: nothing switches the temporal path off"
    )
    text = "dtSSD of ours: temporal path / single frames"
    return Claim(text, "<=", 0.75, _ratio(*figures), remark)


def _rank(confidence: Confidence) -> Claim:
    scores = confidence.every
    remark = (
        f"of at most {scores.most_blocks:.3f} that ties allow; by pixel {scores.rank_pixels:.3f} "
        f"of at most {scores.most_pixels:.3f}; blocks of all frames pooled "
        f"{confidence.rank_pooled:.3f}; finds mistakes (AUC) {scores.finds:.3f}"
    )
    text = "confidence: rank correlation with the true error, 8 x 8 blocks, mean over frames"
    return Claim(text, ">=", 0.6, scores.rank_blocks, remark)


def _doubt(confidence: Confidence) -> Claim:
    """Demand that areas of wrong clean plate are doubted at least twice as much as the rest.

    The promise says "low" and no number; twice the expected error is what shows as a difference.
    The true errors stand beside it: where the matte is right all the same, doubt need not be high.
    """
    scores = confidence.changed
    remark = (
        f"mean confidence {scores.wrong:.4f} (near the subject {scores.wrong_near:.4f}) against "
        f"{scores.elsewhere:.4f}; true error {scores.wrong_error:.4f} against "
        f"{scores.elsewhere_error:.4f}; finds mistakes there (AUC) {scores.finds_wrong:.3f}"
    )
    text = "confidence: expected error where the clean plate is wrong / elsewhere"
    return Claim(text, ">=", 2.0, _ratio(1 - scores.wrong, 1 - scores.elsewhere), remark)


def _equal_pair(rows: Sequence[Row], role: str) -> tuple[_Side, _Side, str]:
    """Return ours and theirs of the same number of samples, the largest there is, or what lacks."""
    our_rows = [row for row in rows if row.role == "ours-network"]
    their_rows = [row for row in rows if row.role == role]
    for their in sorted(their_rows, key=lambda row: -(row.samples or 0)):
        equal = [row for row in our_rows if _is_equal(row.samples, their.samples)]
        if equal:
            # Of several of ours, the one that comes first on the command line.
            names = equal[0].name, their.name
            ours, theirs = (_named(rows, name) for name in names)
            return ours, theirs, ""
    if not their_rows:
        return _Side(""), _Side(""), "no such network was given (--networks)"
    counts = sorted({row.samples for row in their_rows}, key=lambda count: count or 0)
    own = sorted({row.samples for row in our_rows}, key=lambda count: count or 0)
    return _Side(""), _Side(""), f"unequal samples: theirs {counts}, ours {own or 'none given'}"


def _is_equal(one: int | None, other: int | None) -> bool:
    if not one or not other:
        return False
    return abs(one - other) <= EQUAL_SAMPLES * max(one, other)


def _side(rows: Sequence[Row], role: str) -> _Side:
    return _Side(role, {row.level: row.figures for row in rows if row.role == role})


def _named(rows: Sequence[Row], name: str) -> _Side:
    return _Side(name, {row.level: row.figures for row in rows if row.name == name})


def _mean(side: _Side, figure: str, levels: Sequence[str]) -> float:
    """Mean over all levels; NaN where one is missing."""
    return math.fsum(side.at(level, figure) for level in levels) / len(levels)


def _by_level(ours: _Side, theirs: _Side, figure: str, levels: Sequence[str]) -> str:
    parts = [
        f"{level} {ratio:.3g}"
        for level in levels
        if not math.isnan(ratio := _ratio(ours.at(level, figure), theirs.at(level, figure)))
    ]
    return f"{', '.join(parts)} ({ours.title} / {theirs.title})"


def _ratio(one: float, other: float) -> float:
    """Quotient; NaN where either was not measured or both are 0, infinite where only `other` is."""
    if math.isnan(one) or math.isnan(other) or one == other == 0:
        return math.nan
    return one / other if other else math.inf
