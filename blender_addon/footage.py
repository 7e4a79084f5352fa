"""Finds out what a path means: a still, a sequence with its frames and holes, or a movie.

Numbers are read as Blender reads them: the last digits of a file's name, with as many of them as
the first frame has. Nothing here touches bpy.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from platematte_client.errors import PlateMatteError
from platematte_client.frames import format_frames

_DIGITS = re.compile(r"(.*?)(\d+)(\D*)", re.DOTALL)
_VERSION = re.compile(r"(^|[^a-z])v$", re.IGNORECASE)
_PATTERN = re.compile(r"#+|%0?\d*d")
_FIX = "Choose a movie, a still, or any frame of a sequence."


class Kind(Enum):
    """What footage is made of."""

    STILL = "still"
    SEQUENCE = "sequence"
    MOVIE = "movie"


@dataclass(frozen=True)
class Footage:
    """What lies on disk under a path."""

    kind: Kind
    path: Path
    """The movie, the still, or the first frame of the sequence."""
    frames: tuple[int, ...]
    """Frames on disk, ascending. Of a still the number in its name, if there is one; of a movie
    none, since only Blender can tell."""

    @property
    def holes(self) -> tuple[int, ...]:
        """Frames between the first and the last one that are not on disk."""
        if not self.frames:
            return ()
        there = frozenset(self.frames)
        return tuple(n for n in range(self.frames[0], self.frames[-1] + 1) if n not in there)

    def describe_holes(self) -> str:
        """Return in words which frames are missing; empty when none is."""
        if not self.holes:
            return ""
        count = len(self.holes)
        noun = "frame is" if count == 1 else "frames are"
        return f"{self.path.parent}: {count} {noun} missing: {format_frames(self.holes)}"


def find_footage(text: str, movie_suffixes: Collection[str]) -> Footage:
    """Return what a path means: of a file, or a pattern such as plate.####.exr or plate.%04d.exr.

    movie_suffixes: those that Blender reads as movies, with the dot, in lower case. Raises
    PlateMatteError when nothing is there.
    """
    path = Path(text)
    if _PATTERN.search(path.name):
        path = _first_of_pattern(path)
    if path.is_dir():
        raise PlateMatteError(f"{path}: this is a folder.", _FIX)
    if not path.is_file():
        raise PlateMatteError(f"{path}: there is no such file.", _FIX)
    if path.suffix.lower() in movie_suffixes:
        return Footage(Kind.MOVIE, path, ())
    return _find_sequence(path)


def _find_sequence(path: Path) -> Footage:
    match = _DIGITS.fullmatch(path.stem)
    if match is None or _VERSION.search(match.group(1)):
        return Footage(Kind.STILL, path, ())
    head, digits, tail = match.groups()
    found = _numbers(path.parent, head, tail + path.suffix)
    frames, width = max(_families(found, digits), key=lambda family: (len(family[0]), family[1]))
    if len(frames) < 2:
        return Footage(Kind.STILL, path, (int(digits),))
    start = path.with_name(f"{head}{frames[0]:0{width}d}{tail}{path.suffix}")
    return Footage(Kind.SEQUENCE, start, tuple(frames))


def _families(found: dict[int, list[str]], digits: str) -> list[tuple[list[int], int]]:
    """Return the sequences that a number may belong to: their frames, their count of digits.

    0100 is one of four digits; 100 may as well be one of a sequence that begins with 8 or 08.
    """
    families = []
    for width in range(1, len(digits) + 1):
        if f"{int(digits):0{width}d}" == digits:
            families.append((sorted(n for n in found if f"{n:0{width}d}" in found[n]), width))
    return families


def _numbers(folder: Path, head: str, end: str) -> dict[int, list[str]]:
    """Return the numbers of the files head + digits + end, each in the digits that they have."""
    found: dict[int, list[str]] = {}
    for entry in folder.iterdir():
        name = entry.name
        if name.startswith(head) and name.endswith(end) and len(name) > len(head) + len(end):
            digits = name[len(head) : len(name) - len(end)]
            if digits.isascii() and digits.isdigit():
                found.setdefault(int(digits), []).append(digits)
    return found


def _first_of_pattern(pattern: Path) -> Path:
    """Return the first file of a pattern; raises PlateMatteError when there is none."""
    sign = _PATTERN.search(pattern.name)
    assert sign is not None
    head, end = pattern.name[: sign.start()], pattern.name[sign.end() :]
    found = _numbers(pattern.parent, head, end) if pattern.parent.is_dir() else {}
    if not found:
        raise PlateMatteError(f"{pattern}: there is no frame of that name.", _FIX)
    digits = found[min(found)][0]
    return pattern.with_name(head + digits + end)
