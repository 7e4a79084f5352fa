"""Paths with frame numbers, and EXR files as Nuke's Read and Write see them.

numpy and what reads EXR are imported late: paths need neither.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from doubles import channels
from doubles.session import current

_PATTERN = re.compile(r"%0?(\d*)d|(#+)")


def frame_path(pattern: str, frame: int) -> str:
    """Return the path of a frame: %04d and #### become its number, %V and %v the view."""
    pattern = _of_view(pattern)

    def number(match: Any) -> str:
        digits = int(match.group(1) or 1) if match.group(2) is None else len(match.group(2))
        return "{:0{}d}".format(frame, digits)

    return _PATTERN.sub(number, pattern)


def _of_view(pattern: str) -> str:
    view = current().view
    return pattern.replace("%V", view).replace("%v", view[:1])


def frames_on_disk(pattern: str) -> list[int]:
    """Return the frame numbers that a pattern has files for in this view, sorted."""
    pattern = _of_view(pattern)
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

    from doubles import exr
    from doubles.formats import Format
    from doubles.image import Box, Image

    header, pixels = exr.load(path)
    attributes = header["attributes"]
    width, full_height = header["full_width"], header["full_height"]
    aspect = float(attributes.get("PixelAspectRatio", 1))
    format_ = Format(width, full_height, pixel_aspect=aspect)
    # EXR counts rows from the top of the display window, Nuke from the bottom of the format.
    x = header["x"] - header["full_x"]
    top = full_height - (header["y"] - header["full_y"])
    box = Box(x, top - pixels.shape[0], x + pixels.shape[1], top)
    planes = {}
    for i, name in enumerate(header["channels"]):
        own = channels.from_exr(name)
        channels.declare(own.partition(".")[0], [own])
        planes[own] = np.ascontiguousarray(pixels[::-1, :, i]).astype(np.float32)
    metadata = {"exr/" + name: value for name, value in attributes.items()}
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

    from doubles import exr

    box = image.box
    # EXR has no empty data window; Nuke writes one black pixel.
    if not box.width or not box.height:
        image = image.over_box(type(box)(0, 0, 1, 1))
        box = image.box
    width, height = image.format.width(), image.format.height()
    kept = {
        name: value for name, value in attributes.items() if isinstance(value, (str, int, float))
    }
    header = {
        "x": box.x,
        "y": height - box.t,
        "full_x": 0,
        "full_y": 0,
        "full_width": width,
        "full_height": height,
        "channels": [channels.to_exr(name) for name in names],
        "pixel_type": "half" if datatype == "16 bit half" else "float",
        "attributes": {
            "compression": _COMPRESSIONS[compression],
            "PixelAspectRatio": image.format.pixelAspect(),
            **kept,
        },
    }
    part = path + ".tmp.exr"
    exr.save(part, header, np.stack([image.plane(name) for name in names], axis=-1)[::-1])
    Path(part).replace(path)
