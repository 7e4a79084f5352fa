"""Where the subject roughly is: the cue that the seed's network cannot do without.

It was published with a semantic segmenter for people. Here the artist's hint matte takes its
place, or else what differs between plate and clean plate; the clean-up after that is as published.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from ..matter import Cues
from .morphology import blur, dilate, erode

Tensor = torch.Tensor

SIDE_PX = 512
"""The one size that the seed's network was trained and published for."""
MARGIN = 0.1
_BEYOND_PX = 25
_DIFFERENCE_LOW, _DIFFERENCE_HIGH = 0.04, 0.15
_GARBAGE, _CORE, _HINT = 0, 1, 2


@dataclass(frozen=True)
class Box:
    """Rows top to bottom and columns left to right of a frame, the ends not included."""

    top: int
    left: int
    bottom: int
    right: int

    def cut(self, image: Tensor) -> Tensor:
        """Return these rows and columns."""
        return image[..., self.top : self.bottom, self.left : self.right]


def find_subject(cues: Cues, plate: Tensor, clean: Tensor) -> Tensor:
    """Return where the subject is, N x 1 x H x W, True inside. plate, clean: encoded views.

    The hint matte where one is given, else the difference; core adds to it, garbage takes away.
    """
    hints = cues.hints.expand(-1, -1, *plate.shape[2:])
    hint = hints[:, _HINT : _HINT + 1]
    subject = hint > 0 if bool(hint.any()) else find_difference(plate, clean, cues.trust)
    subject = subject | (hints[:, _CORE : _CORE + 1] > 0.5)
    return subject & (hints[:, _GARBAGE : _GARBAGE + 1] <= 0.5)


def find_difference(plate: Tensor, clean: Tensor, trust: Tensor) -> Tensor:
    """Return where plate and clean plate differ, N x 1 x H x W, without specks and small holes.

    plate, clean: encoded, N x 3. trust: N x 1; nothing is known where it is 0.
    """
    height, width = plate.shape[2:]
    shrink = max(1.0, max(height, width) / SIDE_PX)
    small = max(1, round(height / shrink)), max(1, round(width / shrink))
    pool = nn.functional.adaptive_avg_pool2d
    # Averaged before they are compared, so that grain has gone.
    difference = pool((plate - clean) * trust, small).abs().amax(1, keepdim=True)
    # A quarter of the frame at least is taken to be set: what differs there is noise and light.
    level = difference.flatten(1).quantile(0.25, 1).view(-1, 1, 1, 1)
    differs = (difference > (4 * level).clamp(_DIFFERENCE_LOW, _DIFFERENCE_HIGH)).float()
    opened = dilate(erode(differs, 3, 2), 3, 2)
    closed = erode(dilate(opened, 5, 4), 5, 4)
    return nn.functional.interpolate(closed, (height, width), mode="nearest") > 0


def box_of(subject: Tensor) -> Box | None:
    """Return the box of one subject, 1 x 1 x H x W; None where there is none.

    As published: the subject's box, made square downwards and to the right by its larger side, a
    tenth of that added on each side, and cut at the frame.
    """
    rows = subject.any(3).flatten().nonzero()
    columns = subject.any(2).flatten().nonzero()
    if rows.numel() == 0:
        return None
    top, left = int(rows[0]), int(columns[0])
    side = max(int(rows[-1]) - top, int(columns[-1]) - left, 1)
    ends = [
        (max(0, round(start - MARGIN * side)), min(limit, round(start + (1 + MARGIN) * side)))
        for start, limit in zip((top, left), subject.shape[2:], strict=True)
    ]
    (first_row, last_row), (first_column, last_column) = ends
    return Box(
        first_row, first_column, max(last_row, first_row + 1), max(last_column, first_column + 1)
    )


def soften(subject: Tensor) -> Tensor:
    """Return the soft segmentation in 0..1 of a subject cropped to 512 x 512, as published.

    Shrunk by 10 pixels, grown by 10, blurred. A subject that ends above the lower edge is taken
    to be cut by the frame: its last rows are drawn down to the edge, and beyond, before that.
    """
    hard = (subject > 0.2).float()
    kept = hard[:, :, ~_rows_below(hard)]
    last = kept[:, :, -1:].expand(-1, -1, SIDE_PX + _BEYOND_PX - kept.shape[2], -1)
    extended = torch.cat([kept, last], 2)
    soft = blur(dilate(erode(extended, 3, 10), 5, 5), 31)
    return soft[:, :, :SIDE_PX].clamp(0, 1)


def _rows_below(hard: Tensor) -> Tensor:
    """Return which of 512 rows are to be dropped: empty ones in the lower half, and two above."""
    index = torch.arange(SIDE_PX, device=hard.device)
    dropped = (hard.sum(3).flatten() == 0) & (index > 250)
    if bool(dropped.any()):
        first = int(dropped.nonzero()[0])
        dropped[first - 2 : first] = True
    return dropped
