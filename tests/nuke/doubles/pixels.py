"""What a node tells of its image, and the channel, box and range questions that Nuke answers."""

# Names of methods are Nuke's.
# ruff: noqa: N802

from __future__ import annotations

from typing import Any

from doubles import query
from doubles.formats import Format
from doubles.session import current


class Pixels:
    """Methods of a node that pull it; the work is in `query` and `render`."""

    def _check(self, what: str) -> None:
        raise NotImplementedError

    def width(self) -> int:
        return self.format().width()

    def height(self) -> int:
        return self.format().height()

    def format(self) -> Format:
        self._check("format")
        return query.format_of(self)

    def bbox(self) -> Any:
        self._check("bbox")
        return query.bbox_of(self)

    def channels(self) -> list[str]:
        self._check("channels")
        return query.channels_of(self)

    def sample(self, channel: str, x: float, y: float, dx: float = 1, dy: float = 1,
               frame: float | None = None) -> float:  # fmt: skip
        self._check("sample")
        return query.sample(self, channel, x, y, frame)

    def hasError(self) -> bool:
        self._check("hasError")
        return query.has_error(self)

    def frameRange(self) -> Any:
        self._check("frameRange")
        return query.frame_range(self)

    def firstFrame(self) -> int:
        return int(self.frameRange().first())

    def lastFrame(self) -> int:
        return int(self.frameRange().last())

    def metadata(self, key: str | None = None, time: float | None = None, view: str = "") -> Any:
        self._check("metadata")
        if current().this and current().this[-1][1] is not None and current().this[-1][0] is self:
            raise current().refuse(RuntimeError("metadata() inside knobChanged makes Nuke hang"))
        return query.metadata(self, key, time)

    def opHashes(self) -> list[int]:
        self._check("opHashes")
        return [query.op_hash(self)]
