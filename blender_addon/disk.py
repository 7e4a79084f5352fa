"""Measures on a thread what the cache folders take on the disk. Nothing here touches bpy.

Walking a folder on a file server takes long, so that no drawing waits for it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from platematte_client.errors import PlateMatteError
from platematte_client.versions import list_versions, version_folder

_UNITS = ("KiB", "MiB", "GiB", "TiB")


@dataclass(frozen=True)
class Usage:
    """What the version folders of one cache take."""

    cache: Path
    bytes_of: dict[int, int]
    """By version."""
    problem: str = ""
    """Why it could not be measured; empty when it could."""

    @property
    def total(self) -> int:
        """Bytes of all versions."""
        return sum(self.bytes_of.values())

    def describe(self) -> str:
        """Return it in words, as in "3 versions, 1.2 GiB"."""
        if self.problem:
            return self.problem
        noun = "version" if len(self.bytes_of) == 1 else "versions"
        return f"{len(self.bytes_of)} {noun}, {describe_bytes(self.total)}"


def measure(cache: Path) -> Usage:
    """Return what a cache folder takes; what vanishes meanwhile counts as nothing."""
    try:
        numbers = list_versions(cache)
    except PlateMatteError as error:
        return Usage(cache, {}, str(error))
    return Usage(cache, {number: size_of(version_folder(cache, number)) for number in numbers})


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder and below it."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(path) / name).lstat().st_size
            except OSError:
                # It was removed after it was listed.
                continue
    return total


def describe_bytes(count: int) -> str:
    """Return an amount for people.

    >>> describe_bytes(0), describe_bytes(2048), describe_bytes(1_610_612_736)
    ('0 KiB', '2 KiB', '1.5 GiB')
    """
    amount, unit = count / 1024, _UNITS[0]
    for larger in _UNITS[1:]:
        if amount < 1024:
            break
        amount, unit = amount / 1024, larger
    text = f"{amount:.1f}" if unit != "KiB" and amount < 100 else f"{amount:.0f}"
    return f"{text.removesuffix('.0')} {unit}"


class Survey:
    """The measuring of several cache folders that is under way or done."""

    def __init__(self, caches: Sequence[Path]) -> None:
        """Take the folders; each is measured once."""
        self._caches = sorted(set(caches))
        self.usages: tuple[Usage, ...] | None = None
        """What was found, by the folders' names; None until then."""
        self._thread = threading.Thread(target=self._work, name="PlateMatte disk", daemon=True)

    def start(self) -> None:
        """Begin on a thread of its own."""
        self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it is done, at most so long."""
        self._thread.join(seconds)

    def _work(self) -> None:
        self.usages = tuple(measure(cache) for cache in self._caches)
