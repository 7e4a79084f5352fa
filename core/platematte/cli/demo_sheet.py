"""The demo's contact sheet: a row for each frame, what went in beside what came out."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from platematte.images.colour import source_space, to_display, to_working, working_space
from platematte.images.read import SourceImage, read_image
from platematte.images.sequence import Sequence
from platematte.images.sheet import Cell, contact_sheet
from platematte.shot import Shot

_GREY = 0.18
_MARGIN_PX = 12
_LIGHTS = 46


def make_sheet(shot: Shot, frames: tuple[int, ...], path: Path) -> Path:
    """Write the sheet of a finished shot and return its path; pictures keep their size.

    All images of the shot must have one format. Raises InputUnreadable and OutputUnwritable.
    """
    plates, clean, mattes = (Sequence.parse(p) for p in (shot.plate, shot.clean, shot.out))
    rows = [
        _row(frame, read_image(plates.path(frame)), read_image(clean.path(frame)), mattes)
        for frame in frames
    ]
    width = sum(picture.shape[1] + _MARGIN_PX for _, picture in rows[0]) + _MARGIN_PX
    return contact_sheet(rows, path, width)


def _row(frame: int, plate: SourceImage, clean: SourceImage, mattes: Sequence) -> list[Cell]:
    working = working_space(source_space(plate, "auto"), "auto")
    matte = read_image(mattes.path(frame))
    premult, alpha = matte.rgb(), matte.matte()
    background = _evening_lights(*premult.shape[:2])
    grey = premult + (1.0 - alpha) * np.float32(_GREY)
    comp = premult + (1.0 - alpha) * background
    linear = [
        (f"plate {frame}", to_working(plate.rgb(), source_space(plate, "auto"), working)),
        ("clean plate", to_working(clean.rgb(), source_space(clean, "auto"), working)),
        ("foreground over grey", grey),
        ("foreground over a new background", comp),
    ]
    shown = [(title, to_display(pixels, working)) for title, pixels in linear]
    # Alpha is a share, not a colour: its number is shown as it is.
    shown.insert(2, ("alpha", np.clip(alpha, 0.0, 1.0)))
    return shown


def _evening_lights(height: int, width: int) -> np.ndarray:
    """Return lamps out of focus before a dusk sky, H x W x 3 scene-linear; the same every time.

    The lamps are brighter than white, so that a matte that is wrong in light hair shows it.
    """
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    up = (1.0 - rows / height)[..., None]
    low, high = np.array([0.42, 0.20, 0.13]), np.array([0.03, 0.05, 0.14])
    picture = (low * (1.0 - up) + high * up).astype(np.float32)
    random = np.random.default_rng(3)
    for _ in range(_LIGHTS):
        x, y = random.uniform(0, width), height * random.beta(2.5, 1.6)
        radius = height * random.uniform(0.02, 0.075)
        lamp = random.uniform(0.15, 1.6) * np.array([1.0, random.uniform(0.45, 0.9), 0.3])
        distance = np.hypot(columns - x, rows - y)
        disc = np.clip((radius - distance) / 2.0 + 0.5, 0.0, 1.0)[..., None]
        picture += (disc * lamp).astype(np.float32)
    return picture
