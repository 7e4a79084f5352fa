"""What can go wrong on Nuke's side, said to an artist: why, and what to do about it."""


class PlateMatteError(RuntimeError):
    """Something that the artist can put right. A script that runs in `nuke -t` ends with it."""

    def __init__(self, reason: str, fix: str = "") -> None:
        """Take the reason in words and, where there is one, what to do."""
        super().__init__(" ".join(part for part in (reason, fix) if part))
        self.reason = reason
        self.fix = fix


def internal_error(error: Exception) -> PlateMatteError:
    """Return a fault of ours as what an artist is told of it."""
    return PlateMatteError(
        "internal error: {}: {}".format(type(error).__name__, error),
        "Please report it with the text of Troubleshoot.",
    )


class Cancelled(PlateMatteError):
    """The artist stopped it; every finished frame is kept."""
