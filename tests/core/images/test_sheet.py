"""A contact sheet holds every picture at its place, scaled alike and in its own colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from platematte.images.read import read_image
from platematte.images.sheet import contact_sheet


def flat(height: int, width: int, *colour: float) -> np.ndarray:
    return np.tile(np.array(colour, np.float32), (height, width, 1))


def test_pictures_keep_their_order_and_colours(tmp_path: Path) -> None:
    rows = [
        [("plate", flat(40, 80, 1, 0, 0)), ("alpha", flat(40, 80, 0.5))],
        [("wide", flat(10, 200, 0, 0, 1))],
    ]
    path = contact_sheet(rows, tmp_path / "out" / "sheet.png", width=436)
    sheet = read_image(path).rgb()
    assert sheet.shape[1] == 436
    # Two columns of 200 px with gaps of 12; a title of 30 px above each picture of 100 px.
    assert np.allclose(sheet[92, 112], [1, 0, 0], atol=0.01)
    assert np.allclose(sheet[92, 324], [0.5, 0.5, 0.5], atol=0.01)
    assert np.allclose(sheet[-17, 112], [0, 0, 1], atol=0.01)
    assert sheet[12:42].max() > 0.7, "the titles are drawn"
    assert [entry.name for entry in (tmp_path / "out").iterdir()] == ["sheet.png"]


def test_an_empty_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one"):
        contact_sheet([[]], tmp_path / "sheet.png")
