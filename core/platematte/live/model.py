"""The live model: one tensor in, one tensor out, as Nuke's Inference node asks; scripted.

The solve is that of `solve.foreground` and `solve.confidence`, with their equations, as
TorchScript. What it lacks beside the engine: alignment, light matching and tiles.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from platematte.live.network import trace_encoding, trace_network
from platematte.live.temporal import Fusion
from platematte.network.matter import FAR_PX, Matter

Tensor = torch.Tensor

_native: Any = torch._C._nn
"""Operations that `torch.nn.functional` would wrap in calls that torch 1.6 does not have."""


class LiveMatte(nn.Module):
    """Plate, clean plate and mattes to premultiplied foreground, alpha and confidence.

    `quality` is the knob: 1 averages alpha with the frames beside it, where they are given.
    """

    def __init__(self, matter: Matter, to_rec709: Sequence[float], from_rec709: Sequence[float]):
        """Take the network and 3 x 3 matrices, row by row, between the comp's space and Rec.709."""
        super().__init__()
        self.quality: int = 1
        self.network = trace_network(matter)
        # A trace cannot choose; both are of the same weights, which the file holds once.
        self.far_network = trace_network(matter, is_far=matter.is_far(FAR_PX))
        self.far_px: int = FAR_PX
        self.align_px: int = matter.align_px
        self.fusion = Fusion(trace_encoding())
        self.to_rec709: list[float] = [float(number) for number in to_rec709]
        self.from_rec709: list[float] = [float(number) for number in from_rec709]

    def forward(self, x: Tensor) -> Tensor:
        """Take N x 9 or N x 27 x H x W, return N x 5 x H x W; any H and W, float or half.

        In, scene-linear in the comp's space: `channels.CHANNELS_IN`, those of this frame or of
        three. Out: `channels.CHANNELS_OUT`. Nothing is clamped but alpha and confidence, to 0..1.
        """
        if x.shape[1] != 9 and x.shape[1] != 27:
            raise RuntimeError("PlateMatte: the model takes 9 or 27 channels; see its README")
        frames: list[Tensor] = []
        for index in range(x.shape[0]):
            frames.append(self.matte(x.narrow(0, index, 1).float()))
        return torch.cat(frames, 0).to(x.dtype).contiguous()

    def matte(self, x: Tensor) -> Tensor:
        """Matte one frame, float32, with its neighbours where there are any."""
        here = prepare(x.narrow(1, 0, 9))
        alpha, colour, error = self.look(here)
        if self.quality > 0 and x.shape[1] > 9:
            beside: list[list[Tensor]] = []
            for place in range(1, 3):
                there = prepare(x.narrow(1, 9 * place, 9))
                # Beyond the ends of a shot its last frame is held: that frame says nothing new.
                if not torch.equal(there.narrow(1, 0, 3), here.narrow(1, 0, 3)):
                    beside.append(self.trace(there, self.look(there)[0]))
            if len(beside) > 0:
                alpha = self.fusion.fuse(self.trace(here, alpha), beside)
        return solve(here, alpha, change_primaries(colour, self.from_rec709), error)

    def look(self, frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the network's alpha, colour (linear Rec.709) and expected error."""
        height, width = frame.shape[2], frame.shape[3]
        align = self.align_px
        down = (height + align - 1) // align * align - height
        across = (width + align - 1) // align * align - width
        padded = _native.replication_pad2d(frame, [0, across, 0, down])
        plate = change_primaries(padded.narrow(1, 0, 3), self.to_rec709)
        clean = change_primaries(padded.narrow(1, 3, 3), self.to_rec709)
        mattes = padded.narrow(1, 7, 2)
        hints = torch.cat([mattes, torch.zeros_like(mattes.narrow(1, 0, 1))], 1)
        trust = padded.narrow(1, 6, 1)
        if height * width >= self.far_px:
            alpha, colour, error = self.far_network(plate, clean, trust, hints)
        else:
            alpha, colour, error = self.network(plate, clean, trust, hints)
        return crop(alpha, height, width), crop(colour, height, width), crop(error, height, width)

    def trace(self, frame: Tensor, alpha: Tensor) -> list[Tensor]:
        """Return what the fusion needs of a frame."""
        return self.fusion.trace(alpha, change_primaries(frame.narrow(1, 0, 3), self.to_rec709))


def crop(image: Tensor, height: int, width: int) -> Tensor:
    """Return the first rows and columns."""
    return image.narrow(2, 0, height).narrow(3, 0, width)


def change_primaries(image: Tensor, matrix: list[float]) -> Tensor:
    """Return 3 channels times a 3 x 3 matrix; the same tensor where it changes nothing."""
    if matrix == [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]:
        return image
    parts: list[Tensor] = []
    for row in range(3):
        part = image.narrow(1, 0, 1) * matrix[3 * row]
        part = part + image.narrow(1, 1, 1) * matrix[3 * row + 1]
        parts.append(part + image.narrow(1, 2, 1) * matrix[3 * row + 2])
    return torch.cat(parts, 1)


def valid_of(image: Tensor) -> Tensor:
    """Return 1 where all channels are finite, else 0; 1 channel."""
    return torch.min((image - image == 0).float(), 1, True)[0]


def make_finite(image: Tensor, valid: Tensor) -> Tensor:
    """Return the image with the mean of what is around it where it is not finite."""
    if float(valid.min()) == 1:
        return image
    is_valid = (valid > 0).expand_as(image)
    whole = torch.where(is_valid, image, torch.zeros_like(image))
    total = _native.avg_pool2d(whole, [7, 7], [1, 1], [3, 3])
    count = _native.avg_pool2d(valid, [7, 7], [1, 1], [3, 3])
    return torch.where(is_valid, whole, total / count.clamp_min(1 / 49))


def prepare(frame: Tensor) -> Tensor:
    """Return the 9 channels of a frame with finite pixels, trust for coverage, mattes in 0..1."""
    plate, clean = frame.narrow(1, 0, 3), frame.narrow(1, 3, 3)
    coverage, mattes = frame.narrow(1, 6, 1), frame.narrow(1, 7, 2)
    covered = (coverage > 0.999).float()
    seen, known = valid_of(plate), valid_of(clean)
    clean = torch.where(
        (covered > 0).expand_as(clean), make_finite(clean, known), torch.zeros_like(clean)
    )
    # A matte that is not a number says nothing; nor is anything equal to itself that is not one.
    mattes = torch.where(mattes == mattes, mattes, torch.zeros_like(mattes)).clamp(0.0, 1.0)
    return torch.cat([make_finite(plate, seen), clean, covered * seen * known, mattes], 1)


def solve(frame: Tensor, drawn: Tensor, colour: Tensor, error: Tensor) -> Tensor:
    """Return premultiplied foreground, alpha and confidence: 5 channels."""
    plate, clean, trust = frame.narrow(1, 0, 3), frame.narrow(1, 3, 3), frame.narrow(1, 6, 1)
    garbage, core = frame.narrow(1, 7, 1), frame.narrow(1, 8, 1)
    alpha = torch.min(torch.max(drawn.clamp(0.0, 1.0), core), 1 - garbage)
    # The engine's alpha is one that half floats hold, and solid where it rounds to 1.
    alpha = alpha.half().float()
    premult = plate - (1 - alpha) * clean
    brightest = max(float(plate.max()), 1.0)
    painted = alpha * colour.clamp_max(brightest)
    premult = torch.where((trust < 1).expand_as(plate), painted, premult)
    premult = torch.max(premult, plate.clamp_max(0.0))
    premult = torch.where((alpha >= 1).expand_as(plate), plate, premult)
    premult = torch.where((alpha <= 0).expand_as(plate), torch.zeros_like(plate), premult)
    # `SETTLED` (0.01) and `NEAR` (1 / 64) of `solve.confidence`.
    solid = (1 - 64 * torch.min(alpha, 1 - alpha)).clamp(0.0, 1.0)
    doubt = (error.abs() - 0.01 * solid).clamp(0.0, 1.0) * (1 - garbage) * (1 - core)
    return torch.cat([premult, alpha, 1 - doubt], 1)


def script_live_matte(
    matter: Matter, to_rec709: Sequence[float], from_rec709: Sequence[float]
) -> Any:
    """Return the live model as TorchScript, in evaluation mode."""
    with warnings.catch_warnings():
        # TorchScript is deprecated in torch, and it is what Nuke takes.
        warnings.simplefilter("ignore")
        return torch.jit.script(LiveMatte(matter, to_rec709, from_rec709).eval())
