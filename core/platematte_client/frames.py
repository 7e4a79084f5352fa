"""Frame ranges as text and as numbers, in the way that the engine reads them.

>>> parse_frames("1001-1005x2,1010")
(1001, 1003, 1005, 1010)
>>> format_frames([1010, 1003, 1004, 1005])
'1003-1005,1010'
"""

import re
from typing import Iterable, List, Optional, Set, Tuple, Union

from platematte_client.errors import PlateMatteError

Frames = Union[None, int, str, Iterable[int]]

_PART = re.compile(r"(-?\d+)(?:-(-?\d+)(?:x(\d+))?)?")
_FIX = "Write 1001-1100, every second frame as 1001-1100x2, several with commas."
LONGEST = 1000000
"""Frames. A longer range is a slip of the finger, and would fill the memory."""


def parse_frames(text: str) -> Tuple[int, ...]:
    """Return the frames that a range means, ascending and each once; raises PlateMatteError."""
    frames: Set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part.strip())
        if match is None:
            raise PlateMatteError("{!r} is not a frame range.".format(text), _FIX)
        first = int(match.group(1))
        last = first if match.group(2) is None else int(match.group(2))
        step = int(match.group(3) or 1)
        if step < 1 or abs(last - first) > LONGEST:
            raise PlateMatteError("the frame range {!r} cannot be meant.".format(text), _FIX)
        ahead = 1 if last >= first else -1
        frames.update(range(first, last + ahead, step * ahead))
    return tuple(sorted(frames))


def as_frames(frames: Frames) -> Optional[Tuple[int, ...]]:
    """Return the frames that a script asked for: a number, numbers or a range as text; None: all.

    Raises PlateMatteError for no frame at all and for text that is no range.
    """
    if frames is None:
        return None
    if isinstance(frames, str):
        return parse_frames(frames)
    chosen = (frames,) if isinstance(frames, int) else tuple(int(frame) for frame in frames)
    if not chosen:
        raise PlateMatteError(
            "no frames were asked for.", "Name some, or leave frames out for the node's range."
        )
    return chosen


def runs(frames: Iterable[int]) -> List[Tuple[int, int]]:
    """Return first and last of every run of frames without a hole, ascending.

    >>> runs([1001, 1002, 1005])
    [(1001, 1002), (1005, 1005)]
    """
    found: List[Tuple[int, int]] = []
    for frame in sorted(set(frames)):
        if found and found[-1][1] == frame - 1:
            found[-1] = (found[-1][0], frame)
        else:
            found.append((frame, frame))
    return found


def format_frames(frames: Iterable[int]) -> str:
    """Return frames as range text."""
    return ",".join(
        str(first) if first == last else "{}-{}".format(first, last) for first, last in runs(frames)
    )
