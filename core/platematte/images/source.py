"""One way to read frames, whatever they are stored in: a sequence, a held still or a movie."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType

from platematte.images.movie import MovieReader
from platematte.images.read import SourceImage, read_image
from platematte.images.sequence import Sequence


class Source:
    """Frames of a plate, a clean plate or a matte.

    A still gives the same image for every frame and is read once. Reading is safe from any one
    thread at a time; a lock keeps a second one waiting.
    """

    def __init__(self, sequence: Sequence, role: str = "plate") -> None:
        """Take a sequence; nothing is opened before the first `read`."""
        self.sequence = sequence
        self.role = role
        self._still: SourceImage | None = None
        self._movie: MovieReader | None = None
        self._lock = threading.Lock()

    @classmethod
    def open(cls, pattern: str | Path, role: str = "plate") -> Source:
        """Understand a pattern; `role` says in words what it is for, as in "clean plate"."""
        return cls(Sequence.parse(pattern), role)

    def __enter__(self) -> Source:
        """Return the source itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close what was opened."""
        self.close()

    def read(self, frame: int) -> SourceImage:
        """Return the image for a frame, in the file's own colour space.

        Raises InputMissing or InputUnreadable, naming the frame.
        """
        with self._lock:
            if self.sequence.is_movie:
                if self._movie is None:
                    self._movie = MovieReader(self.sequence.pattern)
                return self._movie.read(frame)
            if not self.sequence.is_still:
                return read_image(self.sequence.path(frame), frame)
            if self._still is None:
                self._still = read_image(self.sequence.pattern)
            return self._still

    def close(self) -> None:
        """Let files and the held still go; safe to call twice."""
        with self._lock:
            self._still = None
            if self._movie is not None:
                self._movie.close()
                self._movie = None
