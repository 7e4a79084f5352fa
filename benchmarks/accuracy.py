"""Alpha and foreground error of PlateMatte and of keyers, on held-out frames with true alpha.

    python benchmarks/accuracy.py --count 40 --out accuracy.csv

Every method gets the same plate and the same clean plate, float32 scene-linear. The network runs
behind its own prepare stage, so each keyer is measured twice: on the clean plate as it was shot
("keyer"), and on the clean plate as our prepare stage aligned and matched it ("keyer + our
prepare"). Each is tuned for its own case, on frames that follow the measured ones. The seconds
are medians; those of keyers leave the prepare stage out, ours hold it.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from keyers import GRIDS, Keyed, tune
from machine import describe_machine, print_table

from platematte.evaluate.metrics import Image, MatteScores, score, unknown_region
from platematte.prepare.prepare import Preparer
from platematte.settings import MatteSettings, PrepareSettings

if TYPE_CHECKING:
    from platematte.training.heldout import HeldoutSample

OURS = "ours"
OWN, RAW, PREPARED = "", "keyer", "keyer + our prepare"
METHODS = (OURS, "difference", "ibk", "closed-form")
# Field of MatteScores and its header; the columns that the project promises a margin in are first.
COLUMNS = {
    "mad": "MAD",
    "mse": "MSE",
    "grad": "Grad",
    "foreground_mse": "foreground MSE",
    "conn": "Conn",
    "sad": "SAD",
}


@dataclass(frozen=True)
class Method:
    """One row of the table."""

    name: str
    variant: str
    """The clean plate it gets: RAW or PREPARED; OWN for ours, which prepares the raw one itself."""
    key: Callable[[Image, Image], Keyed]


@dataclass(frozen=True)
class Result:
    """One method on one frame."""

    method: str
    variant: str
    sample: str
    seconds: float
    scores: MatteScores


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table and the margins, and write the CSV."""
    options = parse_options(arguments)
    data = options.data if options.data.is_dir() else None
    _say(f"{describe_machine()}\n{options.count} held-out frames, region: {options.region}\n")
    methods = make_methods(options.methods, list(load_samples(data, options.count, options.tuning)))
    results: list[Result] = []
    for sample in load_samples(data, 0, options.count):
        results += measure(sample, methods, options.region)
    if options.out is not None:
        write_csv(options.out, results)
    print_results(methods, results)


def parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    data = Path(os.environ.get("PLATEMATTE_SHARED_DATA", beside))
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--count", type=int, default=40, help="frames to measure")
    parser.add_argument("--tuning", type=int, default=6, help="further frames to tune keyers on")
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=(OURS, *GRIDS))
    parser.add_argument("--region", choices=("whole", "unknown"), default="whole")
    parser.add_argument("--data", type=Path, default=data, help="folder of the image data")
    parser.add_argument("--out", type=Path, help="CSV with a row for each method and frame")
    return parser.parse_args(arguments)


def load_samples(data: Path | None, start: int, count: int) -> Iterator[HeldoutSample]:
    """Yield `count` frames of the held-out set from the frame `start` on."""
    from platematte.training.heldout import load_heldout

    return islice(load_heldout(data, start + count), start, None)


def make_methods(names: Sequence[str], tuning: Sequence[HeldoutSample]) -> list[Method]:
    """Build each method; the keyers twice, tuned on the raw and on the prepared clean plates."""
    methods = [Method(OURS, OWN, make_ours())] if OURS in names else []
    keyers = [name for name in names if name != OURS]
    if not keyers:
        return methods
    prepared = [replace(s, clean=prepare_clean(s.plate, s.clean)) for s in tuning]
    for variant, samples in ((RAW, tuning), (PREPARED, prepared)):
        for name in keyers:
            keyer = tune(name, samples)
            _say(f"{variant}: {name}: {keyer}")
            methods.append(Method(name, variant, keyer.key))
    return methods


def make_ours() -> Callable[[Image, Image], Keyed]:
    """Build PlateMatte with all settings at their defaults; its weights are loaded once."""
    from platematte.compute import Engine
    from platematte.matte import matte_pixels

    engine = Engine(MatteSettings())

    def key(plate: Image, clean: Image) -> Keyed:
        solved = matte_pixels(plate, clean, engine=engine).solved
        return Keyed(solved.alpha, solved.premult)

    return key


def prepare_clean(plate: Image, clean: Image) -> Image:
    """Align and match the clean plate as PlateMatte does for its network."""
    return Preparer(PrepareSettings(), None).prepare(plate, clean).clean


def measure(sample: HeldoutSample, methods: Sequence[Method], region: str) -> list[Result]:
    """Score every method on one frame; the clean plate is prepared once for all keyers."""
    cleans = {OWN: sample.clean, RAW: sample.clean}
    if any(method.variant == PREPARED for method in methods):
        cleans[PREPARED] = prepare_clean(sample.plate, sample.clean)
    weights = unknown_region(sample.alpha) if region == "unknown" else None
    true_premult = sample.foreground * sample.alpha
    results = []
    for method in methods:
        start = time.perf_counter()
        alpha, premult = method.key(sample.plate, cleans[method.variant])
        seconds = time.perf_counter() - start
        scores = score(alpha, sample.alpha, premult, true_premult, weights)
        results.append(Result(method.name, method.variant, sample.name, seconds, scores))
    return results


def print_results(methods: Sequence[Method], results: Sequence[Result]) -> None:
    """Print the mean of each method, then how much smaller our errors are than the best keyer's."""
    means = {
        (method.name, method.variant): MatteScores.mean(
            result.scores for result in results if _is_of(result, method)
        )
        for method in methods
    }
    seconds = {
        (method.name, method.variant): _median([r.seconds for r in results if _is_of(r, method)])
        for method in methods
    }
    rows = [
        [name, variant, *_columns(scores), seconds[name, variant]]
        for (name, variant), scores in means.items()
    ]
    _say("")
    print_table(["method", "clean plate", *COLUMNS.values(), "s/frame"], rows)
    ours = means.get((OURS, OWN))
    if ours is not None:
        print_margins(ours, means)


def print_margins(ours: MatteScores, means: dict[tuple[str, str], MatteScores]) -> None:
    """Print, column by column, the least error of the keyers divided by ours."""
    rows: list[list[object]] = []
    for variant in (RAW, PREPARED):
        keyers = [_columns(s) for (_, v), s in means.items() if v == variant]
        if keyers:
            best = [min(column) for column in zip(*keyers, strict=True)]
            ratios = [
                b / o if o else float("inf") for b, o in zip(best, _columns(ours), strict=True)
            ]
            rows.append([f"best {variant} / ours", *ratios])
    _say("")
    print_table(["margin", *COLUMNS.values()], rows)


def write_csv(path: Path, results: Sequence[Result]) -> None:
    """Write one row for each method and frame."""
    rows = [{**asdict(result), **asdict(result.scores)} for result in results]
    names = [name for name in rows[0] if name != "scores"]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _columns(scores: MatteScores) -> list[float]:
    return [getattr(scores, name) for name in COLUMNS]


def _is_of(result: Result, method: Method) -> bool:
    return (result.method, result.variant) == (method.name, method.variant)


def _median(values: Sequence[float]) -> float:
    return sorted(values)[len(values) // 2]


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
