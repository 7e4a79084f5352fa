"""Runs in the engine's Python, not in Blender: reads EXRs by OpenImageIO, for steps that compare.

python read_exr.py OUT.npz FILE...   R, G, B, A of each as float32, H x W x 4; without A it is 1.
"""

from __future__ import annotations

import sys

import numpy as np
import OpenImageIO as oiio


def read(path: str) -> np.ndarray:
    """R, G, B, A of a file. ValueError when it is no whole image."""
    image = oiio.ImageBuf(path)
    values = image.get_pixels(oiio.FLOAT)
    if image.has_error:
        raise ValueError(f"{path}: {image.geterror()}")
    names = image.spec().channelnames
    missing = np.ones(values.shape[:2], np.float32)
    channels = [values[..., names.index(name)] if name in names else missing for name in "RGBA"]
    return np.stack(channels, -1)


if __name__ == "__main__":
    out, *files = sys.argv[1:]
    np.savez(out, *map(read, files))
