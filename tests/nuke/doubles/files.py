"""Paths with frame numbers, and EXR files as Nuke's Read and Write see them.

numpy and OpenImageIO are imported late: paths need neither.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from doubles import channels

_PATTERN = re.compile(r"%0?(\d*)d|(#+)")


def frame_path(pattern: str, frame: int) -> str:
    """Return the path of a frame: %04d and #### become its number, %V and %v the view main."""
    pattern = pattern.replace("%V", "main").replace("%v", "m")

    def number(match: Any) -> str:
        digits = int(match.group(1) or 1) if match.group(2) is None else len(match.group(2))
        return "{:0{}d}".format(frame, digits)

    return _PATTERN.sub(number, pattern)


def frames_on_disk(pattern: str) -> list[int]:
    """Return the frame numbers that a pattern has files for, sorted."""
    folder, name = Path(pattern).parent, Path(pattern).name
    match = _PATTERN.search(name)
    if match is None or not folder.is_dir():
        return []
    before, after = re.escape(name[: match.start()]), re.escape(name[match.end() :])
    wanted = re.compile(before + r"(-?\d+)" + after)
    found = [wanted.fullmatch(entry.name) for entry in folder.iterdir()]
    return sorted(int(hit.group(1)) for hit in found if hit)


def read_exr(path: str) -> Any:
    """Return a file as an Image. Raises RuntimeError for one that cannot be read whole."""
    import numpy as np
    import OpenImageIO as oiio

    from doubles.formats import Format
    from doubles.image import Box, Image

    source = oiio.ImageInput.open(path)
    if source is None:
        raise RuntimeError("{}: {}".format(path, oiio.geterror() or "cannot be opened"))
    spec = source.spec()
    pixels = source.read_image("float")
    source.close()
    if pixels is None:
        raise RuntimeError("{}: {}".format(path, source.geterror() or "cannot be read"))
    format_ = Format(
        spec.full_width,
        spec.full_height,
        pixel_aspect=spec.get_float_attribute("PixelAspectRatio", 1),
    )
    # EXR counts rows from the top of the display window, Nuke from the bottom of the format.
    x = spec.x - spec.full_x
    top = spec.full_height - (spec.y - spec.full_y)
    box = Box(x, top - spec.height, x + spec.width, top)
    planes = {}
    for i, name in enumerate(spec.channelnames):
        own = channels.from_exr(name)
        channels.declare(own.partition(".")[0], [own])
        planes[own] = np.ascontiguousarray(pixels[::-1, :, i]).astype(np.float32)
    metadata = {"exr/" + entry.name: entry.value for entry in spec.extra_attribs}
    metadata["input/filename"] = path
    metadata["input/mtime"] = str(Path(path).stat().st_mtime)
    return Image(format_, box, planes, metadata)


_COMPRESSIONS = {
    "none": "none",
    "Zip (1 scanline)": "zips",
    "Zip (16 scanlines)": "zip",
    "PIZ Wavelet (32 scanlines)": "piz",
    "RLE": "rle",
    "B44": "b44",
    "B44A": "b44a",
    "DWAA": "dwaa",
    "DWAB": "dwab",
}


def write_exr(path: str, image: Any, names: list[str], datatype: str, compression: str,
              attributes: dict[str, Any]) -> None:  # fmt: skip
    """Write channels of an image with its box as data window, under a name of its own first.

    Raises RuntimeError where the folder or the file cannot be written.
    """
    import numpy as np
    import OpenImageIO as oiio

    box = image.box
    # EXR has no empty data window; Nuke writes one black pixel.
    if not box.width or not box.height:
        image = image.over_box(type(box)(0, 0, 1, 1))
        box = image.box
    pixel_type = "half" if datatype == "16 bit half" else "float"
    spec = oiio.ImageSpec(box.width, box.height, len(names), pixel_type)
    spec.channelnames = [channels.to_exr(name) for name in names]
    width, height = image.format.width(), image.format.height()
    spec.x, spec.y = box.x, height - box.t
    spec.full_x, spec.full_y, spec.full_width, spec.full_height = 0, 0, width, height
    spec.attribute("compression", _COMPRESSIONS[compression])
    spec.attribute("PixelAspectRatio", image.format.pixelAspect())
    for name, value in attributes.items():
        if isinstance(value, (str, int, float)):
            spec.attribute(name, value)
    pixels = np.stack([image.plane(name) for name in names], axis=-1)[::-1]
    part = path + ".tmp.exr"
    target = oiio.ImageOutput.create(part)
    if target is None or not target.open(part, spec):
        raise RuntimeError(f"{path}: cannot be written: {oiio.geterror()}")
    if not (target.write_image(np.ascontiguousarray(pixels)) and target.close()):
        raise RuntimeError(f"{path}: cannot be written: {target.geterror()}")
    Path(part).replace(path)
