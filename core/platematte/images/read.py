"""Read one image file as float32 pixels with its windows and header, changing nothing in them.

EXR, DPX, TIFF, PNG, JPEG and whatever else OpenImageIO reads; movies are `movie.py`'s.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from platematte.errors import InputMissing, InputUnreadable
from platematte.images.channels import find_alpha, find_colour
from platematte.images.window import Window

_FLOATS = ("half", "float", "double")


@dataclass(frozen=True)
class SourceImage:
    """One image as it is in the file: nothing converted, clamped, resized or multiplied.

    `pixels` is float32, H x W x C over `data_window`, in the file's own colour space and encoding.
    Integer files of any depth are scaled to 0..1.
    """

    pixels: np.ndarray
    channels: tuple[str, ...]
    channel_types: tuple[str, ...]
    data_window: Window
    display_window: Window
    pixel_aspect: float
    path: Path
    frame: int | None
    bit_depth: int
    is_float: bool
    colorspace_tag: str | None
    format_name: str
    header: oiio.ImageSpec = field(repr=False)
    """The file's header, to be carried over by `write.py`; opaque to everyone else."""

    def rgb(self) -> np.ndarray:
        """Return the colour, H x W x 3, in the file's own colour space; perhaps `pixels` itself.

        Chosen by name, in any order: `R,G,B`, else the first view's or first layer's; a grey `Y`
        stands for all three; luminance and chroma become RGB. Raises InputUnreadable, listing the
        channels, when none of them is a colour.
        """
        colour = find_colour(self.channels, _first_view(self.header))
        if colour is None:
            raise InputUnreadable(
                f"there are no colour channels among {', '.join(self.channels)}",
                path=self.path,
                frame=self.frame,
                fix="Render the file with channels R, G and B.",
            )
        return colour.extract(self.pixels)

    def matte(self) -> np.ndarray:
        """Return the one channel that is a matte, H x W x 1.

        It is the alpha, unless that is 1 everywhere (an opaque picture, whose matte is then its
        colour); without one, `R`, then `Y`, then the file's first channel. Never converted.
        """
        alpha = find_alpha(self.channels)
        if alpha is not None and (len(self.channels) == 1 or np.any(self.pixels[..., alpha] != 1)):
            return np.ascontiguousarray(self.pixels[..., alpha : alpha + 1])
        colour = find_colour(self.channels, _first_view(self.header))
        index = 0 if colour is None else colour.indices[0]
        return np.ascontiguousarray(self.pixels[..., index : index + 1])


def read_image(
    path: str | Path, frame: int | None = None, subimage: int | None = None
) -> SourceImage:
    """Read a file whole; `frame` is only carried along and named in errors.

    Of a file of several parts the one named by `subimage` is read, else the first part that has
    colour channels, else the first. Raises InputMissing or InputUnreadable.
    """
    path = Path(path)
    with closing(_open(path, frame)) as file:
        part = _choose_part(file, path, frame) if subimage is None else subimage
        if not file.seek_subimage(part, 0):
            raise InputUnreadable(f"the file has no part {part}", path=path, frame=frame)
        spec = oiio.ImageSpec(file.spec())
        if spec.deep:
            raise InputUnreadable(
                "the pixels are deep", path=path, frame=frame, fix="Flatten the file first."
            )
        types = _channel_types(spec)
        pixels = _read_pixels(file, part, spec, types)
        if pixels is None:
            raise InputUnreadable(_reason(file.geterror()), path=path, frame=frame)
        return _as_source(pixels, spec, types, path, frame, file.format_name())


def count_nonfinite(pixels: np.ndarray) -> int:
    """Return how many values are NaN or infinite."""
    return int(pixels.size - np.count_nonzero(np.isfinite(pixels)))


def readable_metadata(header: oiio.ImageSpec) -> dict[str, str]:
    """Return a header's attributes as text for people: timecodes as 01:02:03:04, rates as 24/1."""
    return {
        # OpenImageIO puts quotes around what is text already.
        entry.name: entry.value
        if isinstance(entry.value, str)
        else oiio.ImageSpec.metadata_val(entry, True)
        for entry in header.extra_attribs
    }


def _open(path: Path, frame: int | None) -> oiio.ImageInput:
    if not path.exists():
        raise InputMissing("there is no such file", path=path, frame=frame)
    if path.is_dir():
        raise InputUnreadable("this is a folder, not an image", path=path, frame=frame)
    if path.stat().st_size == 0:
        raise InputUnreadable("the file is empty (0 bytes)", path=path, frame=frame)
    # A plate's colour is what was photographed: it must not be multiplied by an alpha that
    # happens to be in the file, which is OpenImageIO's default for PNG and TIFF.
    hints = oiio.ImageSpec()
    hints.attribute("oiio:UnassociatedAlpha", 1)
    file = oiio.ImageInput.open(str(path), hints)
    if file is None:
        reason = _reason(oiio.geterror())
        if "Subsampled channels" in reason:
            raise InputUnreadable(
                "the chroma channels are stored at a lower resolution than the luminance",
                path=path,
                frame=frame,
                fix="Write the file again with full channels R, G and B.",
            )
        raise InputUnreadable(reason, path=path, frame=frame)
    return file


def _choose_part(file: oiio.ImageInput, path: Path, frame: int | None) -> int:
    part = 0
    while file.seek_subimage(part, 0):
        spec = file.spec()
        if not spec.deep and find_colour(tuple(spec.channelnames), _first_view(spec)) is not None:
            return part
        part += 1
    # Reading past the last part is how the end is found; its message means nothing.
    file.geterror()
    if part == 0:
        raise InputUnreadable("the file has no image in it", path=path, frame=frame)
    return 0


def _first_view(spec: oiio.ImageSpec) -> str | None:
    views = spec.getattribute("multiView")
    return str(views[0]) if isinstance(views, (tuple, list)) and views else None


def _channel_types(spec: oiio.ImageSpec) -> tuple[str, ...]:
    types = tuple(spec.channelformats) or (spec.format,) * spec.nchannels
    return tuple(str(channel_type) for channel_type in types)


def _read_pixels(
    file: oiio.ImageInput, part: int, spec: oiio.ImageSpec, types: tuple[str, ...]
) -> np.ndarray | None:
    pixels = file.read_image(part, 0, 0, spec.nchannels, oiio.FLOAT)
    if pixels is None:
        return None
    pixels = pixels.reshape(spec.height, spec.width, spec.nchannels)
    if file.format_name() != "openexr":
        return pixels
    for index, channel_type in enumerate(types):
        # EXR's integers are counts (an object number, a 0/1 matte), not fractions of 2^32 - 1.
        if channel_type.startswith("uint"):
            whole = file.read_image(part, 0, index, index + 1, oiio.UINT)
            if whole is None:
                return None
            pixels[..., index] = whole.reshape(spec.height, spec.width)
    return pixels


def _as_source(
    pixels: np.ndarray,
    spec: oiio.ImageSpec,
    types: tuple[str, ...],
    path: Path,
    frame: int | None,
    format_name: str,
) -> SourceImage:
    data_window = Window(spec.x, spec.y, spec.width, spec.height)
    display_window = Window(spec.full_x, spec.full_y, spec.full_width, spec.full_height)
    orientation = spec.get_int_attribute("Orientation", 1)
    if orientation != 1 and data_window == display_window:
        pixels = _upright(pixels, orientation)
        height, width = pixels.shape[:2]
        data_window = display_window = Window(0, 0, width, height)
    return SourceImage(
        pixels=pixels,
        channels=tuple(spec.channelnames),
        channel_types=types,
        data_window=data_window,
        display_window=display_window,
        pixel_aspect=float(spec.get_float_attribute("PixelAspectRatio", 1.0)) or 1.0,
        path=path,
        frame=frame,
        bit_depth=spec.get_int_attribute("oiio:BitsPerSample", 0) or 8 * spec.format.size(),
        is_float=any(channel_type in _FLOATS for channel_type in types),
        colorspace_tag=spec.get_string_attribute("oiio:ColorSpace")
        or spec.get_string_attribute("colorInteropID")
        or None,
        format_name=format_name,
        header=spec,
    )


def _upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    # Exif orientations 2 to 8: a camera stores its rows as the sensor reads them and says in
    # this number how the picture is meant to stand, as every viewer shows it.
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _reason(text: str) -> str:
    # OpenImageIO repeats a message for each attempt it made; the first line says it.
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[0] if lines else "the file cannot be decoded"
