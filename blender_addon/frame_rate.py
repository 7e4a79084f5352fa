"""Reads the frame rate from an EXR file's header, which Blender's Python does not tell.

Nothing here touches bpy.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

_MAGIC = b"\x76\x2f\x31\x01"
# OpenEXR writes framesPerSecond, OpenImageIO FramesPerSecond.
_RATE = (b"framespersecond", b"rational")
_LONGEST_NAME = 256
_LONGEST_VALUE = 1 << 24
"""Bytes. Previews and camera profiles are smaller; more is a damaged file."""


def read_frame_rate(path: Path) -> Fraction | None:
    """Return the frames a second that an EXR's (first) header names.

    None where it names none that is above 0, and for files that are no EXR or cannot be read:
    whoever opens the image says what is wrong with it.
    """
    try:
        with path.open("rb") as file:
            if file.read(4) != _MAGIC:
                return None
            file.read(4)
            return _find_rate(file)
    except (OSError, ValueError, struct.error):
        return None


def _find_rate(file: BinaryIO) -> Fraction | None:
    # A header is a list of: name, type (both end with a zero), size, value. An empty name ends it.
    while True:
        name = _read_name(file)
        if not name:
            return None
        kind = _read_name(file)
        (size,) = struct.unpack("<i", file.read(4))
        if not 0 <= size <= _LONGEST_VALUE:
            raise ValueError("this is no EXR header")
        value = file.read(size)
        if (name.lower(), kind) == _RATE:
            numerator, denominator = struct.unpack("<iI", value)
            is_rate = numerator > 0 and denominator > 0
            return Fraction(numerator, denominator) if is_rate else None


def _read_name(file: BinaryIO) -> bytes:
    name = bytearray()
    while len(name) < _LONGEST_NAME:
        sign = file.read(1)
        if not sign:
            raise ValueError("the file ends within its header")
        if sign == b"\0":
            return bytes(name)
        name += sign
    raise ValueError("this is no EXR header")
