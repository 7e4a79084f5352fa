"""nuke.Format and the formats that the script knows."""

# ruff: noqa: N802

from __future__ import annotations

from doubles.session import current

_KNOWN = {"HD_1080": (1920, 1080), "square_256": (256, 256), "2K_Super_35(full-ap)": (2048, 1556)}


class Format:
    """A size in pixels with an aspect of the pixel and a name."""

    def __init__(
        self,
        width: int,
        height: int,
        x: int = 0,
        y: int = 0,
        r: int = 0,
        t: int = 0,
        pixel_aspect: float = 1.0,
    ) -> None:
        self._size = (int(width), int(height))
        self._aspect = float(pixel_aspect)
        self._name = ""

    def width(self) -> int:
        return self._size[0]

    def height(self) -> int:
        return self._size[1]

    def pixelAspect(self) -> float:
        return self._aspect

    def name(self) -> str:
        return self._name

    def setName(self, name: str) -> None:
        self._name = name
        _formats()[name] = self

    def x(self) -> int:
        return 0

    def y(self) -> int:
        return 0

    def r(self) -> int:
        return self._size[0]

    def t(self) -> int:
        return self._size[1]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Format):
            return NotImplemented
        return (self._size, self._aspect) == (other._size, other._aspect)

    def __hash__(self) -> int:
        return hash((self._size, self._aspect))

    def __repr__(self) -> str:
        return "<Format {} {}x{}>".format(self._name, *self._size)

    def _text(self) -> str:
        width, height = self._size
        words = f"{width} {height} 0 0 {width} {height} {self._aspect:g} {self._name}"
        return words.strip()


def _formats() -> dict[str, Format]:
    session = current()
    if not session.formats:
        session.formats["HD_1080"] = Format(1920, 1080)
        for name, size in _KNOWN.items():
            Format(*size).setName(name)
    return session.formats


def find_format(name: str) -> Format:
    """Return a format by its name. Raises NameError for one that is not known."""
    if name not in _formats():
        raise NameError(f"there is no format {name!r}")
    return _formats()[name]


def parse_format(words: str) -> Format:
    """Return "1920 1080 [0 0 1920 1080] 1 NAME", or a known name, as a format."""
    parts = words.split()
    if not parts or not parts[0].isdigit():
        return find_format(words)
    name = "" if _is_number(parts[-1]) else parts.pop()
    aspect = float(parts[-1]) if len(parts) in (3, 7) else 1.0
    made = Format(int(parts[0]), int(parts[1]), pixel_aspect=aspect)
    if name:
        made.setName(name)
    return made


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def add_format(words: str) -> Format:
    """nuke.addFormat."""
    return parse_format(words)


def all_formats() -> list[Format]:
    """nuke.formats."""
    return list(_formats().values())


def default_format() -> Format:
    """Return root's format."""
    root = current().root
    chosen = root._knobs["format"]._format if root is not None else None
    return chosen or find_format("2K_Super_35(full-ap)")
