"""Read frames of a movie through PyAV, an optional extra, at 16 bits per channel.

Frames count from 1. Only the picture is read; sound, alpha and edit lists are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import numpy as np
import OpenImageIO as oiio

from platematte.errors import InputMissing, InputUnreadable, UsageInvalid
from platematte.images.read import SourceImage
from platematte.images.window import Window

# Code points of ITU-T H.273, table 3 (transfer characteristics), and what a display does with
# such a signal: BT.709 and its 10 and 12 bit kin are shown through BT.1886.
_TAG_OF_TRANSFER = {
    1: "rec1886_rec709_display",
    6: "rec1886_rec709_display",
    13: "srgb_rec709_scene",
    16: "pq_rec2020_display",
    18: "hlg_rec2020_display",
}
_UNSPECIFIED = 2
_HD_HEIGHT_PX = 720
# Going further ahead than this is cheaper by a seek to the key frame before the wanted frame.
_SEEK_AHEAD_FRAMES = 24


def count_frames(path: str | Path) -> int:
    """Return how many frames a movie has.

    From its header where that says so, else by going through its packets. Raises as MovieReader.
    """
    with MovieReader(path) as reader:
        return reader.frame_count


class MovieReader:
    """Frames of one movie, fastest in ascending order; not to be shared between threads.

    Raises InputMissing or InputUnreadable on opening, UsageInvalid when PyAV is not installed.
    """

    def __init__(self, path: str | Path) -> None:
        """Open the movie and find its video stream."""
        self.path = Path(path)
        self._av = _import_av()
        if not self.path.is_file():
            raise InputMissing("there is no such movie", path=self.path)
        try:
            self._container = self._av.open(str(self.path))
        except (self._av.error.FFmpegError, OSError) as error:
            raise InputUnreadable(_reason(error), path=self.path) from None
        if not self._container.streams.video:
            self._container.close()
            raise InputUnreadable("the movie has no picture", path=self.path)
        self._stream = self._container.streams.video[0]
        self._frames: Iterator[Any] = self._container.decode(self._stream)
        self._next = 1

    def __enter__(self) -> MovieReader:
        """Return the reader itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the movie."""
        self.close()

    def close(self) -> None:
        """Let the file go; safe to call twice."""
        self._container.close()

    @property
    def frame_count(self) -> int:
        """How many frames the movie has."""
        if self._stream.frames:
            return int(self._stream.frames)
        with self._av.open(str(self.path)) as container:
            return sum(1 for packet in container.demux(video=0) if packet.size)

    def read(self, frame: int) -> SourceImage:
        """Return a frame; float32 pixels in 0..1, R, G, B, in the movie's own encoding.

        Raises InputMissing before the first and after the last frame, InputUnreadable where the
        movie is damaged.
        """
        try:
            decoded = self._decode(frame)
        except self._av.error.FFmpegError as error:
            raise InputUnreadable(_reason(error), path=self.path, frame=frame) from None
        if decoded is None:
            raise InputMissing("the movie has no such frame", path=self.path, frame=frame)
        return self._as_source(decoded, frame)

    def _decode(self, frame: int) -> Any | None:
        if frame < 1:
            return None
        if frame < self._next or frame > self._next + _SEEK_AHEAD_FRAMES:
            decoded = self._decode_after_seek(frame)
            if decoded is not None:
                return decoded
            self._rewind()
        for decoded in self._frames:
            self._next += 1
            if self._next > frame:
                return decoded
        return None

    def _decode_after_seek(self, frame: int) -> Any | None:
        """Return the frame by way of its time, or None where times do not name frames exactly."""
        rate, start = self._stream.average_rate, self._stream.start_time or 0
        if not rate or not self._stream.time_base:
            return None
        ticks = 1 / (rate * self._stream.time_base)
        self._container.seek(int(start + (frame - 1) * ticks), stream=self._stream)
        self._frames = self._container.decode(self._stream)
        for decoded in self._frames:
            if decoded.pts is None:
                return None
            position = float((decoded.pts - start) / ticks) + 1
            if position > frame + 0.5:
                return None
            if abs(position - frame) < 0.25:
                self._next = frame + 1
                return decoded
        return None

    def _rewind(self) -> None:
        self._container.close()
        self._container = self._av.open(str(self.path))
        self._stream = self._container.streams.video[0]
        self._frames = self._container.decode(self._stream)
        self._next = 1

    def _as_source(self, decoded: Any, frame: int) -> SourceImage:
        # FFmpeg decodes an untagged picture by the matrix of standard definition; HD is BT.709.
        matrix = None
        if int(decoded.colorspace) == _UNSPECIFIED and decoded.height >= _HD_HEIGHT_PX:
            matrix = "ITU709"
        shown = decoded.reformat(format="rgb48le", src_colorspace=matrix)
        pixels = shown.to_ndarray().astype(np.float32) / np.float32(65535.0)
        window = Window(0, 0, decoded.width, decoded.height)
        aspect = float(self._stream.sample_aspect_ratio or 1.0)
        return SourceImage(
            pixels=pixels,
            channels=("R", "G", "B"),
            channel_types=("uint16",) * 3,
            data_window=window,
            display_window=window,
            pixel_aspect=aspect,
            path=self.path,
            frame=frame,
            bit_depth=max(component.bits for component in decoded.format.components),
            is_float=False,
            colorspace_tag=self._tag(decoded),
            format_name="movie",
            header=self._header(window, aspect),
        )

    def _tag(self, decoded: Any) -> str | None:
        for source in (decoded, self._stream.codec_context):
            transfer = int(source.color_trc)
            if transfer != _UNSPECIFIED:
                return _TAG_OF_TRANSFER.get(transfer)
        return None

    def _header(self, window: Window, aspect: float) -> oiio.ImageSpec:
        header = oiio.ImageSpec(window.width, window.height, 3, oiio.UINT16)
        header.attribute("PixelAspectRatio", aspect)
        rate = self._stream.average_rate
        if rate:
            header.attribute(
                "FramesPerSecond", oiio.TypeRational, (rate.numerator, rate.denominator)
            )
        return header


def _import_av() -> ModuleType:
    try:
        import av
    except ImportError:
        raise UsageInvalid(
            "reading movies needs PyAV, which is not installed",
            fix="Install it with: pip install 'platematte[movie]', or give an image sequence.",
        ) from None
    return av


def _reason(error: Exception) -> str:
    return f"the movie cannot be decoded: {getattr(error, 'strerror', None) or error}"
