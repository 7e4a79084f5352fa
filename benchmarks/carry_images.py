"""Copies the images that training composites from, as large as it keeps them: a third of the size.

    python benchmarks/carry_images.py --data ../shared/data --out images

For a machine behind a thin line: what is kept for training is no larger than `bank.SIDE_PX`, and
the folder that comes out has the layout of the one that goes in. WebP again, quality 82; what is
small enough is copied as it is. Held-out images come along, so that validation figures are of the
same images.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import cv2
import numpy as np

from platematte.training.bank import SIDE_PX

FOLDERS = ("foreground", "background", "hdri")
QUALITY = 82


def main() -> None:
    """Copy every image and say what came of it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the image data")
    parser.add_argument("--out", type=Path, required=True, help="folder to write, a new one")
    options = parser.parse_args()
    paths = [
        path
        for folder in FOLDERS
        for path in sorted((options.data / folder).rglob("*"))
        if path.suffix in (".webp", ".hdr")
    ]
    options.out.mkdir(parents=True)
    for path in paths:
        to = options.out / path.relative_to(options.data)
        to.parent.mkdir(parents=True, exist_ok=True)
        if not write_smaller(path, to):
            shutil.copy2(path, to)
    before, after = (
        sum(path.stat().st_size for path in part) / 2**20
        for part in (paths, [path for path in options.out.rglob("*") if path.is_file()])
    )
    print(f"{len(paths)} images, {before:.1f} MiB before, {after:.1f} MiB after")


def write_smaller(path: Path, to: Path) -> bool:
    """Write a large image smaller; return whether it was large."""
    pixels = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if pixels is None or max(pixels.shape[:2]) <= SIDE_PX:
        return False
    scale = SIDE_PX / max(pixels.shape[:2])
    size = [max(8, round(side * scale)) for side in (pixels.shape[1], pixels.shape[0])]
    smaller = resize(pixels, size)
    if path.suffix == ".hdr":
        return bool(cv2.imwrite(str(to), smaller))
    byte = smaller.round().clip(0, 255).astype(np.uint8)
    return bool(cv2.imwrite(str(to), byte, [cv2.IMWRITE_WEBP_QUALITY, QUALITY]))


def resize(pixels: np.ndarray, size: list[int]) -> np.ndarray:
    """Return H x W x 3 or 4 as float32 at a size; colour counts by its alpha, if it has one."""
    image = pixels.astype(np.float32)
    if image.shape[2] < 4:
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    alpha = image[:, :, 3:] / 255
    packed = np.concatenate([image[:, :, :3] * alpha, alpha], 2)
    small = cv2.resize(packed, size, interpolation=cv2.INTER_AREA)
    colour = small[:, :, :3] / np.maximum(small[:, :, 3:], 1 / 255)
    return np.concatenate([colour, small[:, :, 3:] * 255], 2)


if __name__ == "__main__":
    main()
