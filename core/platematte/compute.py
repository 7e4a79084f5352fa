"""One frame through prepare, network and solve; the border between numpy images and tensors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from platematte.memory import keep_freed_memory
from platematte.network.base import NEIGHBOURS
from platematte.network.device import choose_device
from platematte.network.load import Machine, load_runner
from platematte.network.matter import Cues, Drawn, Views
from platematte.network.tiles import Seen
from platematte.network.weights import find_weights
from platematte.prepare.prepare import PreparedFrame
from platematte.settings import MatteSettings
from platematte.solve.foreground import Solved, solve_alpha, solve_foreground

Image = np.ndarray


@dataclass(frozen=True)
class Mattes:
    """What the artist says of a frame; H x W x 1 each, None where nothing is said."""

    garbage: Image | None = None
    core: Image | None = None
    hint: Image | None = None


@dataclass(frozen=True)
class LookedAt:
    """A prepared frame with the network's own features of it."""

    prepared: PreparedFrame
    mattes: Mattes
    cues: Cues
    seen: Seen

    def for_neighbours(self) -> Seen:
        """Return what a neighbouring frame needs of this one, without what is larger."""
        nothing = self.seen.quarter.new_empty(0)
        return Seen(nothing, self.seen.eighth, Views(nothing, nothing))


@dataclass(frozen=True)
class FrameResult:
    """A matted frame; H x W x C float32, scene-linear in the working space."""

    solved: Solved
    colour: Image
    """The network's straight foreground colour, H x W x 3."""
    confidence: Image
    """1 minus the absolute error of alpha that is to be expected, H x W x 1 in 0..1."""


class Engine:
    """The network on its device with the settings of a job; keeps nothing between frames."""

    def __init__(self, settings: MatteSettings) -> None:
        """Load the weights onto the device; raises WeightsInvalid and DeviceMissing."""
        network, engine = settings.network, settings.engine
        keep_freed_memory()
        device = choose_device(network.device)
        machine = Machine(device, network.precision, engine.memory_mib, engine.cpu_fallback)
        self.runner, self.card = load_runner(find_weights(network.weights), machine)

    @property
    def offsets(self) -> tuple[int, ...]:
        """Offsets of the frames that change a frame's result."""
        return NEIGHBOURS if self.runner.is_temporal else ()

    def look(self, prepared: PreparedFrame, mattes: Mattes, to_rec709: Image) -> LookedAt:
        """Return a frame with its features. to_rec709: 3 x 3, working space to linear Rec.709."""
        cues = cues_of(prepared, mattes, to_rec709)
        return LookedAt(prepared, mattes, cues, self.runner.look(cues))

    def draw(self, here: LookedAt, beside: list[Seen | None]) -> Drawn:
        """Return the network's answer for a frame that was looked at, with its neighbours."""
        return self.runner.answer(here.cues, here.seen, beside)

    def solve(self, here: LookedAt, drawn: Drawn, to_rec709: Image) -> FrameResult:
        """Return alpha and foreground of a frame from the network's answer."""
        alpha, colour, confidence = images_of(drawn, to_rec709)
        prepared, mattes = here.prepared, here.mattes
        alpha = solve_alpha(alpha, mattes.garbage, mattes.core)
        solved = solve_foreground(prepared.plate, prepared.clean, alpha, prepared.trust, colour)
        return FrameResult(solved, colour, confidence)


def cues_of(prepared: PreparedFrame, mattes: Mattes, to_rec709: Image) -> Cues:
    """Return what the network is shown, as N x C x H x W tensors in linear Rec.709."""
    plate, clean = (
        _to_gamut(_tensor(image), to_rec709) for image in (prepared.plate, prepared.clean)
    )
    return Cues(plate, clean, _tensor(prepared.trust), _hints(mattes, plate))


def images_of(drawn: Drawn, to_rec709: Image) -> tuple[Image, Image, Image]:
    """Return alpha (H x W x 1), colour in the working space (x 3) and confidence (x 1)."""
    colour = _to_gamut(drawn.foreground, np.linalg.inv(to_rec709))
    confidence = (1 - drawn.error.abs()).clamp(0, 1)
    parts = (drawn.alpha, colour, confidence)
    alpha, colour_image, confidence_image = (part[0].permute(1, 2, 0).numpy() for part in parts)
    return np.ascontiguousarray(alpha), colour_image, confidence_image


def _hints(mattes: Mattes, plate: torch.Tensor) -> torch.Tensor:
    size = plate.shape[2:]
    said = (mattes.garbage, mattes.core, mattes.hint)
    if all(matte is None for matte in said):
        return torch.zeros(1, 1, 1, 1).expand(1, len(said), *size)
    hints = torch.zeros(1, len(said), *size)
    for channel, matte in enumerate(said):
        if matte is not None:
            hints[0, channel] = _tensor(np.clip(matte, 0, 1))[0, 0]
    if mattes.hint is not None:
        # The hint runs from -1, surely set, to 1, surely subject; 0 says nothing.
        hints[0, 2] = 2 * hints[0, 2] - 1
    return hints


def _tensor(image: Image) -> torch.Tensor:
    contiguous = np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32)
    return torch.from_numpy(contiguous)[None]


def _to_gamut(image: torch.Tensor, matrix: Image) -> torch.Tensor:
    if np.allclose(matrix, np.eye(3), atol=1e-6):
        return image
    weight = torch.from_numpy(np.asarray(matrix, np.float32))
    return torch.einsum("ij,njhw->nihw", weight, image)
