"""Mattes a clip as an artist does: EXR files in, the whole program, EXR files out."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

from platematte.evaluate.metrics import Image, Matte
from platematte.images.read import read_image
from platematte.matte import matte_shot
from platematte.settings import InputSettings, MatteSettings
from platematte.shot import Shot

FIRST_FRAME = 1001
_SPACE = "lin_rec709_scene"


def matte_clip(
    frames: Sequence[tuple[Image, Image]], settings: MatteSettings
) -> list[tuple[Matte, Image]]:
    """Return the matte and the confidence of each frame, read back from the files written.

    frames: plate and clean plate, H x W x 3 float32, scene-linear Rec.709. A clean plate that is
    the same in all frames is given as a still. Raises RuntimeError for frames that were not matted.
    """
    layers = replace(settings.output, layers=("foreground", "confidence"))
    spaces = InputSettings(colorspace=_SPACE, clean_colorspace=_SPACE)
    with tempfile.TemporaryDirectory() as folder:
        shot = _write_shot(Path(folder), frames)
        report = matte_shot(shot, replace(settings, output=layers, input=spaces))
        if report.failed:
            raise RuntimeError(f"frames that were not matted: {report.failed}")
        numbers = range(FIRST_FRAME, FIRST_FRAME + len(frames))
        return [_read_matte(Path(shot.out.replace("####", str(frame)))) for frame in numbers]


def without_temporal(settings: MatteSettings) -> MatteSettings | None:
    """Return the settings with the temporal path off; None where there is no such setting."""
    for section in fields(settings):
        part = getattr(settings, section.name)
        if any(entry.name == "temporal" for entry in fields(part)):
            off: object = "off" if isinstance(part.temporal, str) else type(part.temporal)()
            return replace(settings, **{section.name: replace(part, temporal=off)})
    return None


def _write_shot(folder: Path, frames: Sequence[tuple[Image, Image]]) -> Shot:
    is_still = all(np.array_equal(clean, frames[0][1]) for _, clean in frames)
    for frame, (plate, clean) in enumerate(frames, FIRST_FRAME):
        _write_exr(folder / f"plate.{frame}.exr", plate)
        if not is_still:
            _write_exr(folder / f"clean.{frame}.exr", clean)
    if is_still:
        _write_exr(folder / "clean.exr", frames[0][1])
    clean_name = "clean.exr" if is_still else "clean.####.exr"
    paths = [str(folder / name) for name in ("plate.####.exr", clean_name, "out.####.exr")]
    return Shot(plate=paths[0], clean=paths[1], out=paths[2])


def _write_exr(path: Path, image: Image) -> None:
    """Write H x W x 3 as 32-bit floats, so that the files hold what methods in memory get."""
    buffer = oiio.ImageBuf(np.ascontiguousarray(image, np.float32))
    buffer.set_write_format(oiio.FLOAT)
    if not buffer.write(str(path)):
        raise OSError(f"{path}: {buffer.geterror()}")


def _read_matte(path: Path) -> tuple[Matte, Image]:
    image = read_image(path)

    def layer(*names: str) -> Image:
        return image.pixels[..., [image.channels.index(name) for name in names]]

    foreground = layer(*(f"foreground.{name}" for name in "RGB"))
    return Matte(layer("A"), layer(*"RGB"), foreground), layer("confidence.Y")
