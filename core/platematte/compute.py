"""One frame through prepare, network and solve; the border between numpy images and tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from platematte.errors import WeightsInvalid
from platematte.memory import keep_freed_memory
from platematte.network.base import NEIGHBOURS
from platematte.network.device import choose_device
from platematte.network.encode import encode_view
from platematte.network.load import Machine, load_runner
from platematte.network.matter import Cues, Drawn
from platematte.network.tiles import Seen, seen_nothing
from platematte.network.weights import find_weights
from platematte.opencv_pixels import OpenCVPixels
from platematte.prepare.prepare import PreparedFrame
from platematte.settings import MatteSettings
from platematte.solve.confidence import solve_confidence
from platematte.solve.foreground import Solved, solve_alpha, solve_foreground
from platematte.solve.match import halve
from platematte.solve.temporal import OFFSETS, Trace, fuse_alpha, trace_frame

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
        return self.seen.for_neighbours()

    def once_drawn(self) -> LookedAt:
        """Return what is needed of this frame after the network has answered."""
        nothing = torch.empty(0)
        cues = Cues(nothing, nothing, nothing, nothing)
        return replace(self, cues=cues, seen=seen_nothing())


@dataclass(frozen=True)
class FrameResult:
    """A matted frame; H x W x C float32, scene-linear in the working space."""

    solved: Solved
    colour: Image
    """The network's straight foreground colour, H x W x 3."""
    confidence: Image
    """How little error of alpha is to be expected, H x W x 1 in 0..1 (`solve_confidence`)."""


class Engine:
    """The network on its device with the settings of a job; keeps nothing between frames.

    It may serve several jobs with settings that it `suits`, one after the other.
    """

    def __init__(self, settings: MatteSettings) -> None:
        """Load the weights onto the device; raises WeightsInvalid and DeviceMissing."""
        network, engine = settings.network, settings.engine
        keep_freed_memory()
        device = choose_device(network.device)
        machine = Machine(
            device, network.precision, engine.memory_mib, engine.cpu_fallback, OpenCVPixels()
        )
        self.runner, self.card = load_runner(find_weights(network.weights), machine)
        self.fused_offsets = OFFSETS if settings.solve.temporal == "auto" else ()
        """Offsets of the frames whose alpha a frame's own is averaged with."""
        self._made_for, self._as_loaded = _needs(settings), self._condition()

    def suits(self, settings: MatteSettings) -> bool:
        """Tell whether a new engine with these settings would be the same as this one.

        Not when the weights' file has changed, or when this one has shrunk its tiles or left its
        device for want of memory. Raises WeightsInvalid and DeviceMissing as making one does.
        """
        return self._made_for == _needs(settings) and self._as_loaded == self._condition()

    def rest(self) -> None:
        """Give back the GPU's memory that only a next frame would use; the weights stay there."""
        self.runner.rest()

    def _condition(self) -> tuple[object, ...]:
        return self.runner.device, getattr(self.runner, "memory_mib", None)

    @property
    def offsets(self) -> tuple[int, ...]:
        """Offsets of the frames that change what the network answers for a frame."""
        return NEIGHBOURS if self.runner.is_temporal else ()

    def look(
        self,
        prepared: PreparedFrame,
        mattes: Mattes,
        to_rec709: Image,
        format_px: int | None = None,
    ) -> LookedAt:
        """Return a frame with its features. to_rec709: 3 x 3, working space to linear Rec.709.

        format_px: pixels of the shot's format; None: the frame is all of it.
        """
        cues = cues_of(prepared, mattes, to_rec709)
        return LookedAt(prepared, mattes, cues, self.runner.look(cues, format_px))

    def draw(self, here: LookedAt, beside: list[Seen | None]) -> Drawn:
        """Return the network's answer for a frame that was looked at, with its neighbours."""
        return self.runner.answer(here.cues, here.seen, beside)

    def trace(self, here: LookedAt, drawn: Drawn, to_rec709: Image) -> Trace | None:
        """Return what the frames beside this one need of it; None where alpha is not fused."""
        if not self.fused_offsets:
            return None
        small = _to_gamut(_tensor(halve(here.prepared.plate)), to_rec709)
        return trace_frame(_image(drawn.alpha), _image(encode_view(small)))

    def fuse(self, drawn: Drawn, trace: Trace | None, beside: Sequence[Trace | None]) -> Drawn:
        """Return the answer with alpha averaged along the motion, the rest as it was.

        trace: what `trace` returned for this frame. beside: the same of the frames beside it, at
        `fused_offsets`, None where there is no such frame.
        """
        if trace is None or all(neighbour is None for neighbour in beside):
            return drawn
        return replace(drawn, alpha=_tensor(fuse_alpha(trace, beside)))

    def solve(self, here: LookedAt, drawn: Drawn, to_rec709: Image) -> FrameResult:
        """Return alpha and foreground of a frame from the network's answer."""
        drawn_alpha, colour, error = images_of(drawn, to_rec709)
        prepared, mattes = here.prepared, here.mattes
        alpha = solve_alpha(drawn_alpha, mattes.garbage, mattes.core)
        confidence = solve_confidence(alpha, error, mattes.garbage, mattes.core)
        solved = solve_foreground(prepared.plate, prepared.clean, alpha, prepared.trust, colour)
        return FrameResult(solved, colour, confidence)


def _needs(settings: MatteSettings) -> tuple[object, ...]:
    """Return all that an engine is made of; equal ones make equal engines."""
    network, machine = settings.network, settings.engine
    path = find_weights(network.weights)
    try:
        content: object = (path.stat().st_mtime_ns, path.stat().st_size)
    except OSError as error:
        raise WeightsInvalid(error.strerror or str(error), path=path) from error
    device = choose_device(network.device)
    told = (device, network.precision, machine.memory_mib, machine.cpu_fallback)
    return path.resolve(), content, *told, settings.solve.temporal


def cues_of(prepared: PreparedFrame, mattes: Mattes, to_rec709: Image) -> Cues:
    """Return what the network is shown, as N x C x H x W tensors in linear Rec.709."""
    plate, clean = (
        _to_gamut(_tensor(image), to_rec709) for image in (prepared.plate, prepared.clean)
    )
    return Cues(plate, clean, _tensor(prepared.trust), _hints(mattes, plate))


def images_of(drawn: Drawn, to_rec709: Image) -> tuple[Image, Image, Image]:
    """Return alpha (H x W x 1), colour in the working space (x 3) and expected error (x 1)."""
    colour = _to_gamut(drawn.foreground, np.linalg.inv(to_rec709))
    alpha, colour_image, error = (_image(part) for part in (drawn.alpha, colour, drawn.error))
    return np.ascontiguousarray(alpha), colour_image, error


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


def _image(tensor: torch.Tensor) -> Image:
    return tensor[0].permute(1, 2, 0).numpy()


def _to_gamut(image: torch.Tensor, matrix: Image) -> torch.Tensor:
    if np.allclose(matrix, np.eye(3), atol=1e-6):
        return image
    weight = torch.from_numpy(np.asarray(matrix, np.float32))
    return torch.einsum("ij,njhw->nihw", weight, image)
