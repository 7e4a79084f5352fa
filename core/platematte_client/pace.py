"""How long a job will still take, from the frames that were measured; nothing is guessed."""

from typing import Optional, Tuple

from platematte_client.messages import Progress


class Pace:
    """The pace of one job, from its progress as it comes.

    The time before the first frame (loading, studying the camera) is no part of the pace, nor are
    frames that an earlier run had finished: only what passes from one frame to a later one counts.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self._first: Optional[Tuple[int, float]] = None
        self._last: Optional[Tuple[int, float]] = None
        self._total = 0

    def note(self, progress: Progress) -> None:
        """Take one message of the job; only finished frames say something about its pace."""
        self._total = max(self._total, progress.total)
        if progress.kind != "frame":
            return
        measured = (progress.done, progress.seconds)
        if self._first is None:
            self._first = measured
        self._last = measured

    def seconds_left(self) -> Optional[float]:
        """Return the seconds that the rest will take at this pace.

        None before two frames are measured, and when there is no rest.
        """
        if self._first is None or self._last is None:
            return None
        frames, seconds = self._last[0] - self._first[0], self._last[1] - self._first[1]
        rest = self._total - self._last[0]
        if frames <= 0 or seconds <= 0 or rest <= 0:
            return None
        return seconds / frames * rest


def describe_seconds(seconds: float) -> str:
    """Return a time for people.

    >>> describe_seconds(9.6), describe_seconds(125), describe_seconds(7260)
    ('10 s', '2 min 05 s', '2 h 01 min')
    """
    minutes, rest = divmod(int(seconds + 0.5), 60)
    if minutes >= 60:
        return "{} h {:02d} min".format(*divmod(minutes, 60))
    return "{} min {:02d} s".format(minutes, rest) if minutes else "{} s".format(rest)
