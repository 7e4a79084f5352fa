"""The whole network: plate and clean plate to alpha, foreground colour and expected error."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from .base import HINT_CHANNELS, NEIGHBOURS, Draw, Look, Motion, Think, Widths
from .blocks import channels_last
from .encode import decode_view, encode_view
from .refine import Refine, draw_foreground, project_alpha, shrink4, upsample4
from .transmission import measure_moments

Tensor = torch.Tensor


@dataclass(frozen=True)
class Cues:
    """What the network is shown of one frame; N x C x H x W, H and W multiples of 32.

    plate, clean: 3 channels, scene-linear Rec.709. trust: 1 channel, 0 where the clean plate does
    not cover the frame. hints: garbage, core and hint (see `base.HINT_CHANNELS`).
    """

    plate: Tensor
    clean: Tensor
    trust: Tensor
    hints: Tensor

    def rows(self, start: int, end: int) -> Cues:
        """Return the same cues for some rows of the frame."""
        parts = (self.plate, self.clean, self.trust, self.hints)
        return Cues(*(part[:, :, start:end] for part in parts))


@dataclass(frozen=True)
class Drawn:
    """What the network answers; N x C x H x W.

    alpha is not clamped (the caller clamps); coarse is the alpha before refinement; foreground is
    straight, scene-linear Rec.709; error is the absolute error of alpha that is to be expected.
    """

    alpha: Tensor
    coarse: Tensor
    foreground: Tensor
    error: Tensor


@dataclass(frozen=True)
class Views:
    """Plate and clean plate in the encoded view, N x 3 each; made once, used by two stages."""

    plate: Tensor
    clean: Tensor

    def rows(self, start: int, end: int) -> Views:
        """Return the same views for some rows of the frame."""
        return Views(self.plate[:, :, start:end], self.clean[:, :, start:end])


def no_hints(plate: Tensor) -> Tensor:
    """Return hints that say nothing, for a plate of N x 3 x H x W."""
    return plate.new_zeros(plate.shape[0], HINT_CHANNELS, *plate.shape[2:])


def _spare_hints(hints: Tensor) -> Tensor:
    """Return 1 x 1 pixel of hints that say nothing and take no memory, else all of them."""
    if hints.device.type == "cpu" and hints.stride()[2:] == (0, 0):
        first = hints[:, :, :1, :1]
        return hints if bool(first.any()) else first
    return hints


def _trusted(image: Tensor, trust: Tensor) -> Tensor:
    """Return an image that is 0 where the clean plate is not to be trusted."""
    # Asking is cheaper than a product that changes nothing; on a GPU it is the other way round.
    if trust.device.type == "cpu" and float(trust.min()) == 1:
        return image
    return image * trust


class Matter(nn.Module):
    """The network in its three stages; `forward` runs them on a whole frame at once."""

    ALIGN_PX = 32
    """Height and width must be multiples of this."""
    LOOK_HALO_PX = 32
    """Rows that `look` needs beyond a tile for the tile to equal the untiled result."""
    DRAW_HALO_PX = 32
    """Rows that `draw` needs beyond a tile, likewise."""

    def __init__(self, widths: Widths | None = None, is_temporal: bool = False) -> None:
        """Take the channel widths and whether neighbouring frames are fused."""
        super().__init__()
        self.widths = widths or Widths()
        self.look_stage = Look(self.widths)
        self.motion = Motion(self.widths.eighth) if is_temporal else None
        self.think_stage = Think(self.widths)
        self.draw_stage = Draw(self.widths)
        self.refine = Refine(self.widths.half)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def is_temporal(self) -> bool:
        """Whether neighbouring frames change the result."""
        return self.motion is not None

    def encode(self, cues: Cues) -> Views:
        """Return what the network sees of plate and clean plate.

        Whatever lies where the clean plate is not to be trusted was seen by no camera: it is 0
        here, as it is in training.
        """
        plate, clean = encode_view(cues.plate), encode_view(_trusted(cues.clean, cues.trust))
        return Views(channels_last(plate), channels_last(clean))

    def look(self, cues: Cues, views: Views) -> tuple[Tensor, Tensor]:
        """Return features at 1/4 and 1/8 of the cues, or of some rows of them."""
        trust, hints = channels_last(cues.trust), channels_last(_spare_hints(cues.hints))
        moments = measure_moments(cues.plate, _trusted(cues.clean, cues.trust))
        return self.look_stage(views.plate, views.clean, trust, hints, moments)

    def think(self, eighth: Tensor, neighbours: list[Tensor | None] | None = None) -> Tensor:
        """Return features at 1/8 that know the whole frame and its neighbours in time.

        neighbours: their features at 1/8 as `look` returns them, at the offsets of NEIGHBOURS;
        None where there is no such frame.
        """
        if self.motion is not None:
            eighth = self.motion(eighth, neighbours or [None] * len(NEIGHBOURS))
        return self.think_stage(eighth)

    def draw(self, cues: Cues, views: Views, quarter: Tensor, eighth: Tensor) -> Drawn:
        """Return alpha and the rest for the cues, or for some rows of them."""
        heads, detail = self.draw_stage(quarter, eighth)
        coarse = upsample4(heads[:, :1].float())
        small = draw_foreground(views.plate, heads[:, 1:4].float())
        foreground = upsample4(decode_view(small))
        # Where the clean plate is not to be trusted, there is nothing to project from.
        projected = _trusted(project_alpha(cues.plate, cues.clean, foreground), cues.trust)
        apart = (small - shrink4(views.clean)).abs().amax(1, keepdim=True)
        distance = _trusted(upsample4(apart), cues.trust)
        difference = channels_last(_trusted(views.plate - views.clean, cues.trust))
        alphas = torch.stack([coarse, projected, distance], -1)[:, 0].permute(0, 3, 1, 2)
        alpha, error = self.refine(difference, alphas, detail)
        return Drawn(alpha, coarse, foreground, error)

    def forward(self, cues: Cues, neighbours: list[Tensor | None] | None = None) -> Drawn:
        """Return what the network answers for whole frames."""
        views = self.encode(cues)
        quarter, eighth = self.look(cues, views)
        return self.draw(cues, views, quarter, self.think(eighth, neighbours))
