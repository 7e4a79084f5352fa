"""A job's thumbnail: the alpha of its newest finished frame, kept up to date as frames come."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from platematte.errors import MatteError, UsageInvalid
from platematte.images.picture import write_alpha_picture
from platematte.images.sequence import Sequence
from platematte.progress import ProgressEvent

log = logging.getLogger(__name__)

BETWEEN_S = 2.0
"""Least time from one thumbnail to the next."""
_SHARE = 0.05
"""Of the time that the job takes at most: a frame is read back for its thumbnail, and frames that
are waiting to be written wait for that."""


class Thumbnail:
    """The thumbnail of one job. A frame lies on disk before its thumbnail is made from it."""

    def __init__(self, path: str | None, out: str) -> None:
        """Take the PNG's path, None for no thumbnail, and the pattern of the job's frames.

        Raises UsageInvalid for a path that is no PNG: the file is replaced again and again.
        """
        if path is not None and Path(path).suffix.lower() != ".png":
            raise UsageInvalid(
                f"the thumbnail {path} is no PNG", fix="Give it a name that ends in .png."
            )
        self._path = path
        self._frames = Sequence.parse(out)
        self._next = 0.0

    def after(self, event: ProgressEvent) -> str | None:
        """Make the thumbnail anew where its time has come, and return its path if so.

        A thumbnail that cannot be made is logged; the matte does not suffer from it.
        """
        if self._path is None or event.kind != "frame" or event.frame is None:
            return None
        is_last = event.done == event.total
        if not is_last and time.monotonic() < self._next:
            return None
        began = time.monotonic()
        try:
            write_alpha_picture(self._frames.path(event.frame), Path(self._path))
        except (MatteError, OSError) as error:
            log.warning("no thumbnail: %s", error)
            return None
        finally:
            spent = time.monotonic() - began
            self._next = began + max(BETWEEN_S, spent / _SHARE)
        return self._path
