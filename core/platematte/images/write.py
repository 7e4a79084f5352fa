"""Write finished frames as EXR files that are whole or absent, and recognise them later."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import numpy as np
import OpenImageIO as oiio

from platematte.errors import OutputExists, OutputUnwritable, SettingsInvalid, UsageInvalid
from platematte.images.atomic import free_space, whole_file
from platematte.images.colour import interop_name
from platematte.images.header import carry_over
from platematte.images.layers import Layer, MatteFrame, layers_of
from platematte.images.sequence import Sequence, format_frames

OutputMode = Literal["refuse", "overwrite", "resume"]

ATTRIBUTE_PREFIX = "platematte/"
_HALF_MAX = 65504.0
_FLOAT_MAX = float(np.finfo(np.float32).max)
# Rows that are put together at a time: a 4K frame with all layers is never held twice.
_ROWS = 256


@dataclass(frozen=True)
class WriteReport:
    """What the file could not hold as it was."""

    path: Path
    saturated: int
    """Values beyond the largest half (65504), infinities included, written as plus or minus it."""
    zeroed: int
    """Values that were not a number, written as 0."""


def write_matte(
    path: str | Path,
    frame: MatteFrame,
    source_header: oiio.ImageSpec | None,
    attributes: Mapping[str, str | int | float],
    compression: str,
    overwrite: bool,
) -> WriteReport:
    """Write a frame as a scanline EXR; it appears under its name only when it is complete.

    `source_header` is the plate's: its timecode, frame rate and camera entries are carried over.
    `attributes` are our own, by full name; colour space and premultiplication are added to them.
    Raises OutputExists, OutputUnwritable, and SettingsInvalid for an unknown compression.
    """
    path = Path(path)
    if path.exists() and not overwrite:
        raise OutputExists("this frame exists already", path=path, frame=frame.number)
    layers = list(layers_of(frame))
    spec = _spec(frame, layers, source_header)
    for name, value in attributes.items():
        spec.attribute(name, value)
    spec.attribute("compression", compression)
    with whole_file(path, frame.number) as temporary:
        saturated, zeroed = _write_layers(temporary, path, spec, layers, frame.number)
        _check_written(temporary, path, frame.number, compression)
    return WriteReport(path, saturated, zeroed)


def read_attributes(path: str | Path) -> dict[str, str | int | float]:
    """Return our own attributes of a finished frame; empty for anything else.

    A damaged or cut-off file counts as not finished: besides the header the last row is read.
    """
    if not Path(path).is_file():
        return {}
    file = oiio.ImageInput.open(str(path))
    if file is None:
        # An unread message would be printed when the program ends.
        oiio.geterror()
        return {}
    with closing(file):
        if not _read_last_row(file):
            return {}
        return {
            str(entry.name): cast("str | int | float", entry.value)
            for entry in file.spec().extra_attribs
            if entry.name.startswith(ATTRIBUTE_PREFIX)
        }


def check_output(sequence: Sequence, frames: Iterable[int], mode: OutputMode) -> None:
    """Refuse, before any work, an output that cannot or must not be written; creates its folder.

    Raises UsageInvalid for a name that is no EXR or has no field for the frame number, OutputExists
    with the ranges in the mode "refuse", OutputUnwritable for a folder that takes no files.
    """
    wanted = set(frames)
    if sequence.pattern.suffix.lower() != ".exr":
        raise UsageInvalid(
            "mattes are written as EXR only",
            path=sequence.pattern,
            fix="Name the output like folder/name.####.exr.",
        )
    if not sequence.padding and len(wanted) > 1:
        raise UsageInvalid(
            f"{len(wanted)} frames cannot be written to one file",
            path=sequence.pattern,
            fix="Name the output like folder/name.####.exr.",
        )
    existing = [frame for frame in wanted if sequence.path(frame).exists()]
    if existing and mode == "refuse":
        raise OutputExists(
            f"{len(existing)} of {len(wanted)} frames exist already: {format_frames(existing)}",
            path=sequence.pattern,
        )
    _check_folder(sequence)


def _check_folder(sequence: Sequence) -> None:
    probe = sequence.folder / f".platematte.{os.getpid()}.tmp"
    try:
        sequence.folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"0")
        probe.unlink()
    except OSError as error:
        raise OutputUnwritable(
            f"no file can be written to the folder: {error.strerror}{free_space(probe.parent)}",
            path=sequence.pattern,
        ) from error


def _spec(
    frame: MatteFrame, layers: list[Layer], source_header: oiio.ImageSpec | None
) -> oiio.ImageSpec:
    channels = [name for layer in layers for name in layer.channels]
    types = [layer.channel_type for layer in layers for _ in layer.channels]
    data, display = frame.data_window, frame.display_window
    spec = oiio.ImageSpec(data.width, data.height, len(channels), oiio.HALF)
    spec.channelnames = channels
    spec.channelformats = tuple(oiio.TypeDesc(channel_type) for channel_type in types)
    spec.alpha_channel = channels.index("A")
    spec.x, spec.y = data.x, data.y
    spec.full_x, spec.full_y = display.x, display.y
    spec.full_width, spec.full_height = display.width, display.height
    if source_header is not None:
        same = frame.colorspace is not None and frame.colorspace == frame.plate_space
        carry_over(source_header, spec, same_colours=same)
    spec.attribute("PixelAspectRatio", float(frame.pixel_aspect))
    spec.attribute(f"{ATTRIBUTE_PREFIX}premultiplied", "yes")
    if frame.colorspace is not None:
        spec.attribute(f"{ATTRIBUTE_PREFIX}colorspace", frame.colorspace)
        spec.attribute("oiio:ColorSpace", frame.colorspace)
        interop = interop_name(frame.colorspace)
        if interop:
            spec.attribute("colorInteropID", interop)
    return spec


def _write_layers(
    temporary: Path, path: Path, spec: oiio.ImageSpec, layers: list[Layer], frame: int | None
) -> tuple[int, int]:
    output = oiio.ImageOutput.create(str(temporary))
    if output is None or not output.open(str(temporary), spec):
        reason = oiio.geterror() if output is None else output.geterror()
        raise OutputUnwritable(_told(reason, temporary, path), path=path, frame=frame)
    saturated = zeroed = 0
    try:
        for first in range(0, spec.height, _ROWS):
            blocks = []
            for layer in layers:
                block, beyond, nans = _representable(
                    layer.pixels[first : first + _ROWS], layer.channel_type
                )
                blocks.append(block)
                saturated, zeroed = saturated + beyond, zeroed + nans
            if not _write_rows(output, spec.y + first, np.concatenate(blocks, axis=2)):
                reason = f"some rows did not reach the disk: {output.geterror()}"
                raise OutputUnwritable(_told(reason, temporary, path), path=path, frame=frame)
    except BaseException:
        # Closing a file that is half written complains; the first error is the one to tell.
        output.close()
        output.geterror()
        raise
    if not output.close():
        raise OutputUnwritable(_told(output.geterror(), temporary, path), path=path, frame=frame)
    return saturated, zeroed


def _write_rows(output: oiio.ImageOutput, first: int, rows: np.ndarray) -> bool:
    return bool(output.write_scanlines(first, first + rows.shape[0], 0, rows))


def _representable(pixels: np.ndarray, channel_type: str) -> tuple[np.ndarray, int, int]:
    """Return pixels that the type can hold, how many were beyond it and how many were NaN."""
    limit = _HALF_MAX if channel_type == "half" else _FLOAT_MAX
    pixels = np.asarray(pixels, np.float32)
    # Comparing with NaN is false, so one pass finds the rare frame that needs more than this.
    if np.all(np.abs(pixels) <= limit):
        return pixels, 0, 0
    nans = int(np.count_nonzero(np.isnan(pixels)))
    beyond = int(np.count_nonzero(np.abs(pixels) > limit))
    return np.clip(np.nan_to_num(pixels, nan=0.0), -limit, limit), beyond, nans


def _check_written(temporary: Path, path: Path, frame: int | None, compression: str) -> None:
    """Look at what lies on the disk: the last rows are there, packed as they were to be."""
    file = oiio.ImageInput.open(str(temporary))
    if file is None:
        raise OutputUnwritable(_told(oiio.geterror(), temporary, path), path=path, frame=frame)
    with closing(file):
        written = file.spec().get_string_attribute("compression")
        # The last block goes to the disk when the file is closed, and OpenImageIO does not tell
        # whether there was room for it.
        is_whole = _read_last_row(file)
    if not is_whole:
        reason = "the end of the file did not reach the disk"
        raise OutputUnwritable(_told(reason, temporary, path), path=path, frame=frame)
    # OpenImageIO takes zip for a name that it does not know, without a word.
    if written != compression:
        raise SettingsInvalid(f"there is no EXR compression called {compression!r}", path=path)


def _read_last_row(file: oiio.ImageInput) -> bool:
    """Tell whether the last row of an open file can be read."""
    spec = file.spec()
    last = spec.y + spec.height - 1
    if file.read_scanlines(last, last + 1, 0, 0, spec.nchannels, oiio.FLOAT) is None:
        # An unread message would be printed when the program ends.
        file.geterror()
        return False
    return True


def _told(reason: str, temporary: Path, path: Path) -> str:
    # The artist knows the frame by its own name, not by the one it has while it is written.
    lines = reason.replace(str(temporary), path.name).strip().splitlines()
    return f"{lines[0] if lines else 'it cannot be written'}{free_space(path.parent)}"
