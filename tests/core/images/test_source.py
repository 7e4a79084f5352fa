"""Sequences and held stills are read through one door."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from platematte.errors import InputMissing
from platematte.images.source import Source

WriteImage = Callable[..., Path]


def test_a_sequence_gives_the_image_of_its_frame(tmp_path: Path, write_exr: WriteImage) -> None:
    for frame in (1001, 1002):
        write_exr(tmp_path / f"p.{frame}.exr", np.full((4, 4, 3), frame - 1000, np.float32))
    with Source.open(tmp_path / "p.####.exr") as source:
        assert source.read(1002).rgb()[0, 0, 0] == 2.0
        assert source.read(1001).frame == 1001
        with pytest.raises(InputMissing) as caught:
            source.read(1003)
    assert caught.value.frame == 1003


def test_a_still_is_held_for_every_frame_and_read_once(
    tmp_path: Path, write_exr: WriteImage
) -> None:
    path = write_exr(tmp_path / "clean.exr", np.ones((4, 4, 3), np.float32))
    with Source.open(path, role="clean plate") as source:
        first = source.read(1001)
        path.unlink()
        assert source.read(-7) is first
