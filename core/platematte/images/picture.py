"""A small picture of a matte, for a table or a file browser."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from platematte.errors import InputMissing, InputUnreadable, OutputUnwritable
from platematte.images.atomic import whole_file
from platematte.images.window import Window

PICTURE_PX = (320, 180)
"""The picture is no wider and no higher; that serves a thumbnail on a screen of twice the dots."""


def write_alpha_picture(matte: Path, path: Path) -> None:
    """Write the alpha of an EXR of ours as a grey PNG, whole or not at all, in place of any before.

    It shows the display window as the eye sees it, pixel aspect included; what lies outside the
    data window is 0. Alpha is a share and no colour: its number is shown as it is. Raises
    InputMissing, InputUnreadable and OutputUnwritable.
    """
    alpha, aspect = _read_alpha(matte)
    height, width = alpha.shape
    scale = min(PICTURE_PX[0] / (width * aspect), PICTURE_PX[1] / height, 1.0)
    size = max(1, round(width * aspect * scale)), max(1, round(height * scale))
    source = oiio.ImageBuf(_shrunk(alpha, int(1 / scale))[..., None])
    small = oiio.ImageBufAlgo.resize(source, roi=oiio.ROI(0, size[0], 0, size[1], 0, 1, 0, 1))
    # The filter rings at hard edges, and the file would wrap what is beyond black and white.
    small = oiio.ImageBufAlgo.clamp(small, 0.0, 1.0)
    small.set_write_format(oiio.UINT8)
    with whole_file(path) as temporary:
        if not small.write(str(temporary)):
            raise OutputUnwritable(small.geterror(), path=path)


def _shrunk(alpha: np.ndarray, factor: int) -> np.ndarray:
    """Return the mean of each block of so many pixels; what is no whole block at the end is cut.

    The filter that resizes the rest takes seconds for a 4K frame, and this takes none.
    """
    height, width = (max(length // factor, 1) for length in alpha.shape)
    rows, columns = (min(factor, length) for length in alpha.shape)
    blocks = alpha[: height * rows, : width * columns].reshape(height, rows, width, columns)
    return np.ascontiguousarray(blocks.mean(axis=(1, 3)))


def _read_alpha(path: Path) -> tuple[np.ndarray, float]:
    """Return alpha over the display window, H x W, and the pixel aspect."""
    if not path.is_file():
        raise InputMissing("there is no such matte", path=path)
    file = oiio.ImageInput.open(str(path))
    if file is None:
        raise InputUnreadable(oiio.geterror(), path=path)
    with closing(file):
        spec = file.spec()
        if "A" not in spec.channelnames:
            raise InputUnreadable("there is no alpha in it", path=path)
        channel = spec.channelnames.index("A")
        pixels = file.read_image(0, 0, channel, channel + 1, oiio.FLOAT)
        if pixels is None:
            raise InputUnreadable(file.geterror(), path=path)
        data = Window(spec.x, spec.y, spec.width, spec.height)
        display = Window(spec.full_x, spec.full_y, spec.full_width, spec.full_height)
        aspect = float(spec.get_float_attribute("PixelAspectRatio", 1.0)) or 1.0
    alpha = np.zeros((display.height, display.width), np.float32)
    seen = data.intersect(display)
    if not seen.is_empty:
        whole = pixels.reshape(data.height, data.width)
        alpha[display.slices_of(seen)] = whole[data.slices_of(seen)]
    return alpha, aspect
