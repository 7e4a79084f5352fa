"""Trains the network; one plain loop that can be stopped and continued at any time."""

from __future__ import annotations

import contextlib
import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from ..errors import SettingsInvalid
from ..memory import keep_freed_memory
from ..network.device import choose_training_type
from ..network.matter import Matter
from ..network.weights import save_weights
from .architectures import ARCHITECTURES, Ours, Trainee, cues_of, save_trained
from .bank import load_bank
from .curve import draw_curve
from .optimizer import Optimizer
from .state import Progressed, begin_from, load_state, save_state, update_average
from .stream import Shape, stream_clips, stream_samples
from .synthesise import RULES, VERSION, Sample, Synthesiser, parts_of

log = logging.getLogger(__name__)

VALIDATION_SEED = 20200420
"""The seed of the fixed validation set; training seeds are kept away from it."""
_VALIDATION_RULES = RULES[3]
"""They stay, so that held-out figures go on being comparable when the generator goes on."""
_SAVE_EVERY_S = 300.0
_WARMUP_STEPS = 50
_CLIP_FRAMES = 5
"""As many as a network with neighbours sees: two on each side."""


@dataclass(frozen=True)
class TrainSettings:
    """What a slice of training does."""

    out: Path
    """Folder of the run: state, log and weights."""
    data: Path | None = None
    """Folder of licensed images (layout of shared/data); without it all is procedural."""
    minutes: float = 10.0
    """How long this slice runs at most."""
    samples: int | None = None
    """The run ends when it has seen as many samples, over all of its slices."""
    architecture: str = "quality"
    """A name of `architectures.ARCHITECTURES`."""
    rate: float | None = None
    """Learning rate at the start of the slice; None: the architecture's own."""
    rate_end: float | None = None
    """Learning rate at its end, to which it falls in a straight line; None: as at the start."""
    both_ways: bool = False
    """Learn from each sample with the guess of the foreground and without it, where a coin decides
    otherwise: more from few samples, in more time."""
    optimizer: Literal["auto", "muon", "adamw"] = "auto"
    """What moves the matrices of the network; auto: what serves the architecture best."""
    begin_from: Path | None = None
    """Weights that a new run begins with, wherever one of its layers has the name and the size."""
    shapes: tuple[Shape, ...] = ((8, 192), (8, 192), (4, 320))
    """Batch size and crop side in px, taken in turn."""
    generator: int = VERSION
    """Version of the generator, of `synthesise.RULES`."""
    ahead: int = 1
    """Batches that are drawn at once; more of them on a GPU, which is idle while a draw is told."""
    seed: int = 1
    """Seed of weights and samples; a later slice draws other samples from the same seed."""
    device: str = "cpu"
    """Where to train."""
    threads: int = 1
    """CPU threads of the training process."""
    precision: Literal["auto", "bf16", "fp32"] = "auto"
    """Arithmetic of the layers; auto: bf16 where the device computes it, else fp32."""
    validation_count: int = 48
    """Samples of the fixed validation set."""


def train(settings: TrainSettings, trainee: Trainee | None = None) -> Path:
    """Run one slice and return the path of the averaged weights it leaves.

    trainee: a network and its losses other than the architecture's own, for ablations. Raises
    SettingsInvalid for crops that the network does not take, for a version of the generator that
    there is not and for two ways of a network that has one, WeightsInvalid for `begin_from`.
    """
    keep_freed_memory()
    torch.set_num_threads(settings.threads)
    torch.manual_seed(settings.seed)
    trainee = trainee or _build(settings)
    device = torch.device(settings.device)
    # Where the convolutions are most of the work, as in the seed's network, it takes half the time.
    network = trainee.network.to(device).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    _check(settings, network)
    if settings.begin_from is not None:
        begin_from(network, settings.begin_from)
    average = {key: value.clone() for key, value in network.state_dict().items()}
    suits = "muon" if ARCHITECTURES[settings.architecture].uses_muon else "adamw"
    chosen = suits if settings.optimizer == "auto" else settings.optimizer
    optimizer = Optimizer(network, uses_muon=chosen == "muon")
    progressed = load_state(settings.out, network, average, optimizer)
    run = _Run(settings, trainee, average, optimizer, progressed, draw_validation(settings))
    stream = _stream(settings, trainee, device, settings.seed * 1_000_003 + progressed.step)
    saved = run.started
    while not run.is_over():
        run.step(next(stream))
        if time.monotonic() - saved > _SAVE_EVERY_S:
            run.keep()
            saved = time.monotonic()
    return run.keep()


def _build(settings: TrainSettings) -> Trainee:
    trainee = ARCHITECTURES[settings.architecture].build()
    if settings.both_ways:
        if not isinstance(trainee, Ours):
            raise SettingsInvalid(
                f"{settings.architecture} is shown no guess of the foreground, so it has one way",
                fix="Leave --both-ways away.",
            )
        trainee.both_ways = True
    return trainee


def _check(settings: TrainSettings, network: nn.Module) -> None:
    if settings.generator not in RULES:
        *others, newest = map(str, sorted(RULES))
        raise SettingsInvalid(
            f"there is no version {settings.generator} of the generator",
            fix=f"Ask for {', '.join(others)} or {newest}.",
        )
    align_px = network.align_px if isinstance(network, Matter) else 32
    for _, side in settings.shapes:
        if side % align_px or side <= 0:
            raise SettingsInvalid(
                f"crops of {side} px: {settings.architecture} takes multiples of {align_px} px",
                fix=f"Ask for --side {max(1, round(side / align_px)) * align_px}.",
            )


def _stream(
    settings: TrainSettings, trainee: Trainee, device: torch.device, seed: int
) -> Iterator[list[Sample]]:
    """Yield batches: single frames, or clips for a network that fuses neighbours."""
    asked = settings.data, settings.shapes, seed, device
    if isinstance(trainee.network, Matter) and trainee.network.is_temporal:
        yield from stream_clips(*asked, _CLIP_FRAMES, settings.generator)
    for sample in stream_samples(*asked, settings.generator, settings.ahead):
        yield [sample]


class _Run:
    """One slice of training: its network, what it has learned, and where that is kept."""

    def __init__(
        self,
        settings: TrainSettings,
        trainee: Trainee,
        average: dict[str, torch.Tensor],
        optimizer: Optimizer,
        progressed: Progressed,
        validation: list[Sample],
    ) -> None:
        self.settings = settings
        self.trainee = trainee
        self.average = average
        self.optimizer = optimizer
        self.progressed = progressed
        self.validation = validation
        self.losses: dict[str, torch.Tensor] = {}
        self.started = time.monotonic()
        self._samples_before = progressed.samples
        self._seconds_before = progressed.seconds

    def part_done(self) -> float:
        """Return how much of the slice is over, 0..1, by time or by samples."""
        allowed, wanted = self.settings.minutes * 60, self.settings.samples
        passed = time.monotonic() - self.started
        if passed >= allowed or (wanted is not None and self.progressed.samples >= wanted):
            return 1.0
        part = passed / allowed
        if wanted is not None:
            seen = self.progressed.samples - self._samples_before
            part = max(part, seen / (wanted - self._samples_before))
        return part

    def is_over(self) -> bool:
        """Whether the slice is to end."""
        return self.part_done() >= 1.0

    def step(self, samples: list[Sample]) -> None:
        """Learn from one batch."""
        network, optimizer = self.trainee.network, self.optimizer
        self._set_rate()
        device = next(network.parameters()).device
        # BatchNorm takes a sample in before anyone can tell that it overflows.
        buffers = [(buffer, buffer.clone()) for buffer in network.buffers()]
        with _precision(self.settings.precision, device):
            terms = self.trainee.loss(samples)
        network.zero_grad(set_to_none=True)
        terms["total"].backward()
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        # One sample that overflows must not end a night of training.
        if torch.isfinite(norm):
            optimizer.step()
            self._note(terms)
        else:
            for buffer, before in buffers:
                buffer.copy_(before)
        update_average(self.average, network, self.progressed.step)
        self.progressed.step += 1
        self.progressed.samples += samples[0].plate.shape[0]
        self.progressed.seconds = self._seconds_before + time.monotonic() - self.started

    def _note(self, terms: dict[str, torch.Tensor]) -> None:
        # As tensors: to ask a GPU for a number is to wait until it has done all it was told.
        for name, value in terms.items():
            now = value.detach().double()
            self.losses[name] = torch.lerp(self.losses.get(name, now), now, 0.02)

    def _set_rate(self) -> None:
        settings = self.settings
        rate = settings.rate or ARCHITECTURES[settings.architecture].rate
        end = rate if settings.rate_end is None else settings.rate_end
        now = rate + (end - rate) * self.part_done()
        self.optimizer.rate = now * min(1.0, (self.progressed.step + 1) / _WARMUP_STEPS)

    def keep(self) -> Path:
        """Validate the averaged weights, append a line to the log and save all that is needed."""
        settings, network = self.settings, self.trainee.network
        save_state(settings.out, network, self.average, self.optimizer, self.progressed)
        record = {
            "step": self.progressed.step,
            "samples": self.progressed.samples,
            "seconds": round(self.progressed.seconds),
            "rate": self.optimizer.rate,
            **{f"loss_{name}": round(float(value), 5) for name, value in self.losses.items()},
            **{name: round(value, 4) for name, value in self._validate().items()},
        }
        log.info("%s", record)
        with (settings.out / "log.jsonl").open("a") as file:
            file.write(json.dumps(record) + "\n")
        draw_curve(settings.out / "log.jsonl", settings.out / "curve.svg")
        samples = self.progressed.samples
        path = settings.out / "weights.safetensors"
        if isinstance(network, Matter):
            save_weights(path, self.average, network.widths, samples, network.is_temporal)
        else:
            save_trained(path, settings.architecture, self.average, samples)
        return path

    def _validate(self) -> dict[str, float]:
        """Return the figures of the averaged weights, whose place the network lends them."""
        network = self.trainee.network
        own = {key: value.clone() for key, value in network.state_dict().items()}
        network.load_state_dict(self.average)
        network.eval()
        try:
            return validate(self.trainee, self.validation)
        finally:
            network.load_state_dict(own)
            network.train()


def _precision(name: str, device: torch.device) -> contextlib.AbstractContextManager[object]:
    is_apt = choose_training_type(device) is torch.bfloat16
    if name == "bf16" or (name == "auto" and is_apt):
        return torch.autocast(device.type, torch.bfloat16)
    return contextlib.nullcontext()


def draw_validation(settings: TrainSettings) -> list[Sample]:
    """Return the fixed validation set: samples of 256 px from images kept from training."""
    bank = load_bank(settings.data, held_out=True)
    synthesiser = Synthesiser(bank, VALIDATION_SEED, "cpu", _VALIDATION_RULES)
    return [synthesiser.draw(4, 256) for _ in range(max(1, settings.validation_count // 4))]


def validate(trainee: Trainee, validation: list[Sample]) -> dict[str, float]:
    """Return errors of alpha and of the solved foreground x 1000, and what confidence is worth.

    soft_mad: the mean over pixels that are neither solid nor empty, as edges, hair and glass are.
    confidence: rank correlation of expected and true error, over means of 8 x 8 px.
    """
    device = next(trainee.network.parameters()).device
    names = ("mad", "soft_mad", "mse", "coarse_mad", "premult_mse", "confidence")
    totals = dict.fromkeys(names, 0.0)
    with torch.inference_mode():
        for sample in validation:
            on_device = Sample(*(part.to(device) for part in parts_of(sample)))
            drawn = trainee.answer(cues_of(on_device))
            alpha, coarse = (part.cpu().clamp(0, 1) for part in (drawn.alpha, drawn.coarse))
            made = (alpha - sample.alpha).abs()
            solved = sample.plate - (1 - alpha) * sample.clean
            wrong = (solved - sample.alpha * sample.foreground).square()
            is_soft = (sample.alpha > 0.02) & (sample.alpha < 0.98)
            totals["mad"] += 1000 * float(made.mean())
            totals["soft_mad"] += 1000 * float(made[is_soft].sum() / is_soft.sum().clamp_min(1))
            totals["mse"] += 1000 * float(made.square().mean())
            totals["coarse_mad"] += 1000 * float((coarse - sample.alpha).abs().mean())
            totals["premult_mse"] += 1000 * float(wrong.clamp_max(1).mean())
            totals["confidence"] += _rank_correlation(drawn.error.cpu(), made)
    return {name: value / len(validation) for name, value in totals.items()}


def _rank_correlation(expected: torch.Tensor, made: torch.Tensor) -> float:
    """Return Spearman's rho over blocks of 8 x 8 px; equal values share no rank here."""
    ranks = [
        torch.nn.functional.avg_pool2d(part, 8).flatten().argsort().argsort().float()
        for part in (expected, made)
    ]
    return float(torch.corrcoef(torch.stack(ranks))[0, 1])
