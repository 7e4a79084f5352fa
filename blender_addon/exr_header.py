"""Size and wholeness of an EXR file that Blender captured, without reading its pixels."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

_MAGIC = b"\x76\x2f\x31\x01"
_LONGEST_NAME = 256


def read_size(path: Path) -> tuple[int, int]:
    """Return width and height of the data window of a file that is whole.

    For scan lines that are not compressed, as our captures are. Raises ValueError, in words, for a
    file that is no EXR or was cut off, and OSError.
    """
    with path.open("rb") as file:
        attributes = _read_attributes(file)
        if attributes.get("compression") != b"\0":
            raise ValueError("it is compressed")
        left, top, right, bottom = struct.unpack("<4i", attributes["dataWindow"])
        size = (right - left + 1, bottom - top + 1)
        # One entry for each scan line; they are written last, so a cut-off file has zeros here.
        table = _read(file, 8 * size[1])
        offsets = struct.unpack(f"<{size[1]}Q", table)
        if min(offsets) == 0:
            raise ValueError("it was cut off")
        file.seek(max(offsets))
        _, length = struct.unpack("<2i", _read(file, 8))
        if path.stat().st_size < max(offsets) + 8 + length:
            raise ValueError("it was cut off")
        return size


def _read_attributes(file: BinaryIO) -> dict[str, bytes]:
    if file.read(4) != _MAGIC:
        raise ValueError("it is no EXR")
    _read(file, 4)
    attributes = {}
    while True:
        name = _read_text(file)
        if not name:
            break
        _read_text(file)
        attributes[name] = _read(file, struct.unpack("<i", _read(file, 4))[0])
    if len(attributes.get("dataWindow", b"")) != 16:
        raise ValueError("it has no data window")
    return attributes


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
