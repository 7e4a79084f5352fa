"""What can go wrong on Nuke's side, said to an artist: why, and what to do about it."""


class PlateMatteError(RuntimeError):
    """Something that the artist can put right. A script that runs in `nuke -t` ends with it."""

    def __init__(self, reason: str, fix: str = "") -> None:
        """Take the reason in words and, where there is one, what to do."""
        super().__init__(" ".join(part for part in (reason, fix) if part))
        self.reason = reason
        self.fix = fix


class Cancelled(PlateMatteError):
    """The artist stopped it; every finished frame is kept."""
