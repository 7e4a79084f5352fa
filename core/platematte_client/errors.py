"""What can go wrong between a host and the engine; each text can be shown to an artist."""

from typing import Optional

from platematte_client.messages import Failure


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
