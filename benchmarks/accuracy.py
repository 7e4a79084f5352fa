"""How far mattes are from the truth: ours, other architectures and keyers, on the held-out set.

    python benchmarks/accuracy.py --networks runs/*/weights.safetensors --out accuracy.csv

One table over the held-out set at its three levels (subject, set and grain are the same; only the
clean plate gets worse) and over clips; below it, what was promised, with the figure and whether it
is met. MAD, MSE, Grad and Conn are of the whole frame, SAD of the unknown region of a trimap of the
truth; foreground MSE is of straight colour in the sRGB view, premult MSE of scene-linear light; the
definitions are those of platematte.evaluate.metrics. Keyers are tuned for each level on frames that
follow the measured ones. The seconds are medians for 512 px; those of keyers and of networks leave
the prepare stage out, ours hold everything.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from accuracy_sheet import SheetRow, write_sheet
from claims import CLIPS, Confidence, Row, claims_of
from keyers import GRIDS
from machine import describe_machine, print_table
from methods import Answer, Method, Scene, keyer_methods, load_networks, network_methods, ours

from platematte.errors import MatteError
from platematte.evaluate.confidence import (
    ConfidenceScores,
    block_means,
    rank_correlation,
    score_confidence,
)
from platematte.evaluate.metrics import (
    Image,
    Matte,
    dtssd,
    foreground_mse,
    mad,
    mean_of_defined,
    mse,
    sad,
    score,
    unknown_region,
)
from platematte.training.heldout import LEVELS, HeldoutSample, load_clips, load_heldout

OURS, NETWORKS = "ours", "networks"
COLUMNS = {
    "mad": "MAD",
    "mse": "MSE",
    "unknown_sad": "SAD unknown",
    "grad": "Grad",
    "conn": "Conn",
    "foreground_mse": "foreground MSE",
    "premult_mse": "premult MSE",
    "dtssd": "dtSSD",
}
"""Figure and its header."""


@dataclass(frozen=True)
class Result:
    """One method on one frame."""

    level: str
    frame: str
    method: Method
    seconds: float
    figures: dict[str, float]
    confidence: ConfidenceScores | None = None
    blocks: tuple[Image, Image] | None = field(default=None, repr=False)
    """Doubt and error, means over blocks."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table and the claims, write what was asked for."""
    options = parse_options(arguments)
    begun = time.perf_counter()
    data = options.data if options.data.is_dir() else None
    say(f"{describe_machine()}\n{options.count} frames a level, {options.clips} clips")
    if data is None:
        say(f"no images in {options.data}: drawn subjects before made-up sets only")
    shared = [*_product(options, is_clip=False), *_networks(options)]
    results: list[Result] = []
    for level in options.levels:
        results += measure_level(level, data, shared, options)
    if options.clips:
        fixed = [*_product(options, is_clip=True), *(m for m in shared if m.role != "ours")]
        results += measure_clips(data, fixed, options)
    if options.out is not None and results:
        write_csv(options.out, results)
    print_results(results)
    say(f"\n{(time.perf_counter() - begun) / 60:.1f} minutes in all")


def parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    data = Path(os.environ.get("PLATEMATTE_SHARED_DATA", beside))
    names = (OURS, NETWORKS, *GRIDS)
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add = parser.add_argument
    add("--count", type=int, default=48, help="frames to measure at each level")
    add("--clips", type=int, default=10, help="clips of 8 frames to measure")
    add("--tuning", type=int, default=3, help="further frames to tune keyers on")
    add("--levels", nargs="*", default=LEVELS, choices=LEVELS)
    add("--methods", nargs="+", default=names, choices=names)
    add("--keyer-clean", nargs="+", default=["prepared"], choices=("raw", "prepared"))
    add("--weights", default="default", help="weights of the product")
    add("--networks", nargs="+", type=Path, default=[], help="files that `platematte train` wrote")
    add("--data", type=Path, default=data, help="folder of the image data")
    add("--out", type=Path, help="CSV with a row for each method and frame")
    add("--sheets", type=Path, help="folder for a contact sheet of each level")
    add("--sheet-rows", type=int, default=8, help="frames on a contact sheet")
    return parser.parse_args(arguments)


def measure_level(
    level: str, data: Path | None, shared: Sequence[Method], options: argparse.Namespace
) -> list[Result]:
    """Measure every method on the stills of one level."""
    say(f"\n{level}")
    tuning = load_heldout(data, level, options.tuning, first=options.count)
    methods = [*shared, *_keyers(tuning, options)]
    scenes = (Scene([sample]) for sample in load_heldout(data, level, options.count))
    return measure_scenes(level, scenes, methods, options)


def measure_clips(
    data: Path | None, shared: Sequence[Method], options: argparse.Namespace
) -> list[Result]:
    """Measure every method on the clips."""
    say(f"\n{CLIPS}")
    tuning = next(load_clips(data, 1, first=options.clips, frames=max(2, options.tuning)))
    methods = [*shared, *_keyers(iter(tuning), options)]
    scenes = map(Scene, load_clips(data, options.clips))
    return measure_scenes(CLIPS, scenes, methods, options)


def measure_scenes(
    level: str, scenes: Iterator[Scene], methods: Sequence[Method], options: argparse.Namespace
) -> list[Result]:
    """Measure methods on scenes, and draw the product's answers where sheets were asked for."""
    results: list[Result] = []
    rows: list[SheetRow] = []
    for scene in scenes:
        for method in methods:
            answers = list(method.answers(scene))
            results += measure_answers(level, scene, method, answers)
            if method.role == OURS and len(rows) < options.sheet_rows:
                rows.append(SheetRow(scene.frames[-1], answers[-1]))
        say(f"  {scene.frames[0].name}: measured")
    if options.sheets is not None and rows:
        say(f"  sheet: {write_sheet(options.sheets / f'{level}.png', rows)}")
    return results


def measure_answers(
    level: str, scene: Scene, method: Method, answers: Sequence[Answer]
) -> Iterator[Result]:
    """Yield the figures of each frame; dtSSD is of the step from the frame before."""
    for index, (sample, answer) in enumerate(zip(scene.frames, answers, strict=True)):
        figures = figures_of(answer.matte, sample)
        if index:
            pair = slice(index - 1, index + 1)
            figures["dtssd"] = dtssd(
                [a.matte.alpha for a in answers[pair]], [s.alpha for s in scene.frames[pair]]
            )
        result = Result(level, sample.name, method, answer.seconds, figures)
        yield result if answer.confidence is None else _with_confidence(result, answer, sample)


def figures_of(matte: Matte, sample: HeldoutSample) -> dict[str, float]:
    """Return the figures of the whole frame, and those of the unknown region as `unknown_...`."""
    true = Matte(sample.alpha, sample.foreground * sample.alpha, sample.foreground)
    region = unknown_region(sample.alpha)
    figures = asdict(score(matte, true))
    for figure in (sad, mad, mse):
        figures[f"unknown_{figure.__name__}"] = figure(matte.alpha, sample.alpha, region)
    if matte.foreground is not None:
        figures["unknown_foreground_mse"] = foreground_mse(
            matte.foreground, sample.foreground, sample.alpha, region
        )
    return figures


def rows_of(results: Sequence[Result]) -> list[Row]:
    """Return the means over the frames of each level and method, in the order of measuring."""
    groups: dict[tuple[str, str, str], list[Result]] = {}
    for result in results:
        key = (result.level, result.method.name, result.method.clean)
        groups.setdefault(key, []).append(result)
    rows = []
    for (level, name, _), group in groups.items():
        names = {figure for result in group for figure in result.figures}
        figures = {n: mean_of_defined(r.figures.get(n, math.nan) for r in group) for n in names}
        method = group[0].method
        rows.append(Row(level, name, method.role, method.samples, figures))
    return rows


def confidence_of(results: Sequence[Result]) -> Confidence:
    """Return what the product's confidence is worth over all stills."""
    ours = [r for r in results if r.method.role == OURS and r.level != CLIPS]
    scores = [result.confidence for result in ours if result.confidence is not None]
    pairs = [result.blocks for result in ours if result.blocks is not None]
    doubts, errors = (
        np.concatenate([np.empty(0), *(pair[side].ravel() for pair in pairs)]) for side in (0, 1)
    )
    return Confidence(
        every=ConfidenceScores.mean(scores),
        # Wrong areas are compared with the rest of the same frames, not with frames without any.
        changed=ConfidenceScores.mean(s for s in scores if not math.isnan(s.wrong)),
        rank_pooled=rank_correlation(doubts, errors),
    )


def print_results(results: Sequence[Result]) -> None:
    """Print the table, then the claims."""
    rows = rows_of(results)
    seconds: dict[tuple[str, str, str], list[float]] = {}
    for result in results:
        key = (result.level, result.method.name, result.method.clean)
        seconds.setdefault(key, []).append(result.seconds)
    table = [
        [row.level, row.name, clean, *_cells(row), sorted(taken)[len(taken) // 2]]
        for row, ((_, _, clean), taken) in zip(rows, seconds.items(), strict=True)
    ]
    say("")
    print_table(["level", "method", "clean plate", *COLUMNS.values(), "s/frame"], table)
    say("")
    claims = claims_of(rows, LEVELS, confidence_of(results))
    print_table(
        ["claim", "demanded", "figure", "verdict", "remark"],
        [
            [c.text, f"{c.demand} {c.limit:g}", _figure(c.figure), c.verdict, c.remark]
            for c in claims
        ],
    )


def write_csv(path: Path, results: Sequence[Result]) -> None:
    """Write one row for each method and frame; a figure that does not apply is left empty."""
    rows = []
    for result in results:
        confidence = {} if result.confidence is None else asdict(result.confidence)
        row: dict[str, object] = {
            "level": result.level,
            "frame": result.frame,
            "method": result.method.name,
            "clean": result.method.clean,
            "samples": result.method.samples,
            "seconds": result.seconds,
        }
        figures = {**result.figures, **{f"confidence_{k}": v for k, v in confidence.items()}}
        rows.append(row | {k: "" if math.isnan(v) else v for k, v in figures.items()})
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, restval="")
        writer.writeheader()
        writer.writerows(rows)


def say(text: str) -> None:
    """Print a line at once: a run takes minutes."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _product(options: argparse.Namespace, is_clip: bool) -> list[Method]:
    if OURS not in options.methods:
        return []
    try:
        return ours(options.weights, is_clip)
    except MatteError as error:
        say(f"left out: ours: {error}")
        return []


def _networks(options: argparse.Namespace) -> list[Method]:
    if NETWORKS not in options.methods:
        return []
    networks = load_networks(options.networks, say)
    return [row for run, network in networks.items() for row in network_methods(run, network)]


def _keyers(tuning: Iterator[HeldoutSample], options: argparse.Namespace) -> Iterator[Method]:
    names = [name for name in options.methods if name in GRIDS]
    if not names:
        return iter(())
    return keyer_methods(names, options.keyer_clean, Scene(list(tuning)), say)


def _with_confidence(result: Result, answer: Answer, sample: HeldoutSample) -> Result:
    confidence, alpha = answer.confidence, answer.matte.alpha
    if confidence is None:
        return result
    blocks = block_means(1 - confidence), block_means(np.abs(alpha - sample.alpha))
    scores = score_confidence(confidence, alpha, sample.alpha, sample.wrong)
    return replace(result, confidence=scores, blocks=blocks)


def _cells(row: Row) -> list[str]:
    return [_figure(row.figures.get(name, math.nan)) for name in COLUMNS]


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.4g}"


if __name__ == "__main__":
    main()
