"""Draws a training log as a curve: held-out error and training loss over samples, as SVG."""

from __future__ import annotations

import json
import math
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 720, 360, 56
_LINES = {"mad": ("held-out alpha MAD x 1000", "#0b6e99"), "loss_total": ("loss", "#c2571a")}


def draw_curve(log: Path, to: Path) -> None:
    """Write the curve of a `log.jsonl`; both lines are scaled to their own range, in logarithms."""
    records = [json.loads(line) for line in log.read_text().splitlines()]
    last = max((record["samples"] for record in records), default=0) or 1
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(WIDTH / 2, HEIGHT - 14, f"samples seen, 0 to {last}", "#333", "middle"),
    ]
    for index, (key, (words, colour)) in enumerate(_LINES.items()):
        points = [(r["samples"], r[key]) for r in records if r.get(key, 0) > 0]
        if points:
            parts += _line(points, last, words, colour, index)
    to.write_text("\n".join([*parts, "</svg>"]) + "\n")


def _line(
    points: list[tuple[float, float]], last: float, words: str, colour: str, index: int
) -> list[str]:
    values = [math.log(value) for _, value in points]
    low, high = min(values), max(values)
    span = max(high - low, 1e-6)

    def place(samples: float, value: float) -> str:
        x = MARGIN + (WIDTH - 2 * MARGIN) * samples / last
        y = MARGIN + (HEIGHT - 2 * MARGIN) * (high - value) / span
        return f"{x:.1f},{y:.1f}"

    track = " ".join(
        place(samples, value) for (samples, _), value in zip(points, values, strict=True)
    )
    side, anchor = (MARGIN - 6, "end") if index == 0 else (WIDTH - MARGIN + 6, "start")
    return [
        f'<polyline points="{track}" fill="none" stroke="{colour}" stroke-width="2"/>',
        _text(side, MARGIN + 4, f"{math.exp(high):.3g}", colour, anchor),
        _text(side, HEIGHT - MARGIN + 4, f"{math.exp(low):.3g}", colour, anchor),
        _text(MARGIN + 8, 20 + 16 * index, words, colour, "start"),
    ]


def _text(x: float, y: float, words: str, colour: str, anchor: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{colour}" text-anchor="{anchor}">{words}</text>'
