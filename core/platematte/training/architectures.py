"""The networks that can be trained here, behind one face: ours, and the two published ones.

The published architectures are baselines: trained from nothing on our samples with the losses
that they were published with, so that a comparison is of architectures and not of data.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional

from ..errors import WeightsInvalid
from ..network.base import NEIGHBOURS, Widths
from ..network.encode import decode_view, encode_view
from ..network.matter import Cues, Drawn, Matter
from ..network.published.mattingv2 import MattingRefine
from ..network.published.patches import RefineSettings
from ..network.published.seed import SeedNetwork
from ..network.weights import load_weights
from .losses import LossWeights, gradient_l1, matting_loss
from .synthesise import Sample

Tensor = torch.Tensor


_FAR_CROP_PX = 320
"""Smaller crops are too small to look far in."""


class Trainee(Protocol):
    """A network with its losses."""

    @property
    def network(self) -> nn.Module:
        """The network itself."""

    def loss(self, samples: list[Sample]) -> dict[str, Tensor]:
        """Return every term, weighted, and "total". samples: one batch, or the frames of clips."""

    def answer(self, cues: Cues) -> Drawn:
        """Return what the network answers to single frames."""


class Ours:
    """Our network, with the losses of `losses`."""

    def __init__(
        self, matter: Matter, weights: LossWeights | None = None, both_ways: bool = False
    ) -> None:
        """Take the network and how much each term counts.

        both_ways: each sample is answered with the guess and without it; else a coin decides.
        """
        self.network = matter
        self.weights = weights or LossWeights()
        self.both_ways = both_ways

    def loss(self, samples: list[Sample]) -> dict[str, Tensor]:
        """Return the terms for the frame in the middle; the others are its neighbours."""
        sample = samples[len(samples) // 2]
        neighbours = None
        if self.network.motion is not None and len(samples) > 1:
            middle = len(samples) // 2
            neighbours = [self._eighth(samples[middle + offset]) for offset in NEIGHBOURS]
        cues, is_far = cues_of(sample), self._draw_far(sample.plate.shape[3])
        answers = [self.network(cues, neighbours, is_far, shown) for shown in self._draw_ways()]
        terms = [matting_loss(drawn, sample, self.weights) for drawn in answers]
        return {name: torch.stack([each[name] for each in terms]).mean() for name in terms[0]}

    def answer(self, cues: Cues) -> Drawn:
        """Return what the network answers."""
        return self.network(cues)

    def _draw_far(self, side_px: int) -> bool:
        """Whether crops of a side are to be seen as parts of large frames: half of the larger ones.

        No crop has the pixels of a frame that is far.
        """
        can_be_far = self.network.widths.reach > 1 and side_px >= _FAR_CROP_PX
        return can_be_far and float(torch.rand(())) < 0.5

    def _draw_ways(self) -> list[bool]:
        """Whether the guess is shown: half of the time, so that nothing hangs on it alone."""
        if not self.network.widths.guess:
            return [True]
        return [True, False] if self.both_ways else [float(torch.rand(())) < 0.5]

    def _eighth(self, sample: Sample) -> Tensor:
        cues = cues_of(sample)
        return self.network.look(cues, self.network.encode(cues))[1]


class MattingV2:
    """BackgroundMattingV2 with its losses (Lin et al. 2021, section 4; all weights 1).

    It works at half of the resolution, the most that it allows, and refines every pixel: what a
    small frame gains from that is given to it.
    """

    def __init__(self, backbone: str) -> None:
        """Take the name of a backbone; it begins as it is initialised, not pretrained."""
        self.network = MattingRefine(backbone, scale=0.5, refine=RefineSettings(mode="full"))

    def loss(self, samples: list[Sample]) -> dict[str, Tensor]:
        """Return the terms of the fine and of the coarse answer."""
        sample = samples[len(samples) // 2]
        with torch.no_grad():
            true = encode_view(sample.foreground).clamp(0, 1)
        drawn = self.network(*_encoded(cues_of(sample)))
        half = drawn.coarse_alpha.shape[2:]
        small = functional.interpolate(sample.alpha, half, mode="bilinear")
        error = functional.interpolate(drawn.coarse_error, sample.alpha.shape[2:], mode="bilinear")
        made = (drawn.alpha.detach() - sample.alpha).abs()
        coarse_true = functional.interpolate(true, half, mode="bilinear")
        terms = {
            "alpha": (drawn.alpha - sample.alpha).abs().mean(),
            "gradient": gradient_l1(drawn.alpha, sample.alpha),
            "foreground": _colour_l1(drawn.foreground, true, sample.alpha),
            "coarse": (drawn.coarse_alpha - small).abs().mean(),
            "coarse_gradient": gradient_l1(drawn.coarse_alpha, small),
            "coarse_foreground": _colour_l1(drawn.coarse_foreground, coarse_true, small),
            "error": (error - made).square().mean(),
        }
        return _with_total(terms)

    def answer(self, cues: Cues) -> Drawn:
        """Return what the network answers, its colour decoded to scene-linear."""
        drawn = self.network(*_encoded(cues))
        size = cues.plate.shape[2:]
        coarse, error = (
            functional.interpolate(part.float(), size, mode="bilinear")
            for part in (drawn.coarse_alpha, drawn.coarse_error)
        )
        return Drawn(drawn.alpha.float(), coarse, decode_view(drawn.foreground.float()), error)


class Seed:
    """The seed's network with the losses of its first phase (Sengupta et al. 2020, section 3.2).

    It wants a soft segmentation. No segmenter belongs to this comparison, so that it is made from
    the difference of the two plates, in training and in use alike.
    """

    def __init__(self) -> None:
        """Build the published widths."""
        self.network = SeedNetwork()

    def loss(self, samples: list[Sample]) -> dict[str, Tensor]:
        """Return alpha + 2 foreground + composition + gradient, in the published -1..1 range."""
        sample = samples[len(samples) // 2]
        cues = cues_of(sample)
        with torch.no_grad():
            plate, clean = (image * 2 - 1 for image in _encoded(cues))
            true, behind = (
                encode_view(image).clamp(0, 1) * 2 - 1 for image in (sample.foreground, sample.set)
            )
        drawn = self.network(plate, clean, segmentation_of(cues) * 2 - 1)
        wanted = sample.alpha * 2 - 1
        alpha = (drawn.alpha + 1) / 2
        # Above 0.95 the plate itself is the foreground, as when the matte is used.
        colour = torch.where(drawn.alpha > 0.95, plate, drawn.foreground)
        composite = alpha * colour + (1 - alpha) * behind
        terms = {
            "alpha": (drawn.alpha - wanted).abs().mean(),
            "foreground": 2 * 3 * _colour_l1(drawn.foreground, true, sample.alpha),
            "composition": 3 * (composite - plate).abs().mean(),
            "gradient": 2 * gradient_l1(drawn.alpha, wanted),
        }
        return _with_total(terms)

    def answer(self, cues: Cues) -> Drawn:
        """Return what the network answers, its colour decoded to scene-linear."""
        plate, clean = _encoded(cues)
        drawn = self.network(plate * 2 - 1, clean * 2 - 1, segmentation_of(cues) * 2 - 1)
        alpha = (drawn.alpha.float() + 1) / 2
        encoded = torch.where(drawn.alpha > 0.95, plate, (drawn.foreground.float() + 1) / 2)
        colour = decode_view(encoded.clamp(0, 1))
        return Drawn(alpha, alpha, colour, torch.zeros_like(alpha))


@dataclass(frozen=True)
class Architecture:
    """How a network is built and how fast it learns."""

    build: Callable[[], Trainee]
    rate: float
    uses_muon: bool
    """Whether Muon has its matrices, else AdamW all of it."""


QUALITY = Widths(guess=True, reach=2, evidence=True)
FAST = Widths(half=8, shrink=2, guess=True)
"""Half of the resolution before the refiner, and a third of its channels."""
ARCHITECTURES = {
    "quality": Architecture(lambda: Ours(Matter(QUALITY)), 1.6e-3, True),
    "fast": Architecture(lambda: Ours(Matter(FAST)), 1.6e-3, True),
    "mattingv2-mobilenetv2": Architecture(lambda: MattingV2("mobilenetv2"), 3e-3, True),
    "seed": Architecture(Seed, 1e-4, False),
}
"""Rates: what learned fastest of what was tried (docs/decisions/0005-baselines.md)."""


@dataclass(frozen=True)
class TrainedNetwork:
    """A network that was trained here, ready for use."""

    name: str
    samples: int
    trainee: Trainee

    def matte(
        self, plate: Tensor, clean: Tensor, trust: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return alpha in 0..1, straight foreground and expected error (None: it has none).

        All N x C x H x W, scene-linear Rec.709; H and W multiples of 64.
        """
        hints = torch.zeros_like(trust).expand(-1, 3, -1, -1)
        with torch.inference_mode():
            drawn = self.trainee.answer(Cues(plate, clean, trust, hints))
        error = None if isinstance(self.trainee, Seed) else drawn.error
        return drawn.alpha.clamp(0, 1), drawn.foreground, error


def save_trained(path: Path, architecture: str, state: dict[str, Tensor], samples: int) -> None:
    """Write the weights of a published architecture as half floats, beside and then renamed."""
    header = {"architecture": architecture, "samples": str(samples)}
    halves = {key: _half(value.detach().cpu()) for key, value in state.items()}
    part = path.with_name(f".{path.name}.part")
    save_file(halves, str(part), metadata=header)
    part.replace(path)


def load_trained(path: Path) -> TrainedNetwork:
    """Return a network that was trained here, in evaluation mode.

    Raises WeightsInvalid for a file that no training here has written.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsInvalid(f"not a readable safetensors file ({error})", path=path) from error
    name = header.get("architecture")
    if name is None:
        matter, card = load_weights(path)
        return TrainedNetwork("ours", card.samples, Ours(matter))
    if name not in ARCHITECTURES:
        known = ", ".join(ARCHITECTURES)
        raise WeightsInvalid(f"of an unknown architecture {name!r} (known: {known})", path=path)
    trainee = ARCHITECTURES[name].build()
    places = trainee.network.state_dict()
    try:
        tensors = {key: state[key].to(place) for key, place in places.items()}
        trainee.network.load_state_dict(tensors)
        samples = int(header["samples"])
    except (KeyError, RuntimeError, ValueError) as error:
        raise WeightsInvalid(f"not the weights of a {name} network ({error})", path=path) from error
    trainee.network.eval()
    return TrainedNetwork(name, samples, trainee)


def _half(value: Tensor) -> Tensor:
    """Return half floats; what BatchNorm counts stays whole, beyond 65504 too."""
    return (value.half() if value.is_floating_point() else value).contiguous()


def cues_of(sample: Sample) -> Cues:
    """Return what a network is shown of a sample."""
    return Cues(sample.plate, sample.clean, sample.trust, sample.hints)


def segmentation_of(cues: Cues) -> Tensor:
    """Return a soft segmentation, N x 1 in 0..1: where plate and clean plate differ, blurred."""
    plate, clean = _encoded(cues)
    difference = (plate - clean).abs().amax(1, keepdim=True) * cues.trust
    small = functional.avg_pool2d(difference, 4)
    sure = ((small - 0.06) / 0.06).clamp(0, 1)
    # The published clean-up: lone pixels go, gaps close, the edge is soft.
    opened = functional.max_pool2d(-functional.max_pool2d(-sure, 3, 1, 1), 5, 1, 2)
    soft = functional.avg_pool2d(opened, 7, 1, 3, count_include_pad=False)
    return functional.interpolate(soft, cues.plate.shape[2:], mode="bilinear")


def _encoded(cues: Cues) -> tuple[Tensor, Tensor]:
    """Return the views that the published networks see, 0..1; beyond the clean plate the plate."""
    plate = encode_view(cues.plate).clamp(0, 1)
    clean = encode_view(cues.clean).clamp(0, 1)
    return plate, torch.lerp(plate, clean, cues.trust)


def _colour_l1(drawn: Tensor, true: Tensor, alpha: Tensor) -> Tensor:
    there = (alpha > 0).to(drawn)
    return ((drawn - true).abs() * there).sum() / (3 * there.sum() + 1e3)


def _with_total(terms: dict[str, Tensor]) -> dict[str, Tensor]:
    terms["total"] = torch.stack(list(terms.values())).sum()
    return terms
