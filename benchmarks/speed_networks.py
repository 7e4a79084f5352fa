"""Seconds a frame of the networks alone: ours against the published architectures, in one run.

    python benchmarks/speed_networks.py --rounds 7
    python benchmarks/speed_networks.py --device cuda

`speed.py` prints the same below its own table. The networks take turns (A B C A B C ...) and what
counts is the median over the rounds of the ratio within a round, so that a machine that is busy
for a while slows both sides. The published ones have their published settings: the backbone at 1/4
for HD and 1/8 for 4K, 80 000 and 320 000 refined pixels, no fewer where random weights happen to
be certain. Precision is the same on both sides of a
ratio, and so is the runtime, or else each side has the one that suits it best.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from claims import Claim
from machine import describe_machine, print_table
from speed_runtimes import Contender, contend, has_openvino, mib_of
from torch import nn

from platematte.errors import WeightsInvalid
from platematte.memory import keep_freed_memory
from platematte.network.device import computes_bf16
from platematte.network.matter import Cues, Matter
from platematte.network.published.layouts import BUILDERS
from platematte.network.published.mattingv2 import MattingRefine
from platematte.network.weights import find_weights, load_weights
from platematte.training.architectures import FAST

SIZES = {"HD": (1920, 1080), "4K": (3840, 2160)}
MOBILE, RESNET, SEED = "v2-mobilenetv2", "v2-resnet50", "seed"
DEMANDS = {
    "cpu": [("fast", MOBILE, 1.5), ("quality", RESNET, 1.0)],
    "cuda": [("fast", MOBILE, 1.5), ("quality", RESNET, 1.0), ("quality", SEED, 1.5)],
}
"""Ours, theirs, and how many times faster ours has to be."""
FP16_LIMIT = 1 / 255
GPU_LIMIT_MIB = 4096


@dataclass
class Timing:
    """What was measured of one contender at one size."""

    contender: Contender
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Seconds of all cores together."""
    peak_mib: float = math.nan
    """Of a GPU's memory: its own weights, the cues and what a frame takes beyond them."""
    change: float = math.nan
    """Largest difference of alpha from the same network in float32, eager."""

    @property
    def seconds(self) -> float:
        """Median of the wall time."""
        return statistics.median(self.wall)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    add_options(parser)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)
    print(describe_machine())
    compare_networks(options)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `speed.py` takes for this part as well."""
    parser.add_argument("--rounds", type=int, default=5, help="after a first one, not counted")
    parser.add_argument(
        "--fast", type=Path, help="weights of ours; without: in the package, or random"
    )
    parser.add_argument("--quality", type=Path)
    parser.add_argument("--sizes", default=",".join(SIZES))
    parser.add_argument("--precisions", help="default: fp32, and what else the device computes")
    parser.add_argument(
        "--runtimes",
        help="eager, openvino, graph (on a GPU), compile (takes minutes); default: eager, and on a "
        "GPU graph, on a CPU openvino if it is installed",
    )


def compare_networks(options: argparse.Namespace) -> None:
    """Measure each size, print the table of all and what comes of the claims."""
    keep_freed_memory()
    device = torch.device(options.device)
    if device.type == "cuda" and torch.backends.cudnn.allow_tf32:
        print("fp32: convolutions in TF32, as torch has it by default")
    networks = build_networks(options, device)
    claims: list[Claim] = []
    rows: list[list[object]] = []
    for size in options.sizes.split(","):
        cues = draw_cues(*SIZES[size], device)
        timings = measure(gather(networks, cues, options), cues, options.rounds)
        rows += [row_of(size, timing, timings) for timing in timings]
        claims += claims_of(size, timings, device.type)
    print_table(
        [
            "size",
            "network",
            "runtime",
            "precision",
            "wall s",
            "CPU s",
            "x eager",
            "alpha",
            "GPU MiB",
        ],
        rows,
    )
    print("alpha: largest difference from the same network in float32, eager\n")
    print_table(
        ["claim", "demanded", "figure", "verdict", "remark"],
        [
            [c.text, f"{c.demand} {c.limit:.4g}", _figure(c.figure), c.verdict, c.remark]
            for c in claims
        ],
    )


def build_networks(options: argparse.Namespace, device: torch.device) -> dict[str, nn.Module]:
    """Return the networks that the device's claims are about, and say what weights they have."""
    names = list(
        dict.fromkeys(name for ours, theirs, _ in DEMANDS[device.type] for name in (ours, theirs))
    )
    networks: dict[str, nn.Module] = {}
    for name in names:
        torch.manual_seed(1)
        if name in ("fast", "quality"):
            networks[name], said = build_ours(name, getattr(options, name))
        else:
            networks[name], said = build_theirs(name), "random weights"
        count = sum(part.numel() for part in networks[name].parameters())
        print(f"{name}: {said}, {count / 1e6:.2f} M parameters")
        networks[name].eval().to(device)
    return networks


def build_ours(name: str, path: Path | None) -> tuple[Matter, str]:
    """Return our network and where its weights are from; random ones of `fast` if there are none.

    Raises WeightsInvalid for a file that is no set of weights.
    """
    if path is not None:
        return load_weights(path)[0], str(path)
    try:
        matter, card = load_weights(find_weights(name))
    except WeightsInvalid:
        if name != "fast":
            raise
        return Matter(FAST), "random weights, the time does not depend on them"
    return matter, card.name


def build_theirs(name: str) -> nn.Module:
    """Return a published network whose refiner takes as many patches as were published."""
    network = BUILDERS[name]()
    if isinstance(network, MattingRefine):
        network.refiner.settings = replace(network.refiner.settings, skips_certain=False)
    return network


def draw_cues(width: int, height: int, device: torch.device) -> Cues:
    """Return a textured set, a soft disc before it and grain, in linear Rec.709."""
    random = torch.Generator().manual_seed(1)
    coarse = torch.rand(1, 3, height // 8, width // 8, generator=random)
    clean = nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp_min(0) ** 2
    y, x = torch.arange(height)[:, None], torch.arange(width)[None]
    distance = torch.hypot(x - width / 2.0, y - height / 2.0) - height / 4
    alpha = (0.5 - distance / 6).clamp(0, 1)
    colour = torch.tensor([0.4, 0.2, 0.1]).view(1, 3, 1, 1)
    plate = alpha * colour + (1 - alpha) * clean
    plate, clean = (
        image + 0.01 * torch.randn(image.shape, generator=random) for image in (plate, clean)
    )
    hints = torch.zeros(1, 1, 1, 1, device=device).expand(1, 3, height, width)
    return Cues(
        plate.to(device), clean.to(device), torch.ones(1, 1, height, width, device=device), hints
    )


def gather(
    networks: dict[str, nn.Module], cues: Cues, options: argparse.Namespace
) -> list[Contender]:
    """Return every network on every runtime in every precision; what cannot be had is named."""
    device = cues.plate.device.type
    if options.runtimes:
        runtimes = options.runtimes.split(",")
    else:
        further = {"cuda": ["graph"], "cpu": ["openvino"] if has_openvino() else []}
        runtimes = ["eager", *further.get(device, [])]
    if options.precisions:
        precisions = options.precisions.split(",")
    elif device == "cuda":
        precisions = ["fp32", "fp16", "bf16"]
    else:
        precisions = ["fp32", "bf16"] if computes_bf16() else ["fp32"]
    found: list[Contender] = []
    for name, network in networks.items():
        if isinstance(network, MattingRefine):
            tell_patches(name, network, cues)
        for precision in precisions:
            for runtime in runtimes:
                if runtime != "eager" and name == SEED:
                    continue
                try:
                    found += contend(name, network, runtime, precision, cues)
                except Exception as error:
                    print(f"{name} in {precision} cannot be had on {runtime}: {error}")
    return found


def tell_patches(name: str, network: MattingRefine, cues: Cues) -> None:
    """Say how many patches the published refiner takes of the frame: its cost depends on that."""
    counts: list[tuple[int, int]] = []
    network = copy.deepcopy(network)
    network.refiner.register_forward_hook(
        lambda _, __, drawn: counts.append((int(drawn[1].sum()), drawn[1].numel()))
    )
    contend(name, network, "eager", "fp32", cues)[0].run(cues)
    height, width = cues.plate.shape[2:]
    print(f"{name} refines {counts[0][0]} of {counts[0][1]} patches of {width}x{height}")


def measure(contenders: Sequence[Contender], cues: Cues, rounds: int) -> list[Timing]:
    """Let the contenders take turns; the first round is for libraries and caches to warm up."""
    timings = [Timing(contender) for contender in contenders]
    exact: dict[str, torch.Tensor] = {}
    is_cuda = cues.plate.device.type == "cuda"
    cues_mib = mib_of(cues.plate, cues.clean, cues.trust, cues.hints)
    finish: Callable[[], object] = torch.cuda.synchronize if is_cuda else (lambda: None)
    for index in range(rounds + 1):
        for timing in timings:
            if is_cuda:
                torch.cuda.reset_peak_memory_stats()
                # The other networks lie there as well, and are not this one's.
                others = torch.cuda.memory_allocated()
            finish()
            began = time.perf_counter(), time.process_time()
            drawn = timing.contender.run(cues)
            finish()
            taken = time.perf_counter() - began[0], time.process_time() - began[1]
            if index:
                timing.wall.append(taken[0])
                timing.cpu.append(taken[1])
                continue
            if is_cuda:
                taken_mib = (torch.cuda.max_memory_allocated() - others) / 2**20
                own = timing.contender
                timing.peak_mib = taken_mib + own.held_mib + own.weights_mib + cues_mib
            own, alpha = timing.contender, drawn.alpha.float().clamp(0, 1).cpu().clone()
            if (own.runtime, own.precision) == ("eager", "fp32"):
                exact[own.network] = alpha
            if own.network in exact:
                timing.change = float((alpha - exact[own.network]).abs().max())
    return timings


def row_of(size: str, timing: Timing, timings: Sequence[Timing]) -> list[object]:
    """Return a timing's row of the table."""
    own = timing.contender
    eager = find(timings, own.network, own.precision, "eager")
    gain = ratio(eager, timing) if eager else math.nan
    seconds = f"{timing.seconds:.3f}", f"{statistics.median(timing.cpu):.3f}"
    memory = "" if math.isnan(timing.peak_mib) else f"{timing.peak_mib:.0f}"
    return [
        *(size, own.network, own.runtime, own.precision, *seconds, _figure(gain)),
        *("" if math.isnan(timing.change) else f"{timing.change:.1g}", memory),
    ]


def find(timings: Sequence[Timing], network: str, precision: str, runtime: str) -> Timing | None:
    """Return a network's timing on a runtime, or its fastest on any ("")."""
    of_it = [
        timing
        for timing in timings
        if (timing.contender.network, timing.contender.precision) == (network, precision)
        and runtime in ("", timing.contender.runtime)
    ]
    return min(of_it, key=lambda timing: timing.seconds, default=None)


def ratio(theirs: Timing, ours: Timing) -> float:
    """Return how many times faster ours is: the median over the rounds."""
    return statistics.median(a / b for a, b in zip(theirs.wall, ours.wall, strict=True))


def claims_of(size: str, timings: Sequence[Timing], device: str) -> list[Claim]:
    """Return the claims of one size."""
    precisions = list(dict.fromkeys(timing.contender.precision for timing in timings))
    claims = []
    for ours, theirs, limit in DEMANDS[device]:
        found = [t.contender.runtime for t in timings if t.contender.network in (ours, theirs)]
        # "" lets each side choose, the published one its layout in memory as well.
        for precision, runtime in itertools.product(precisions, [*dict.fromkeys(found), ""]):
            # Ours has its channels last in memory whatever is said.
            own_runtime = runtime.partition(",")[0]
            pair = (
                find(timings, theirs, precision, runtime),
                find(timings, ours, precision, own_runtime),
            )
            text = f"{size} {precision}, {runtime or 'best runtime of each'}: {theirs} / {ours}"
            claims.append(_speed_claim(text, limit, *pair))
    if device == "cuda":
        claims += _gpu_claims(size, timings)
    return claims


def _speed_claim(text: str, limit: float, theirs: Timing | None, ours: Timing | None) -> Claim:
    if theirs is None or ours is None:
        return Claim(text, ">=", limit, math.nan, "one side does not run there")
    pairs = zip(theirs.cpu, ours.cpu, strict=True)
    by_cpu = statistics.median(a / b if b else math.nan for a, b in pairs)
    remark = (
        f"{theirs.seconds:.3f} s ({theirs.contender.runtime}) / "
        f"{ours.seconds:.3f} s ({ours.contender.runtime}); by CPU seconds {by_cpu:.2f}"
    )
    return Claim(text, ">=", limit, ratio(theirs, ours), remark)


def _gpu_claims(size: str, timings: Sequence[Timing]) -> list[Claim]:
    claims = []
    for timing in timings:
        own = timing.contender
        if own.network not in ("fast", "quality"):
            continue
        if own.precision == "fp16":
            text = f"{size} alpha of {own.network}, {own.runtime}: fp16 against fp32"
            claims.append(Claim(text, "<=", FP16_LIMIT, timing.change))
        if size == "4K":
            text = f"4K peak memory of {own.network} in {own.precision}, {own.runtime}, MiB"
            claims.append(Claim(text, "<=", GPU_LIMIT_MIB, timing.peak_mib))
    return claims


def _figure(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3g}"


if __name__ == "__main__":
    main()
