"""EXR files that Blender captured: whether one is whole, its size, and its place in the plate.

Works on the bytes of files whose scan lines are not compressed, so that no pixel is touched. Of any
EXR file it tells the frame rate.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple

_MAGIC = b"\x76\x2f\x31\x01"
_LONGEST_NAME = 256
_WINDOW = "<4i"
_NO_COMPRESSION = b"\0"


class _Header(NamedTuple):
    """What a file begins with."""

    places: dict[str, int]
    """Where the value of an attribute begins, in bytes."""
    window: tuple[int, int, int, int]
    """Left, top, right and bottom of the data window, inclusive."""
    lines: tuple[int, ...]
    """Where each scan line begins, in bytes."""

    @property
    def size(self) -> tuple[int, int]:
        left, top, right, bottom = self.window
        return right - left + 1, bottom - top + 1


def read_size(path: Path) -> tuple[int, int]:
    """Return width and height of a file that is whole.

    Raises ValueError, in words, for a file that is no such EXR or was cut off, and OSError.
    """
    with path.open("rb") as file:
        return _read_header(file).size


def place_in(path: Path, plate: tuple[int, int]) -> None:
    """Put a picture of another size into the middle of a plate of this width and height.

    The display window becomes the plate's; the picture keeps all its pixels and its data window may
    be larger or smaller. By whole pixels: where the middle lies between two, it goes to the left
    and up. Raises ValueError and OSError.
    """
    with path.open("r+b") as file:
        header = _read_header(file)
        width, height = header.size
        left, top = (plate[0] - width) // 2, (plate[1] - height) // 2
        _write_window(file, header.places["displayWindow"], (0, 0, plate[0] - 1, plate[1] - 1))
        window = (left, top, left + width - 1, top + height - 1)
        _write_window(file, header.places["dataWindow"], window)
        for line, place in enumerate(header.lines, top):
            file.seek(place)
            file.write(struct.pack("<i", line))


def read_frame_rate(path: Path) -> Fraction | None:
    """Return the frames a second that a file's header names, which Blender's Python does not tell.

    None where it names none that is above 0, and for files that are no EXR or cannot be read:
    whoever opens the image says what is wrong with it.
    """
    try:
        with path.open("rb") as file:
            attributes, _ = _read_attributes(file)
    except (OSError, ValueError):
        return None
    # OpenEXR writes framesPerSecond, OpenImageIO FramesPerSecond.
    rates = [value for name, value in attributes.items() if name.lower() == "framespersecond"]
    if len(rates) != 1 or len(rates[0]) != 8:
        return None
    numerator, denominator = struct.unpack("<iI", rates[0])
    return Fraction(numerator, denominator) if numerator > 0 and denominator else None


def _write_window(file: BinaryIO, place: int, window: tuple[int, int, int, int]) -> None:
    file.seek(place)
    file.write(struct.pack(_WINDOW, *window))


def _read_header(file: BinaryIO) -> _Header:
    attributes, places = _read_attributes(file)
    if attributes.get("compression") != _NO_COMPRESSION:
        raise ValueError("it is compressed")
    if not {"dataWindow", "displayWindow"} <= attributes.keys():
        raise ValueError("it has no windows")
    window = struct.unpack(_WINDOW, attributes["dataWindow"])
    height = window[3] - window[1] + 1
    # The table of scan lines is written last, so a file that was cut off has zeros here.
    lines = struct.unpack(f"<{height}Q", _read(file, 8 * height))
    if min(lines) == 0:
        raise ValueError("it was cut off")
    file.seek(max(lines))
    _, length = struct.unpack("<2i", _read(file, 8))
    if file.seek(0, 2) < max(lines) + 8 + length:
        raise ValueError("it was cut off")
    return _Header(places, window, lines)


def _read_attributes(file: BinaryIO) -> tuple[dict[str, bytes], dict[str, int]]:
    if file.read(4) != _MAGIC:
        raise ValueError("it is no EXR")
    _read(file, 4)
    attributes: dict[str, bytes] = {}
    places: dict[str, int] = {}
    while True:
        name = _read_text(file)
        if not name:
            return attributes, places
        _read_text(file)
        length = struct.unpack("<i", _read(file, 4))[0]
        places[name] = file.tell()
        attributes[name] = _read(file, length)


def _read(file: BinaryIO, count: int) -> bytes:
    found = file.read(count) if count >= 0 else b""
    if len(found) != count:
        raise ValueError("it was cut off")
    return found


def _read_text(file: BinaryIO) -> str:
    found = b""
    while len(found) < _LONGEST_NAME:
        one = _read(file, 1)
        if one == b"\0":
            return found.decode("latin-1")
        found += one
    raise ValueError("it is no EXR")
