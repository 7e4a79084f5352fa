"""A contact sheet of measured frames: what went in, the truth, our answer and where it errs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from platematte.images.colour import to_display
from platematte.images.sheet import Cell, contact_sheet

if TYPE_CHECKING:
    from methods import Answer

    from platematte.training.heldout import HeldoutSample

_SPACE = "lin_rec709_scene"
_GAIN = 4
"""Error and doubt are shown this much brighter, both alike, so that they can be compared."""


@dataclass(frozen=True)
class SheetRow:
    """A frame with its answer."""

    sample: HeldoutSample
    answer: Answer


def write_sheet(path: Path, rows: Sequence[SheetRow]) -> Path:
    """Write the rows to a PNG and return its path; its folder is made. Raises OutputUnwritable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return contact_sheet([list(cells_of(row)) for row in rows], path, width=2200)


def cells_of(row: SheetRow) -> Iterator[Cell]:
    """Yield plate, clean plate, true alpha, alpha, its error and, where it is known, the doubt."""
    sample, alpha = row.sample, row.answer.matte.alpha
    yield sample.name, to_display(_exposed(sample.plate, sample.plate), _SPACE)
    yield "clean plate", to_display(_exposed(sample.clean, sample.plate), _SPACE)
    yield "true alpha", sample.alpha
    yield "alpha", alpha
    yield f"error x {_GAIN}", np.clip(_GAIN * np.abs(alpha - sample.alpha), 0, 1)
    if row.answer.confidence is not None:
        doubt = 1 - row.answer.confidence
        yield f"(1 - confidence) x {_GAIN}", np.clip(_GAIN * doubt, 0, 1)


def _exposed(image: np.ndarray, plate: np.ndarray) -> np.ndarray:
    """Return the image at an exposure that puts the plate's mean at a middle grey, to look at."""
    return image * np.float32(0.2 / max(float(plate.mean()), 1e-3))
