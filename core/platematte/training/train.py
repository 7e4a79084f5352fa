"""Trains the network; one plain loop that can be stopped and continued at any time."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from ..memory import keep_freed_memory
from ..network.base import Widths
from ..network.matter import Cues, Drawn, Matter
from ..network.weights import save_weights
from .bank import load_bank
from .curve import draw_curve
from .losses import LossWeights, matting_loss
from .state import Progressed, load_state, save_state, update_average
from .stream import Shape, stream_samples
from .synthesise import Sample, Synthesiser

log = logging.getLogger(__name__)

VALIDATION_SEED = 20200420
"""The seed of the fixed validation set; training seeds are kept away from it."""
_SAVE_EVERY_S = 300.0
_WARMUP_STEPS = 200


@dataclass(frozen=True)
class TrainSettings:
    """What a slice of training does."""

    out: Path
    """Folder of the run: state, log and weights."""
    data: Path | None = None
    """Folder of licensed images (layout of shared/data); without it all is procedural."""
    minutes: float = 10.0
    """How long this slice runs."""
    rate: float = 6e-4
    """Learning rate at the start of the slice."""
    rate_end: float = 6e-4
    """Learning rate at its end; between them a half cosine."""
    shapes: tuple[Shape, ...] = ((8, 192), (8, 192), (4, 288))
    """Batch size and crop side in px, taken in turn."""
    seed: int = 1
    """Seed of weights and samples; a later slice draws other samples from the same seed."""
    device: str = "cpu"
    """Where to train."""
    threads: int = 1
    """CPU threads of the training process."""
    precision: str = "bf16"
    """bf16 or fp32 for the convolutions."""
    validation_count: int = 48
    """Samples of the fixed validation set."""


def train(settings: TrainSettings) -> Path:
    """Run one slice and return the path of the averaged weights it leaves."""
    keep_freed_memory()
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    device = torch.device(settings.device)
    matter = Matter(Widths()).to(device).train()
    average = {key: value.clone() for key, value in matter.state_dict().items()}
    optimizer = torch.optim.AdamW(matter.parameters(), lr=settings.rate, weight_decay=1e-4)
    progressed = load_state(settings.out, matter, average, optimizer)
    samples_seed = settings.seed * 1_000_003 + progressed.step
    stream = stream_samples(settings.data, settings.shapes, samples_seed, device)
    validation = draw_validation(settings)
    started = saved = time.monotonic()
    spent_before = progressed.seconds
    losses: dict[str, float] = {}
    while (elapsed := time.monotonic() - started) < settings.minutes * 60:
        sample = next(stream)
        _set_rate(optimizer, settings, progressed.step, elapsed)
        terms = _step(matter, optimizer, sample, settings, device)
        update_average(average, matter, progressed.step)
        progressed.step += 1
        progressed.samples += sample.plate.shape[0]
        progressed.seconds = spent_before + elapsed
        for name, value in terms.items():
            losses[name] = 0.98 * losses.get(name, value) + 0.02 * value
        if time.monotonic() - saved > _SAVE_EVERY_S:
            saved = time.monotonic()
            _keep(settings, matter, average, optimizer, progressed, validation, losses)
    stream.close()  # type: ignore[attr-defined]
    return _keep(settings, matter, average, optimizer, progressed, validation, losses)


def _set_rate(
    optimizer: torch.optim.Optimizer, settings: TrainSettings, step: int, elapsed: float
) -> None:
    part = min(1.0, elapsed / (settings.minutes * 60))
    rate = settings.rate_end + (settings.rate - settings.rate_end) * 0.5 * (
        1 + math.cos(math.pi * part)
    )
    for group in optimizer.param_groups:
        group["lr"] = rate * min(1.0, (step + 1) / _WARMUP_STEPS)


def _step(
    matter: Matter,
    optimizer: torch.optim.Optimizer,
    sample: Sample,
    settings: TrainSettings,
    device: torch.device,
) -> dict[str, float]:
    with _precision(settings, device):
        drawn = matter(Cues(sample.plate, sample.clean, sample.trust, sample.hints))
    terms = matting_loss(drawn, sample, LossWeights())
    optimizer.zero_grad(set_to_none=True)
    terms["total"].backward()
    norm = torch.nn.utils.clip_grad_norm_(matter.parameters(), 1.0)
    # One sample that overflows must not end a night of training.
    if torch.isfinite(norm):
        optimizer.step()
    return {name: float(value.detach()) for name, value in terms.items()}


def _precision(settings: TrainSettings, device: torch.device) -> contextlib.AbstractContextManager:
    if settings.precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def draw_validation(settings: TrainSettings) -> list[Sample]:
    """Return the fixed validation set: samples of 256 px from images kept from training."""
    synthesiser = Synthesiser(load_bank(settings.data, held_out=True), VALIDATION_SEED, "cpu")
    return [synthesiser.draw(4, 256) for _ in range(settings.validation_count // 4)]


def validate(matter: Matter, validation: list[Sample]) -> dict[str, float]:
    """Return the mean absolute and squared error of alpha and the colour error, x 1000."""
    device = next(matter.parameters()).device
    totals = {"mad": 0.0, "mse": 0.0, "coarse_mad": 0.0, "premult_mse": 0.0}
    with torch.inference_mode():
        for sample in validation:
            parts = (sample.plate, sample.clean, sample.trust, sample.hints)
            drawn: Drawn = matter(Cues(*(part.to(device) for part in parts)))
            alpha, coarse = drawn.alpha.cpu().clamp(0, 1), drawn.coarse.cpu().clamp(0, 1)
            solved = sample.plate - (1 - alpha) * sample.clean
            wrong = (solved - sample.alpha * sample.foreground).square()
            totals["mad"] += float((alpha - sample.alpha).abs().mean())
            totals["mse"] += float((alpha - sample.alpha).square().mean())
            totals["coarse_mad"] += float((coarse - sample.alpha).abs().mean())
            totals["premult_mse"] += float(wrong[:, :].clamp_max(1).mean())
    return {name: 1000 * value / len(validation) for name, value in totals.items()}


def _keep(
    settings: TrainSettings,
    matter: Matter,
    average: dict[str, torch.Tensor],
    optimizer: torch.optim.Optimizer,
    progressed: Progressed,
    validation: list[Sample],
    losses: dict[str, float],
) -> Path:
    """Validate the averaged weights, append a line to the log and save all that is needed."""
    save_state(settings.out, matter, average, optimizer, progressed)
    judge = Matter(matter.widths, matter.is_temporal).to(next(matter.parameters()).device).eval()
    judge.load_state_dict(average)
    record = {
        "step": progressed.step,
        "samples": progressed.samples,
        "seconds": round(progressed.seconds),
        "rate": optimizer.param_groups[0]["lr"],
        **{f"loss_{name}": round(value, 5) for name, value in losses.items()},
        **{name: round(value, 3) for name, value in validate(judge, validation).items()},
    }
    log.info("%s", record)
    with (settings.out / "log.jsonl").open("a") as file:
        file.write(json.dumps(record) + "\n")
    draw_curve(settings.out / "log.jsonl", settings.out / "curve.svg")
    path = settings.out / "weights.safetensors"
    save_weights(path, average, matter.widths, progressed.samples, matter.is_temporal)
    return path
