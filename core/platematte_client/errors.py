"""What can go wrong in a host and between it and the engine, in words for an artist.

A host's scripts catch PlateMatteError; `warm.py` makes one of every error of the engine.
"""

from typing import Optional

from platematte_client.messages import Failure


class PlateMatteError(RuntimeError):
    """Something that the artist can put right; a script without a user interface ends with it."""

    def __init__(self, reason: str, fix: str = "") -> None:
        """Take the reason in words and, where there is one, what to do."""
        super().__init__(" ".join(part for part in (reason, fix) if part))
        self.reason = reason
        self.fix = fix


class Cancelled(PlateMatteError):
    """The artist stopped it; every finished frame is kept."""


def internal_error(error: Exception, fix: str = "Please report it.") -> PlateMatteError:
    """Return a fault of ours as what an artist is told of it; a host's fix may say what to add."""
    return PlateMatteError("internal error: {}: {}".format(type(error).__name__, error), fix)


def one_line(text: str) -> str:
    """Return an error's text as sentences of one line, for the status line.

    >>> one_line("there is no cuda device\\nTake auto.")
    'there is no cuda device. Take auto.'
    """
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    ended = [
        line if line.endswith((".", ":", ";", "!", "?")) else line + "." for line in lines[:-1]
    ]
    return " ".join([*ended, *lines[-1:]])


class EngineMissing(Exception):
    """No engine was found; the text says what was tried and what to do."""


class EngineDied(Exception):
    """The engine's process ended or spoke nonsense; the text has its last words, if it had any."""


class EngineFailed(Exception):
    """The engine says that a job ended badly; the text is where, why and what to do about it."""

    def __init__(self, failure: Failure) -> None:
        """Take the engine's own account of it."""
        super().__init__(describe_failure(failure))
        self.failure = failure
        """code, reason, path, frame, fix and exit_status, as in docs/td.md."""


def describe_failure(failure: Failure) -> str:
    """Return frame, path, reason, and what to do on a line of its own."""
    where = _prefix("frame {}", failure.frame) + _prefix("{}", failure.path)
    fix = "\n" + failure.fix if failure.fix else ""
    return where + failure.reason + fix


def _prefix(words: str, value: Optional[object]) -> str:
    return "" if value is None else words.format(value) + ": "
