"""The whole network: plate and clean plate to alpha, foreground colour and expected error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import nn

from .base import HINT_CHANNELS, NEIGHBOURS, Draw, Look, Motion, Think, Widths
from .blocks import channels_last, shrink, shrink_padded
from .encode import decode_view, encode_packed
from .evidence import BLOCK_PX, measure_noise, weigh
from .guess import Guess, guess_foreground
from .pixels import PLAIN, Pixels
from .refine import Refine, draw_foreground, project_alpha
from .transmission import measure_moments

Tensor = torch.Tensor

FAR_PX = 4_000_000
"""Pixels of a frame from which on `think` looks farther: half way from HD to 4K."""


@dataclass(frozen=True)
class Cues:
    """What the network is shown of one frame; N x C x H x W, multiples of `Matter.align_px`.

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
class Sketch:
    """What is drawn of a frame before its pixels are looked at again.

    heads: N x 4 or 5, of the coarse size, float32 (see `base.Draw`). features: N x C, likewise, in
    the arithmetic of the layers.
    """

    heads: Tensor
    features: Tensor

    def rows(self, start: int, end: int) -> Sketch:
        """Return some rows of it, counted in its own pixels."""
        return Sketch(self.heads[:, :, start:end], self.features[:, :, start:end])


@dataclass(frozen=True)
class Views:
    """Plate and clean plate in the encoded view, N x 3 each; made once, used by all stages.

    small_plate, small_clean: means over blocks, of the size of the coarse alpha. noise: N x 1, what
    the two differ by where both show the set, of that size, for weights that ask for it.
    """

    plate: Tensor
    clean: Tensor
    small_plate: Tensor
    small_clean: Tensor
    noise: Tensor | None = None

    def to(self, device: torch.device) -> Views:
        """Return the same on a device."""
        views = (self.plate, self.clean, self.small_plate, self.small_clean)
        plate, clean, small_plate, small_clean = (view.to(device) for view in views)
        noise = None if self.noise is None else self.noise.to(device)
        return Views(plate, clean, small_plate, small_clean, noise)

    def rows(self, start: int, end: int) -> Views:
        """Return the same views for some rows of the frame."""
        times = self.plate.shape[2] // self.small_plate.shape[2]
        small = slice(start // times, end // times)
        return Views(
            self.plate[:, :, start:end],
            self.clean[:, :, start:end],
            self.small_plate[:, :, small],
            self.small_clean[:, :, small],
            None if self.noise is None else self.noise[:, :, small],
        )


def no_hints(plate: Tensor) -> Tensor:
    """Return hints that say nothing, for a plate of N x 3 x H x W."""
    return plate.new_zeros(plate.shape[0], HINT_CHANNELS, *plate.shape[2:])


def _spare_hints(hints: Tensor) -> Tensor:
    """Return 1 x 1 pixel of hints that say nothing and take no memory, else all of them."""
    if hints.device.type == "cpu" and hints.stride()[2:] == (0, 0):
        first = hints[:, :, :1, :1]
        return hints if bool(first.any()) else first
    return hints


def _is_trusted(trust: Tensor) -> bool:
    """Whether the clean plate is to be trusted everywhere, as far as that is cheap to know."""
    # Asking is cheaper than a product that changes nothing; on a GPU it is the other way round.
    return trust.device.type == "cpu" and float(trust.min()) == 1


def _trusted(image: Tensor, trust: Tensor) -> Tensor:
    """Return an image that is 0 where the clean plate is not to be trusted."""
    return image if _is_trusted(trust) else image * trust


class Halo(NamedTuple):
    """Rows that each local stage needs on both sides of a tile."""

    look: int
    sketch: int
    finish: int


class Matter(nn.Module):
    """The network in its stages; `forward` runs them on a whole frame at once."""

    def __init__(self, widths: Widths | None = None, is_temporal: bool = False) -> None:
        """Take the channel widths and whether neighbouring frames are fused."""
        super().__init__()
        self.widths = widths or Widths()
        self.look_stage = Look(self.widths)
        self.motion = Motion(self.widths.eighth) if is_temporal else None
        self.think_stage = Think(self.widths)
        self.draw_stage = Draw(self.widths)
        self.refine = Refine(self.widths.half, self.widths.evidence)
        self.pixels: Pixels = PLAIN
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @property
    def align_px(self) -> int:
        """Height and width must be multiples of this."""
        return 32 * self.widths.shrink

    def is_far(self, format_px: int) -> bool:
        """Whether `think` is to look farther than in small frames, for so many pixels.

        Of the format, not of the data window, whose size may change from frame to frame.
        """
        return self.widths.reach > 1 and format_px >= FAR_PX

    @property
    def halo_px(self) -> Halo:
        """Rows that the local stages need beyond a tile to answer as they do without tiles."""
        times = self.widths.shrink
        return Halo(look=32 * times, sketch=16 * times, finish=8 * times)

    @property
    def coarse_px(self) -> int:
        """Pixels of the frame along a side of one pixel of the coarse alpha."""
        return 4 * self.widths.shrink

    @property
    def is_temporal(self) -> bool:
        """Whether neighbouring frames change the result."""
        return self.motion is not None

    def encode(self, cues: Cues) -> Views:
        """Return what the network sees of plate and clean plate, at the size that it takes.

        Whatever lies where the clean plate is not to be trusted was seen by no camera: it is 0
        here, as it is in training. cues: of any size (see `encode_packed`).
        """
        weight = None if _is_trusted(cues.trust) else cues.trust
        plate = encode_packed(cues.plate, None, self.align_px, self.pixels)
        clean = encode_packed(cues.clean, weight, self.align_px, self.pixels)
        small_plate, small_clean = (shrink(view, self.coarse_px) for view in (plate, clean))
        noise = self._noise(plate, clean, cues.trust)
        return Views(plate, clean, small_plate, small_clean, noise)

    def _noise(self, plate: Tensor, clean: Tensor, trust: Tensor) -> Tensor | None:
        if not self.widths.evidence:
            return None
        with torch.autocast(plate.device.type, enabled=False):
            trust = shrink_padded(trust, BLOCK_PX, plate.shape[2:])
            return measure_noise(plate, clean, trust, self.coarse_px)

    def look(self, cues: Cues, views: Views) -> tuple[Tensor, Tensor]:
        """Return features at 1/4 and 1/8 of the cues, or of some rows of them.

        Plate and clean plate may lack the last rows and columns, up to the views' size.
        """
        times = self.widths.shrink
        trust, hints = channels_last(cues.trust), channels_last(_spare_hints(cues.hints))
        height, width = cues.clean.shape[2:]
        clean = _trusted(cues.clean, cues.trust[:, :, :height, :width])
        moments = measure_moments(cues.plate, clean, times, views.plate.shape[2:])
        if hints.shape[2:] != (1, 1):
            hints = shrink(hints, times)
        shown = (shrink(image, times) for image in (views.plate, views.clean, trust))
        return self.look_stage(*shown, hints, moments)

    def guess(self, views: Views, trust: Tensor) -> Guess | None:
        """Return a guess of the foreground's colour for a whole frame; None where none is used."""
        if not self.widths.guess:
            return None
        trust = shrink(trust, self.coarse_px)
        with torch.autocast(trust.device.type, enabled=False):
            return guess_foreground(views.small_plate, views.small_clean, trust)

    def think(
        self,
        eighth: Tensor,
        neighbours: list[Tensor | None] | None = None,
        guess: Guess | None = None,
        is_far: bool = False,
    ) -> Tensor:
        """Return features at 1/8 that know the whole frame and its neighbours in time.

        neighbours: their features at 1/8 as `look` returns them, at the offsets of NEIGHBOURS;
        None where there is no such frame. guess: what `guess` returned. is_far: see `base.Think`.
        """
        if self.motion is not None:
            eighth = self.motion(eighth, neighbours or [None] * len(NEIGHBOURS))
        return self.think_stage(eighth, None if guess is None else guess.cue, is_far)

    def sketch(self, quarter: Tensor, eighth: Tensor, guess: Guess | None = None) -> Sketch:
        """Return what is drawn at 1/4, for the frame or for some rows of it."""
        return Sketch(*self.draw_stage(quarter, eighth, None if guess is None else guess.cue))

    def finish(self, cues: Cues, views: Views, sketch: Sketch, guess: Guess | None = None) -> Drawn:
        """Return alpha and the rest at full resolution, for the frame or for some rows of it."""
        times, upsample = self.coarse_px, self.pixels.upsample
        coarse = upsample(sketch.heads[:, :1].float(), times)
        guessed = None if guess is None else guess.colour
        small = draw_foreground(views.small_plate, sketch.heads.float(), guessed)
        foreground = upsample(decode_view(small), times)
        # Where the clean plate is not to be trusted, there is nothing to project from.
        projected = _trusted(project_alpha(cues.plate, cues.clean, foreground), cues.trust)
        apart = (small - views.small_clean).abs().amax(1, keepdim=True)
        distance = _trusted(upsample(apart, times), cues.trust)
        difference = channels_last(_trusted(views.plate - views.clean, cues.trust))
        detail = self.draw_stage.detail(sketch.features)
        alphas = coarse, projected, distance
        shown = None
        if views.noise is not None:
            shown = weigh(difference, views.noise, apart.detach(), self.pixels)
        packed = self.pixels.join(alphas)
        alpha, error = self.refine(difference, alphas, packed, detail, shown)
        return Drawn(alpha, coarse, foreground, error)

    def forward(
        self,
        cues: Cues,
        neighbours: list[Tensor | None] | None = None,
        is_far: bool | None = None,
        with_guess: bool = True,
    ) -> Drawn:
        """Return what the network answers for whole frames.

        is_far: None is by their size. with_guess: False hides the guess from weights that use one.
        """
        if is_far is None:
            is_far = self.is_far(cues.plate.shape[2] * cues.plate.shape[3])
        views = self.encode(cues)
        quarter, eighth = self.look(cues, views)
        guess = self.guess(views, cues.trust) if with_guess else None
        sketch = self.sketch(quarter, self.think(eighth, neighbours, guess, is_far), guess)
        return self.finish(cues, views, sketch, guess)
