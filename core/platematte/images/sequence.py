"""Frame ranges and file patterns: which frames are meant and which file holds each of them.

Reads folder listings only, never a pixel; what a file contains is `read.py`'s and `movie.py`'s.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import fileseq

from platematte.errors import InputMissing, UsageInvalid

MOVIE_SUFFIXES: Final = frozenset({".mov", ".mp4", ".m4v", ".mkv", ".avi", ".mxf", ".webm"})
"""Files that hold many frames; they are read by PyAV."""

_FIELD = re.compile(r"#+|%(?:0(\d+))?d")
_FRAME_IN_STEM = re.compile(r"(?:^|[._])(-?\d+)$")
_RANGE_FIX = "Write ranges as 1001-1100, every second frame as 1001-1100x2, several with commas."


def parse_frames(text: str) -> tuple[int, ...]:
    """Return the frames that a range means, ascending and each once.

    A range that runs backwards means the same frames. Raises UsageInvalid for any other text.

    >>> parse_frames("1001-1005x2,1010")
    (1001, 1003, 1005, 1010)
    >>> parse_frames("-2-1")
    (-2, -1, 0, 1)
    """
    for part in text.split(","):
        if not part.strip():
            raise UsageInvalid(f"the frame range {text!r} has an empty part", fix=_RANGE_FIX)
        if ":" in part or "y" in part:
            raise UsageInvalid(
                f"the frame range {text!r} uses ':' or 'y', which programs read in different ways",
                fix=_RANGE_FIX,
            )
        if "." in part:
            raise UsageInvalid(f"frames are whole numbers, not {part.strip()!r}", fix=_RANGE_FIX)
    try:
        frames = {int(frame) for frame in fileseq.FrameSet(text)}
    except fileseq.exceptions.MaxSizeException:
        raise UsageInvalid(f"the frame range {text!r} holds too many frames") from None
    except ValueError:
        # The library's own sentence prints its regular expression, which helps no artist.
        raise UsageInvalid(f"{text!r} is not a frame range", fix=_RANGE_FIX) from None
    return tuple(sorted(frames))


def format_frames(frames: Iterable[int]) -> str:
    """Return frames as the shortest range text.

    >>> format_frames([1010, 1003, 1004, 1005])
    '1003-1005,1010'
    """
    return str(fileseq.framesToFrameRange(sorted(set(frames))))


@dataclass(frozen=True)
class Sequence:
    """Files that belong together: a numbered sequence, one still, or one movie.

    `####` and `%04d` mean at least four digits, as in Nuke; a minus sign counts as one of them.
    """

    pattern: Path
    prefix: str
    suffix: str
    padding: int
    """Least number of digits; 0 for a still or a movie, whose names hold no frame number."""

    @classmethod
    def parse(cls, pattern: str | Path) -> Sequence:
        """Understand a pattern or a file name without looking at the disk.

        Raises UsageInvalid for an empty name and for a name with two number fields.
        """
        path = Path(pattern)
        if not path.name:
            raise UsageInvalid("the name of a file or sequence is empty")
        fields = list(_FIELD.finditer(path.name))
        if len(fields) > 1:
            raise UsageInvalid("the name has more than one field for the frame number", path=path)
        if not fields:
            return cls(path, path.name, "", 0)
        text = fields[0].group()
        padding = len(text) if text.startswith("#") else int(fields[0].group(1) or 1)
        return cls(path, path.name[: fields[0].start()], path.name[fields[0].end() :], padding)

    @property
    def is_movie(self) -> bool:
        """Whether one file holds all frames."""
        return not self.padding and self.pattern.suffix.lower() in MOVIE_SUFFIXES

    @property
    def is_still(self) -> bool:
        """Whether it is one image, which stands for every frame."""
        return not self.padding and not self.is_movie

    @property
    def folder(self) -> Path:
        """Folder of the files."""
        return self.pattern.parent

    def path(self, frame: int) -> Path:
        """Return the file of a frame; a still and a movie have one file for all of them."""
        if not self.padding:
            return self.pattern
        return self.folder / f"{self.prefix}{frame:0{self.padding}d}{self.suffix}"

    def frames_on_disk(self) -> tuple[int, ...]:
        """Return the frames that exist, ascending; empty when there are none.

        A movie's frames count from 1. A still has the number at the end of its name
        (`plate.1001.exr`, `plate_1001.exr`), or else 1.
        """
        if self.padding:
            return self._numbers_in_folder()
        if not self.pattern.is_file():
            return ()
        if self.is_movie:
            # PyAV is large and optional: it is imported only where a movie is really read.
            from platematte.images.movie import count_frames

            return tuple(range(1, count_frames(self.pattern) + 1))
        number = _FRAME_IN_STEM.search(self.pattern.stem)
        return (int(number.group(1)) if number else 1,)

    def require(self, frames: Iterable[int]) -> None:
        """Raise InputMissing unless every frame is there; a still is there for every frame."""
        found = frozenset(self.frames_on_disk())
        if not found:
            raise InputMissing(self._why_nothing_is_found(), path=self.pattern)
        if self.is_still:
            return
        wanted = set(frames)
        missing = wanted - found
        if missing:
            raise InputMissing(
                f"{len(missing)} of {len(wanted)} frames missing: {format_frames(missing)}"
                f" (there are {format_frames(found)})",
                path=self.pattern,
            )

    def _numbers_in_folder(self) -> tuple[int, ...]:
        # fileseq's own search takes brackets in a name for a glob, so the listing is matched here.
        # A number counts only if formatting it gives the same name back: with four digits,
        # `7` and `00007` are other sequences than `0007`.
        number = re.compile(f"{re.escape(self.prefix)}(-?\\d+){re.escape(self.suffix)}")
        if not self.folder.is_dir():
            return ()
        with os.scandir(self.folder) as entries:
            matches = [number.fullmatch(entry.name) for entry in entries]
        return tuple(
            sorted(
                int(match.group(1))
                for match in matches
                if match and f"{int(match.group(1)):0{self.padding}d}" == match.group(1)
            )
        )

    def _why_nothing_is_found(self) -> str:
        if self.pattern.is_dir():
            return "this is a folder; name the files in it, as in folder/name.####.exr"
        if not self.folder.is_dir():
            return f"there is no folder {self.folder}"
        names = [entry.name for entry in os.scandir(self.folder) if entry.is_file()]
        near = difflib.get_close_matches(self.pattern.name, names, n=3, cutoff=0.5)
        what = "no file of that name" if not self.padding else "no frame of this sequence"
        hint = f"; nearest in the folder: {', '.join(near)}" if near else ""
        return f"there is {what}{hint}"

    def __str__(self) -> str:
        return str(self.pattern)
