"""Which image formats this install can read and write, as OpenImageIO was built."""

from __future__ import annotations

import OpenImageIO as oiio


def readable_formats() -> tuple[str, ...]:
    """Return the names of the formats that images are read from, ascending."""
    return _formats("input_format_list")


def writable_formats() -> tuple[str, ...]:
    """Return the names of the formats that images are written to, ascending."""
    return _formats("output_format_list")


def library_version() -> str:
    """Return the version of OpenImageIO."""
    return str(oiio.VERSION_STRING)


def _formats(attribute: str) -> tuple[str, ...]:
    return tuple(sorted(name for name in oiio.get_string_attribute(attribute).split(",") if name))
