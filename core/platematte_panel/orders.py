"""Shots as the artist gives them: one at a time, or a list of them in a file."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List

from platematte_panel.patterns import describe_range

LIST_SUFFIXES = (".txt", ".list")
_WORD = re.compile(r'"([^"]*)"|(\S+)')
_RANGE = re.compile(r"-?\d+[-\d,x]*")


class ListInvalid(ValueError):
    """A list of shots that cannot be read; the text names the file, the lines and what to do."""


@dataclass(frozen=True)
class Order:
    """A shot to matte. Patterns are `name.####.exr`, `name.%04d.exr`, one file, or a movie."""

    plate: str
    clean: str
    out: str = ""
    """Folder that version folders are made in; empty: `platematte` beside the plate."""
    frames: str = ""
    """1001-1100, every second one 1001-1100x2, several with commas; empty: all of the plate's."""
    garbage: str = ""
    core: str = ""

    @property
    def name(self) -> str:
        """The plate's folder and name, without what its frames differ by."""
        path = Path(self.plate)
        stem = re.sub(r"[._]?(#+|%0?\d*d)", "", path.stem)
        return "/".join(part for part in (path.parent.name, stem) if part)

    @property
    def folder(self) -> Path:
        """The folder that version folders are made in."""
        return Path(self.out) if self.out else Path(self.plate).parent / "platematte"

    def describe_frames(self) -> str:
        """Return the range for people; looks at the names in the plate's folder."""
        return self.frames or describe_range(self.plate)

    def as_shot(self, out: str) -> Dict[str, Any]:
        """Return it as the protocol's `shot`, written to the pattern `out`."""
        shot: Dict[str, Any] = {"plate": self.plate, "clean": self.clean, "out": out}
        for role in ("frames", "garbage", "core"):
            if getattr(self, role):
                shot[role] = getattr(self, role)
        return shot


def read_list(path: Path) -> List[Order]:
    """Return the shots of a list: `plate clean first-last` a line, as in docs/td.md.

    The range may be missing or `all`; a fourth word is the folder for the versions. A path with
    spaces stands in double quotes; relative ones start at the list's folder. Empty lines and those
    that begin with # are skipped. Raises ListInvalid when one line is wrong: half a list would be
    matted and nobody would know.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ListInvalid(
            "{}: this list of shots cannot be read: {}.\nA list is plain text, UTF-8.".format(
                path, getattr(error, "strerror", None) or error
            )
        ) from error
    orders, wrong = [], []
    for number, line in enumerate(text.lstrip("\ufeff").splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        words = [quoted or bare for quoted, bare in _WORD.findall(line)]
        problem = _problem(words)
        if problem:
            wrong.append("line {}: {}".format(number, problem))
        else:
            orders.append(_order(words, path.parent))
    if wrong or not orders:
        raise ListInvalid(
            "{}: {}\nA line is: plate clean first-last, with paths in double quotes where they "
            "have spaces. No shot of this list was added.".format(
                path, "; ".join(wrong) or "there is no shot in this list."
            )
        )
    return orders


def _problem(words: List[str]) -> str:
    if not 2 <= len(words) <= 4:
        return "{} words instead of 2 to 4".format(len(words))
    if len(words) > 2 and words[2] != "all" and not _RANGE.fullmatch(words[2]):
        return "{!r} is not a frame range".format(words[2])
    return ""


def _order(words: List[str], folder: Path) -> Order:
    plate, clean = ((folder / word).as_posix() for word in words[:2])
    frames = words[2] if len(words) > 2 and words[2] != "all" else ""
    out = (folder / words[3]).as_posix() if len(words) > 3 else ""
    return Order(plate=plate, clean=clean, frames=frames, out=out)
