"""What can go wrong on Nuke's side, said to an artist: why, and what to do about it."""


class PlateMatteError(RuntimeError):
    """Something that the artist can put right. A script that runs in `nuke -t` ends with it."""

    def __init__(self, reason: str, fix: str = "") -> None:
        """Take the reason in words and, where there is one, what to do."""
        super().__init__(" ".join(part for part in (reason, fix) if part))
        self.reason = reason
        self.fix = fix


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


def internal_error(error: Exception) -> PlateMatteError:
    """Return a fault of ours as what an artist is told of it."""
    return PlateMatteError(
        "internal error: {}: {}".format(type(error).__name__, error),
        "Please report it with the text of Troubleshoot.",
    )


class Cancelled(PlateMatteError):
    """The artist stopped it; every finished frame is kept."""
