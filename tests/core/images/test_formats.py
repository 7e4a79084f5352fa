"""What OpenImageIO was built with."""

from __future__ import annotations

from platematte.images.formats import library_version, readable_formats, writable_formats


def test_every_promised_format_can_be_read() -> None:
    assert {"openexr", "dpx", "tiff", "png", "jpeg"} <= set(readable_formats())


def test_exr_can_be_written() -> None:
    assert "openexr" in writable_formats()


def test_the_version_is_one_that_pyproject_allows() -> None:
    assert int(library_version().split(".")[0]) >= 3
