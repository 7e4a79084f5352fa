"""Contact sheets: rows of titled pictures in one PNG, to judge a matte at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from platematte.errors import OutputUnwritable
from platematte.images.atomic import whole_file

Cell = tuple[str, np.ndarray]
"""A title and a picture for display, H x W x 3 or H x W x 1 in 0..1 (sRGB)."""

_GAP_PX = 12
_TITLE_PX = 30
_FONT_PX = 18
_FONT = "DroidSans"
_PAPER = (0.11, 0.11, 0.11)
_INK = (0.9, 0.9, 0.9)


def contact_sheet(rows: Sequence[Sequence[Cell]], path: str | Path, width: int = 1920) -> Path:
    """Write rows of titled pictures to a PNG of that width and return its path.

    All pictures are scaled to the same width; a row is as high as its highest picture. Raises
    ValueError for a sheet without pictures and OutputUnwritable.
    """
    columns = max((len(row) for row in rows), default=0)
    if not columns:
        raise ValueError("a contact sheet needs at least one picture")
    cell_width = max(1, (width - _GAP_PX * (columns + 1)) // columns)
    scaled = [[(title, _scaled(image, cell_width)) for title, image in row] for row in rows]
    heights = [max((cell.shape[0] for _, cell in row), default=0) for row in scaled]
    height = sum(heights) + (_TITLE_PX + _GAP_PX) * len(rows) + _GAP_PX
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = _PAPER
    titles: list[tuple[int, int, str]] = []
    top = _GAP_PX
    for row, row_height in zip(scaled, heights, strict=True):
        for column, (title, cell) in enumerate(row):
            left = _GAP_PX + column * (cell_width + _GAP_PX)
            titles.append((left, top + _FONT_PX + 3, title))
            picture = top + _TITLE_PX
            canvas[picture : picture + cell.shape[0], left : left + cell_width] = cell
        top += _TITLE_PX + row_height + _GAP_PX
    path = Path(path)
    with whole_file(path) as temporary:
        _write_png(canvas, titles, temporary, path)
    return path


def _scaled(image: np.ndarray, width: int) -> np.ndarray:
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    colour = np.repeat(image, 3, axis=2) if image.shape[2] == 1 else image
    buffer = oiio.ImageBuf(np.ascontiguousarray(colour, np.float32))
    resized = oiio.ImageBufAlgo.resize(buffer, roi=oiio.ROI(0, width, 0, height, 0, 1, 0, 3))
    pixels = resized.get_pixels(oiio.FLOAT)
    if pixels is None:
        raise ValueError(f"a picture cannot be scaled: {resized.geterror()}")
    # The filter rings at hard edges; a picture has no values beyond black and white.
    return np.clip(pixels, 0.0, 1.0).reshape(height, width, 3)


def _write_png(
    canvas: np.ndarray, titles: list[tuple[int, int, str]], temporary: Path, path: Path
) -> None:
    sheet = oiio.ImageBuf(canvas)
    for left, baseline, title in titles:
        if not oiio.ImageBufAlgo.render_text(
            sheet, left, baseline, title, _FONT_PX, _FONT, textcolor=_INK
        ):
            raise OutputUnwritable(f"the titles cannot be drawn: {sheet.geterror()}", path=path)
    sheet.set_write_format(oiio.UINT8)
    if not sheet.write(str(temporary)):
        raise OutputUnwritable(sheet.geterror(), path=path)
