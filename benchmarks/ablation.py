"""What each part of the network and of its losses is worth: one change at a time, equal budgets.

    python benchmarks/ablation.py --samples 4000 --out ablation.csv

Every variant is trained from nothing on the same samples in the same order and is judged on the
same held-out samples of 256 px. "base" is trained with two seeds: what lies between them is
chance. Small crops and few samples rank parts; they do not say how good the network gets.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import torch
from machine import describe_machine, print_table
from torch import nn

from platematte.network.matter import Matter
from platematte.training.architectures import QUALITY, Ours, cues_of
from platematte.training.bank import load_bank
from platematte.training.losses import LossWeights
from platematte.training.synthesise import Sample, Synthesiser
from platematte.training.train import TrainSettings, draw_validation, train, validate

Tensor = torch.Tensor
COLUMNS = ("mad", "soft_mad", "mse", "coarse_mad", "premult_mse", "confidence")
_CLIP_SEED = 20_210_000


class CueAlone(nn.Module):
    """A cue's features joined as they are: a selector that does not see the plate beside them."""

    def __init__(self, channels: int, out: int) -> None:
        """Take the channels of the cue and of the result, as the selector has them."""
        super().__init__()
        self.keep = nn.Conv2d(channels, out, 1)

    def forward(self, plate: Tensor, cue: Tensor) -> Tensor:
        """Return the cue's features; the plate is not looked at."""
        return torch.relu(self.keep(cue))


class WithoutProjection(nn.Module):
    """A refiner that is shown no projection alpha and no distance of the colours."""

    def __init__(self, refine: nn.Module) -> None:
        """Take the refiner."""
        super().__init__()
        self.refine = refine

    def forward(
        self,
        difference: Tensor,
        alphas: Sequence[Tensor],
        packed: Tensor,
        detail: Tensor,
        evidence: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Return alpha and expected error; the coarse alpha stands in for the projection.

        evidence: not shown, because it says how exact a projection is.
        """
        coarse = alphas[0]
        shown = coarse, coarse, torch.zeros_like(coarse)
        return self.refine(difference, shown, torch.cat(shown, 1), detail)


def concatenated() -> Ours:
    """Return our network with plain concatenation in the place of context switching."""
    trainee = Ours(Matter(QUALITY))
    look, quarter = trainee.network.look_stage, QUALITY.quarter
    look.select_clean = CueAlone(quarter, quarter)
    look.select_hints = CueAlone(16, 16)
    return trainee


def unprojected() -> Ours:
    """Return our network with a refiner that knows no projection."""
    trainee = Ours(Matter(QUALITY))
    trainee.network.refine = WithoutProjection(trainee.network.refine)
    return trainee


def without_transmission() -> Ours:
    """Return our network without the cue of the clean plate's texture in the plate."""
    trainee = Ours(Matter(QUALITY))
    look = trainee.network.look_stage
    for layer in (look.through4, look.through8):
        # They begin at 0, and without a gradient they stay there.
        layer.weight.requires_grad_(False)
    return trainee


def as_he() -> Ours:
    """Return our network with the layers' variance of He et al. (2015), for ReLU."""
    trainee = Ours(Matter(QUALITY))
    keep = ("draw_stage.heads", "draw_stage.lean", "refine.heads", "look_stage.through")
    for name, layer in trainee.network.named_modules():
        if isinstance(layer, nn.Conv2d) and not name.startswith(keep):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    return trainee


def without_context() -> Ours:
    """Return our network without wide dilations and without the mean over the frame."""
    trainee = Ours(Matter(QUALITY))
    trainee.network.think_stage.blocks32[1] = nn.Identity()
    return trainee


def with_loss(**changes: float) -> Callable[[], Ours]:
    """Return a builder of our network with other weights of its loss terms."""
    return lambda: Ours(Matter(QUALITY), replace(LossWeights(), **changes))


def with_half(channels: int) -> Callable[[], Ours]:
    """Return a builder of our network with another width of the refiner."""
    return lambda: Ours(Matter(replace(QUALITY, half=channels)))


VARIANTS: dict[str, Callable[[], Ours]] = {
    "base": lambda: Ours(Matter(QUALITY)),
    "base, another seed": lambda: Ours(Matter(QUALITY)),
    "plain concatenation": concatenated,
    "AdamW in the place of Muon": lambda: Ours(Matter(QUALITY)),
    "no transmission": without_transmission,
    "no guess of the foreground": lambda: Ours(Matter(replace(QUALITY, guess=False))),
    "no evidence": lambda: Ours(Matter(replace(QUALITY, evidence=False))),
    "no projection alpha": unprojected,
    "variance of He": as_he,
    "no context at 1/32": without_context,
    "refiner of 12 channels": with_half(12),
    "refiner of 48 channels": with_half(48),
    "loss: no Laplacian": with_loss(laplacian=0.0),
    "loss: no gradient": with_loss(gradient=0.0),
    "loss: no foreground": with_loss(foreground=0.0),
    "loss: no composition": with_loss(composition=0.0),
    "loss: no coarse": with_loss(coarse=0.0),
    "loss: alpha alone": with_loss(laplacian=0.0, gradient=0.0, composition=0.0),
    "loss: no expected error": with_loss(error=0.0),
}
"""One change each. The two of motion are measured apart, on clips (`--motion`)."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Train and judge the variants, print the table and write the CSV."""
    options = parse_options(arguments)
    print(describe_machine(), flush=True)
    rows = motion_rows(options) if options.motion else variant_rows(options)
    if options.out is not None:
        with options.out.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    print_table([*rows[0]], [list(row.values()) for row in rows])


def parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--samples", type=int, default=4000, help="samples for each variant")
    parser.add_argument("--batch", type=int, default=2, help="samples a step")
    parser.add_argument("--side", type=int, default=128, help="side of the crops in px")
    parser.add_argument("--variants", nargs="+", default=[*VARIANTS], choices=[*VARIANTS])
    parser.add_argument("--motion", action="store_true", help="fused neighbours against none")
    parser.add_argument("--data", type=Path, help="folder of the image data")
    parser.add_argument("--out", type=Path, help="CSV with a row for each variant")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    data = options.data or Path(os.environ.get("PLATEMATTE_SHARED_DATA", beside))
    options.data = data if data.is_dir() else None
    return options


def variant_rows(options: argparse.Namespace) -> list[dict[str, object]]:
    """Return a row of figures for each variant."""
    rows: list[dict[str, object]] = []
    for name in options.variants:
        trainee = trained(options, name, VARIANTS[name])
        figures = validate(trainee, draw_validation(settings_of(options, name, Path())))
        rows.append({"variant": name, **{key: round(figures[key], 3) for key in COLUMNS}})
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def motion_rows(options: argparse.Namespace) -> list[dict[str, object]]:
    """Return rows for a network with and without neighbours, both trained on frames of clips."""
    makers = {
        "motion off": lambda: Ours(Matter(QUALITY)),
        "motion on": lambda: Ours(Matter(QUALITY, is_temporal=True)),
    }
    rows: list[dict[str, object]] = []
    for name, make in makers.items():
        trainee = trained(options, name, make)
        rows.append({"variant": name, **judge_clips(trainee, options.data)})
        print(rows[-1], file=sys.stderr, flush=True)
    return rows


def settings_of(options: argparse.Namespace, name: str, out: Path) -> TrainSettings:
    """Return how a variant is trained."""
    return TrainSettings(
        out=out,
        data=options.data,
        minutes=1e6,
        samples=options.samples,
        rate_end=1e-5,
        optimizer="adamw" if "AdamW" in name else "muon",
        shapes=((options.batch, options.side),),
        seed=2 if "seed" in name else 1,
        threads=options.threads,
    )


def trained(options: argparse.Namespace, name: str, make: Callable[[], Ours]) -> Ours:
    """Return a variant with the averaged weights of its training."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_of(options, name, Path(folder))
        torch.manual_seed(settings.seed)
        trainee = make()
        train(settings, trainee)
        from safetensors.torch import load_file

        trainee.network.load_state_dict(load_file(Path(folder) / "average.safetensors"))
    trainee.network.eval()
    print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return trainee


def judge_clips(trainee: Ours, data: Path | None, count: int = 12) -> dict[str, float]:
    """Return MAD x 1000 and dtSSD x 100 over frames 2 to 5 of held-out clips of 8 frames."""
    synthesiser = Synthesiser(load_bank(data, held_out=True), _CLIP_SEED)
    matter, mads, changes = trainee.network, 0.0, 0.0
    with torch.inference_mode():
        for _ in range(count):
            clip = synthesiser.draw_clip(2, 256, 8)
            errors = [answer(matter, clip, frame) - clip[frame].alpha for frame in range(2, 6)]
            mads += sum(float(error.abs().mean()) for error in errors) / len(errors)
            steps = [(b - a).square().mean((1, 2, 3)).sqrt().mean() for a, b in pairwise(errors)]
            changes += float(torch.stack(steps).mean())
    return {"mad": round(1000 * mads / count, 3), "dtssd": round(100 * changes / count, 3)}


def answer(matter: Matter, clip: list[Sample], frame: int) -> Tensor:
    """Return alpha of one frame, with its neighbours where the network fuses them."""
    from platematte.network.base import NEIGHBOURS

    neighbours = None
    if matter.is_temporal:
        beside = [cues_of(clip[frame + offset]) for offset in NEIGHBOURS]
        neighbours = [matter.look(cues, matter.encode(cues))[1] for cues in beside]
    return matter(cues_of(clip[frame]), neighbours).alpha.clamp(0, 1)


if __name__ == "__main__":
    main()
