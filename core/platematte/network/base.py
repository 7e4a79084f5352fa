"""The coarse half of the network: from the four cues to features at a quarter of the resolution.

Of what resolution: that of the frame, or of the frame made smaller (`Widths.shrink`); the names
here count from what the coarse half is shown.

Three stages, so that large frames can go in tiles without any seam. `look` is local and runs at
1/4 and 1/8 (in tiles where memory asks for it), `think` sees the whole frame from 1/8 to 1/32,
`draw` is local again, at 1/4; the refiner goes on from there. The cues are those of the seed
(Sengupta et al. 2020): plate, clean plate, mattes as hints, neighbouring frames; each is judged
beside the plate by a selector.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from . import guess
from .blocks import (
    Context,
    Residual,
    Selector,
    channels_last,
    convolve,
    in_full_precision,
    is_recorded,
    mix,
    upsample2,
)
from .transmission import CHANNELS, halve, transmission

Tensor = torch.Tensor

HINT_CHANNELS = 3
"""Garbage, core (both 0 where nothing is said) and a hint in -1..1, where 0 says nothing."""
NEIGHBOURS = (-2, -1, 1, 2)
"""Frames beside the one being matted whose features are fused, where they exist."""
_FAR_BLOCK = 8
"""Pixels of 1/8 along a side of one of 1/64."""


@dataclass(frozen=True)
class Widths:
    """Channels at each resolution, of the frame as the coarse half is shown it."""

    quarter: int = 48
    eighth: int = 72
    sixteenth: int = 128
    thirty_second: int = 208
    half: int = 24
    """Channels of the refiner."""
    plate: int = 32
    """Of what the plate alone shows, at a quarter; it is also what judges the cues."""
    hints: int = 16
    shrink: int = 1
    """How many times smaller the frame is that the coarse half is shown."""
    guess: bool = False
    """Whether a guess of the foreground's colour is shown to the network (`guess`)."""
    reach: int = 1
    """How many times farther `think` has learned to look in large frames, 1 or 2."""
    evidence: bool = False
    """Whether the refiner is told what plate and clean plate differ by around (`evidence`)."""

    def __post_init__(self) -> None:
        """Refuse what no network can be made of; raises ValueError."""
        if self.reach not in (1, 2):
            raise ValueError(f"reach is 1 or 2, not {self.reach}")


class Look(nn.Module):
    """Cues at full resolution to features at 1/4 and 1/8; local (see `Matter.halo_px`)."""

    def __init__(self, widths: Widths) -> None:
        """Take the channel widths."""
        super().__init__()
        quarter, own, marks = widths.quarter, widths.plate, widths.hints
        # An 8x8 kernel at stride 4 is a pixel-unshuffle with overlap, in one step.
        self.plate = nn.Conv2d(3, own, 8, stride=4, padding=2)
        self.hints = nn.Conv2d(HINT_CHANNELS, marks, 8, stride=4, padding=2)
        # Plate and clean plate are compared by one convolution; it stands as a sum of three,
        # because joining full-resolution images costs more than the arithmetic does.
        self.pair_plate = nn.Conv2d(3, quarter, 8, stride=4, padding=2)
        self.pair_clean = nn.Conv2d(3, quarter, 8, stride=4, padding=2, bias=False)
        self.pair_trust = nn.Conv2d(1, quarter, 8, stride=4, padding=2, bias=False)
        self.compare = nn.Conv2d(quarter, quarter, 3, padding=1)
        self.select_clean = Selector(own, quarter, quarter)
        self.select_hints = Selector(own, marks, marks)
        self.combine = nn.Conv2d(own + quarter + marks, quarter, 1)
        self.down = nn.Conv2d(quarter, widths.eighth, 3, stride=2, padding=1)
        self.block = Residual(widths.eighth)
        self.through4 = nn.Conv2d(CHANNELS, quarter, 1, bias=False)
        self.through8 = nn.Conv2d(2 * CHANNELS, widths.eighth, 1, bias=False)
        # Weights from before this cue go on as they were.
        for layer in (self.through4, self.through8):
            nn.init.zeros_(layer.weight)

    def forward(
        self, plate: Tensor, clean: Tensor, trust: Tensor, hints: Tensor, moments: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Take encoded plate and clean (N x 3), trust (N x 1), hints (N x 3): 1/4 and 1/8.

        hints of 1 x 1 pixel say nothing, and stand for a frame of zeros. moments: what
        `transmission.measure_moments` returns.
        """
        if torch.is_autocast_enabled(plate.device.type):
            # Two layers want it so; each would make it for itself.
            plate = plate.to(torch.get_autocast_dtype(plate.device.type))
        own = convolve(self.plate, plate, rectify=True)
        pair = convolve(self.pair_clean, clean, onto=convolve(self.pair_plate, plate))
        pair = convolve(self.pair_trust, trust, onto=pair)
        through = channels_last(transmission(moments, 3))
        pair = convolve(self.through4, through, onto=pair, rectify=True)
        pair = convolve(self.compare, pair, rectify=True)
        if hints.shape[2:] == (1, 1):
            # Of zeros the convolution makes its bias everywhere.
            bias: Tensor = self.hints.bias  # type: ignore[assignment]
            marks = torch.relu(bias.view(1, -1, 1, 1))
        else:
            marks = convolve(self.hints, hints, rectify=True)
        chosen = self.select_clean(own, pair), self.select_hints(own, marks)
        quarter = mix(self.combine, own, *chosen)
        coarse = halve(moments)
        wide = torch.cat([transmission(coarse, window) for window in (3, 5)], 1)
        eighth = convolve(self.down, quarter)
        eighth = convolve(self.through8, channels_last(wide), onto=eighth, rectify=True)
        return quarter, self.block(eighth)


class Motion(nn.Module):
    """Fuses the 1/8 features of neighbouring frames; an absent neighbour adds nothing at all."""

    def __init__(self, channels: int, part: int = 24) -> None:
        """Take the channels of the features and of what is kept of each neighbour."""
        super().__init__()
        self.select = nn.ModuleList(nn.Conv2d(2 * channels, part, 3, padding=1) for _ in NEIGHBOURS)
        self.join = nn.Conv2d(len(NEIGHBOURS) * part, channels, 1)
        # Begins as a network without neighbours, so that a single-frame set of weights can grow.
        nn.init.zeros_(self.join.weight)
        nn.init.zeros_(self.join.bias)  # type: ignore[arg-type]

    def forward(self, eighth: Tensor, neighbours: list[Tensor | None]) -> Tensor:
        """Take this frame's features and those at the offsets of NEIGHBOURS."""
        kept = []
        for select, neighbour in zip(self.select, neighbours, strict=True):
            if neighbour is None:
                part: int = select.out_channels  # type: ignore[assignment]
                kept.append(eighth.new_zeros(eighth.shape[0], part, *eighth.shape[2:]))
            else:
                kept.append(torch.relu_(select(torch.cat([eighth, neighbour], 1))))
        return eighth + self.join(torch.cat(kept, 1))


class Think(nn.Module):
    """Features at 1/8 to features at 1/8, over the whole frame, down to 1/32; if far, to 1/64."""

    def __init__(self, widths: Widths) -> None:
        """Take the channel widths."""
        super().__init__()
        w8, w16, w32 = widths.eighth, widths.sixteenth, widths.thirty_second
        self.down16 = nn.Conv2d(w8, w16, 3, stride=2, padding=1)
        self.blocks16 = nn.Sequential(Residual(w16), Residual(w16))
        self.down32 = nn.Conv2d(w16, w32, 3, stride=2, padding=1)
        self.blocks32 = nn.Sequential(Residual(w32), Context(w32), Residual(w32))
        self.up16 = nn.Conv2d(w32, w16, 1)
        self.back16 = Residual(w16)
        self.up8 = nn.Conv2d(w16, w8, 1)
        self.join8 = nn.Conv2d(2 * w8, w8, 1)
        self.back8 = Residual(w8)
        self.guess8 = nn.Conv2d(guess.CHANNELS, w8, 1, bias=False) if widths.guess else None

    def forward(self, eighth: Tensor, cue: Tensor | None = None, is_far: bool = False) -> Tensor:
        """Take features at 1/8 whose height and width are multiples of 4.

        cue: of the guess, at 1/4. is_far: the frame is large, and what it means takes twice as
        many pixels to see; the layers below 1/8 work at half of their resolution, and what they
        say is joined to the features at 1/8 as ever.
        """
        if self.guess8 is not None and cue is not None:
            halved = channels_last(halve(cue))
            eighth = convolve(self.guess8, halved, plus=eighth, rectify=True)
        seen = _see_far(eighth) if is_far else eighth
        sixteenth = self.blocks16(convolve(self.down16, seen, rectify=True))
        deep = self.blocks32(convolve(self.down32, sixteenth, rectify=True))
        sixteenth = self.back16(torch.relu_(sixteenth + upsample2(self.up16(deep))))
        up = upsample2(self.up8(sixteenth))
        if is_far:
            height, width = eighth.shape[2:]
            up = channels_last(upsample2(up)[:, :, :height, :width])
        return self.back8(mix(self.join8, eighth, up))


def _see_far(eighth: Tensor) -> Tensor:
    """Return means of 2 x 2 features; of so many that what they become at 1/64 is whole."""
    height, width = eighth.shape[2:]
    beyond = (0, -width % _FAR_BLOCK, 0, -height % _FAR_BLOCK)
    # A trace has to hold for sizes that its example does not have.
    if any(beyond) or is_recorded():
        eighth = functional.pad(eighth, beyond, mode="replicate")
    return channels_last(halve(eighth))


class Draw(nn.Module):
    """Features to the coarse alpha, the foreground's colour and the refiner's detail; local."""

    def __init__(self, widths: Widths) -> None:
        """Take the channel widths."""
        super().__init__()
        quarter = widths.quarter
        self.up4 = nn.Conv2d(widths.eighth, quarter, 1)
        self.block = Residual(quarter)
        self.heads = nn.Conv2d(quarter, 4, 3, padding=1)
        # Alpha begins undecided: below 0 or above 1 the clamp would leave it little to learn from.
        with torch.no_grad():
            self.heads.bias.copy_(torch.tensor([0.5, 0.0, 0.0, 0.0]))  # type: ignore[union-attr]
        self.guess4 = self.lean = None
        if widths.guess:
            self.guess4 = nn.Conv2d(guess.CHANNELS, quarter, 1, bias=False)
            self.lean = nn.Conv2d(quarter, 1, 3, padding=1)
            # It begins half way between the plate's colour and the guess, everywhere.
            nn.init.zeros_(self.lean.weight)
            nn.init.constant_(self.lean.bias, 0.5)  # type: ignore[arg-type]
        times = 2 * widths.shrink
        self.detail = nn.ConvTranspose2d(quarter, widths.half, times, stride=times)

    def forward(
        self, quarter: Tensor, eighth: Tensor, cue: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return N x (1 alpha, 3 foreground residual) and the features that they are drawn from.

        Both at 1/4; `detail` makes of the features what the refiner is told. With the cue of a
        guess, at 1/4, a fifth channel: how far the foreground leans to the guess.
        """
        joined = upsample2(self.up4(eighth)).add_(quarter)
        if self.guess4 is not None and cue is not None:
            joined = convolve(self.guess4, channels_last(cue), onto=joined, rectify=True)
        else:
            joined = torch.relu_(joined)
        drawn = self.block(joined)
        heads = [self.heads] if self.lean is None else [self.heads, self.lean]
        return in_full_precision(heads, drawn), drawn
