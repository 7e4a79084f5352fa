"""Movies give their frames by number, exactly, in any order; without PyAV the fix is told."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from platematte.errors import InputMissing, InputUnreadable, UsageInvalid
from platematte.images.movie import MovieReader
from platematte.images.sequence import Sequence
from platematte.images.source import Source

FRAMES = 60


def level(frame: int) -> int:
    return 1000 + 1000 * frame


@pytest.fixture
def movie(tmp_path: Path) -> Path:
    """A lossless 16-bit RGB movie whose frames are grey and know their own number."""
    av = pytest.importorskip("av", reason="movies need PyAV")
    path = tmp_path / "plate.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=24)
        stream.width, stream.height, stream.pix_fmt = 32, 16, "gbrp16le"
        for frame in range(1, FRAMES + 1):
            pixels = np.full((16, 32, 3), level(frame), np.uint16)
            pixels[..., 2] = 65535
            picture = av.VideoFrame.from_ndarray(pixels, format="rgb48le")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())
    return path


def number_of(pixels: np.ndarray) -> int:
    return round((float(pixels[0, 0, 0]) * 65535 - 1000) / 1000)


def test_frames_count_from_one_and_are_sixteen_bit_exact(movie: Path) -> None:
    assert Sequence.parse(movie).frames_on_disk() == tuple(range(1, FRAMES + 1))
    with MovieReader(movie) as reader:
        image = reader.read(7)
    assert image.rgb().shape == (16, 32, 3) and image.rgb().dtype == np.float32
    assert np.abs(image.rgb()[..., 0] - level(7) / 65535).max() < 1.5 / 65535
    assert np.all(image.rgb()[..., 2] == 1.0)
    assert image.bit_depth == 16 and image.frame == 7


def test_any_order_of_reading_gives_the_frame_asked_for(movie: Path) -> None:
    with Source.open(movie) as source:
        for frame in (1, 2, 3, 50, 51, 4, 4, 60, 1, 31):
            assert number_of(source.read(frame).rgb()) == frame


@pytest.mark.parametrize("frame", [0, -1, FRAMES + 1, 10_000])
def test_frames_outside_the_movie_are_missing(movie: Path, frame: int) -> None:
    with MovieReader(movie) as reader, pytest.raises(InputMissing) as caught:
        reader.read(frame)
    assert caught.value.frame == frame


def test_missing_frames_of_a_movie_are_named_as_ranges(movie: Path) -> None:
    with pytest.raises(InputMissing, match="61-70"):
        Sequence.parse(movie).require(range(1, 71))


def test_a_damaged_movie_is_told(movie: Path) -> None:
    movie.write_bytes(b"no movie")
    with pytest.raises(InputUnreadable, match="cannot be decoded"):
        MovieReader(movie)


def test_without_pyav_the_extra_is_named(movie: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(UsageInvalid) as caught:
        MovieReader(movie)
    assert "platematte[movie]" in caught.value.fix
