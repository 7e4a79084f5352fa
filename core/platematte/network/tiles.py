"""Runs the network on frames of any size in bounded memory.

Only the local stages go in tiles (bands of full-width rows), each with the rows around it that
its result depends on; the stage in between sees the whole frame at 1/8 of its size. A tiled
result is therefore the untiled one, not an approximation of it, and has no seams to hide.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from .guess import Guess
from .matter import Cues, Drawn, Matter, Sketch, Views
from .pixels import Pixels

Tensor = torch.Tensor


@dataclass(frozen=True)
class Stage:
    """What a local stage of the network needs of its tiles."""

    bytes_per_pixel: int
    """Memory at its widest, fp32, for each pixel of the tile."""
    widest_bytes: int
    """The largest single tensor, likewise."""


LOOK = Stage(140, 12)
SKETCH = Stage(80, 12)
FINISH = Stage(220, 24)
_REUSED_BYTES = 32 << 20
"""Larger blocks are given back by the C library whenever they are free (see `memory.py`); paying
for their pages anew costs more than the rows that smaller tiles read twice."""
_GPU_TIMES = 4
"""A GPU may have so many times the memory: it computes a tile in the time that it takes to be told
of the tile's five hundred steps, and a frame of 4K is then one."""


@dataclass(frozen=True)
class Seen:
    """What `look` found in one frame; kept for the frames beside it.

    quarter: N x C x H/4 x W/4. eighth: N x C x H/8 x W/8, both of the frame as the coarse half is
    shown it (`Widths.shrink`). views: N x 3 x H x W each, encoded. guess: of the whole frame.
    is_far: whether `think` is to look farther.
    """

    quarter: Tensor
    eighth: Tensor
    views: Views
    guess: Guess | None = None
    is_far: bool = False

    def for_neighbours(self) -> Seen:
        """Return what a neighbouring frame needs of this one, without what is larger."""
        nothing = self.quarter.new_empty(0)
        return Seen(nothing, self.eighth, Views(*(nothing,) * 4))

    def to(self, device: torch.device) -> Seen:
        """Return the same on a device."""
        guess = self.guess and Guess(self.guess.colour.to(device), self.guess.cue.to(device))
        views = self.views.to(device)
        return Seen(self.quarter.to(device), self.eighth.to(device), views, guess, self.is_far)


def seen_nothing() -> Seen:
    """Return what takes the place of features where a network has none, or needs them no more."""
    nothing = torch.empty(0)
    return Seen(nothing, nothing, Views(*(nothing,) * 4))


def band_rows(
    size: tuple[int, int],
    memory_mib: float,
    stage: Stage,
    halo_px: int,
    align_px: int,
    device: str = "cpu",
) -> int:
    """Return how many rows a tile may have within the memory: a multiple of `align_px`.

    size: height and width of the frame. halo_px: rows that it has beyond these on both sides.
    """
    height, width = size
    rows = int(memory_mib * 2**20 / (stage.bytes_per_pixel * width))
    if device == "cpu":
        rows = min(rows, _REUSED_BYTES // (stage.widest_bytes * width))
    else:
        rows *= _GPU_TIMES
    rows -= 2 * halo_px
    return max(align_px, min(height, rows // align_px * align_px))


def padded_rows(cues: Cues, start: int, end: int, align_px: int, with_plates: bool = True) -> Cues:
    """Return rows of the cues, the last rows and columns repeated up to a size the network takes.

    Only the band itself is copied, never the whole frame. What is added is cut away again by
    `crop_drawn`. with_plates: plate and clean plate, too; `Matter.look` takes them as they are.
    """
    height, width = cues.plate.shape[2:]
    rows = cues.rows(start, min(end, height))
    padding = (0, -width % align_px, 0, end - min(end, height))
    if not any(padding):
        return rows
    plates = rows.plate, rows.clean
    if with_plates:
        plates = _pad(rows.plate, padding), _pad(rows.clean, padding)
    return Cues(*plates, _pad(rows.trust, padding), _pad(rows.hints, padding))


def _pad(part: Tensor, padding: tuple[int, ...]) -> Tensor:
    if part.stride()[2:] == (0, 0):
        # One pixel that stands for all of them stands for those beyond, too.
        size = part.shape[2] + padding[3], part.shape[3] + padding[1]
        return part[:, :, :1, :1].expand(-1, -1, *size)
    return nn.functional.pad(part, padding, mode="replicate")


def padded_height(cues: Cues, align_px: int) -> int:
    """Return the height of the cues, rounded up to what the network takes."""
    height = cues.plate.shape[2]
    return height + -height % align_px


def crop_drawn(drawn: Drawn, height: int, width: int) -> Drawn:
    """Return the first rows and columns of every part."""
    parts = (drawn.alpha, drawn.coarse, drawn.foreground, drawn.error)
    return Drawn(*(part[:, :, :height, :width] for part in parts))


def look_in_tiles(
    matter: Matter, cues: Cues, memory_mib: float, format_px: int | None = None
) -> Seen:
    """Return the features of cues of any size; theirs is the padded size.

    format_px: pixels of the format that the cues are a window of; None: they are all of it.
    """
    height, width = padded_height(cues, matter.align_px), cues.plate.shape[3]
    halo, align = matter.halo_px.look, matter.align_px
    device = cues.plate.device.type
    rows = band_rows((height, width), memory_mib, LOOK, halo, align, device)
    views = matter.encode(cues)

    def one(start: int, end: int) -> tuple[Tensor, ...]:
        band = padded_rows(cues, start, end, align, with_plates=False)
        return matter.look(band, views.rows(start, end))

    times = matter.coarse_px
    quarter, eighth = _in_bands(one, height, rows, halo, (times, 2 * times), matter.pixels)
    beyond = (0, -width % align, 0, height - cues.plate.shape[2])
    is_far = matter.is_far(format_px or cues.plate.shape[2] * width)
    return Seen(quarter, eighth, views, matter.guess(views, _pad(cues.trust, beyond)), is_far)


def draw_in_tiles(
    matter: Matter, cues: Cues, seen: Seen, thought: Tensor, memory_mib: float
) -> Drawn:
    """Return what the network answers, at the padded size. thought: the result of `think`.

    In two sweeps: what is drawn at 1/4 sees farther, but is small; what is done to every pixel
    takes the memory, and sees a few rows only. In one, each tile would need the wide margin and the
    memory.
    """
    sketch = _sketch_in_tiles(matter, seen, thought, memory_mib)
    height, width = padded_height(cues, matter.align_px), cues.plate.shape[3]
    halo, times = matter.halo_px.finish, matter.coarse_px
    device = cues.plate.device.type
    rows = band_rows((height, width), memory_mib, FINISH, halo, matter.align_px, device)

    def one(start: int, end: int) -> tuple[Tensor, ...]:
        band, views = padded_rows(cues, start, end, matter.align_px), seen.views.rows(start, end)
        small = start // times, end // times
        guess = seen.guess and seen.guess.rows(*small)
        drawn = matter.finish(band, views, sketch.rows(*small), guess)
        return drawn.alpha, drawn.coarse, drawn.foreground, drawn.error

    return Drawn(*_in_bands(one, height, rows, halo, (1, 1, 1, 1), matter.pixels))


def _sketch_in_tiles(matter: Matter, seen: Seen, thought: Tensor, memory_mib: float) -> Sketch:
    times = matter.coarse_px
    height, width = seen.quarter.shape[2] * times, seen.quarter.shape[3] * times
    halo = matter.halo_px.sketch
    device = seen.quarter.device.type
    rows = band_rows((height, width), memory_mib, SKETCH, halo, matter.align_px, device)

    def one(start: int, end: int) -> tuple[Tensor, ...]:
        small = start // times, end // times
        quarter = seen.quarter[:, :, slice(*small)]
        eighth = thought[:, :, start // (2 * times) : end // (2 * times)]
        sketch = matter.sketch(quarter, eighth, seen.guess and seen.guess.rows(*small))
        return sketch.heads, sketch.features

    return Sketch(*_in_bands(one, height, rows, halo, (times, times), matter.pixels))


def _in_bands(
    one: Callable[[int, int], tuple[Tensor, ...]],
    height: int,
    rows: int,
    halo: int,
    strides: tuple[int, ...],
    pixels: Pixels,
) -> list[Tensor]:
    """Call `one` for bands of rows with their halo and join what is inside the bands."""
    if rows >= height:
        return list(one(0, height))
    joined: list[Tensor] = []
    for start in range(0, height, rows):
        end = min(start + rows, height)
        first, last = max(0, start - halo), min(height, end + halo)
        for index, (part, stride) in enumerate(zip(one(first, last), strides, strict=True)):
            if start == 0:
                shape = (*part.shape[:2], height // stride, part.shape[3])
                packing = torch.channels_last if part.shape[1] > 1 else torch.contiguous_format
                joined.append(
                    torch.empty(shape, dtype=part.dtype, device=part.device, memory_format=packing)
                )
            inside = part[:, :, (start - first) // stride : (end - first) // stride]
            pixels.lay_together(inside, joined[index][:, :, start // stride : end // stride])
    return joined
