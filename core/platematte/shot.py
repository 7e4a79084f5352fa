"""A shot: the plate, its clean plate, the mattes that help and where the result goes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shot:
    """What is matted. Patterns are `name.####.exr`, `name.%04d.exr`, one file, or a movie."""

    plate: str
    """The shot with its subject."""
    clean: str
    """The same set without the subject: a still, or a sequence with the plate's frame numbers."""
    out: str
    """EXR pattern that the mattes are written to, with the plate's frame numbers."""
    frames: tuple[int, ...] | None = None
    """Frames to matte; None: all of the plate's."""
    garbage: str | None = None
    """Matte that is 1 where alpha must be 0."""
    core: str | None = None
    """Matte that is 1 where alpha must be 1; garbage wins where both are."""
    hint: str | None = None
    """Rough matte of the subject; the network weighs it and may overrule it."""
