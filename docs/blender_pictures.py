"""Cuts the pictures of Blender in the docs out of those that `make test-blender-gui` took.

    python docs/blender_pictures.py [FOLDER]    reads FOLDER, else that of the last run with 5.2

They are screenshots of a real Blender 5.2 on the example shot, 1600 x 1000 before the cut. Look at
each of them afterwards: a box that no longer fits is seen, not measured.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import OpenImageIO as oiio

DOCS = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
TAKEN = CACHE / "platematte-tests" / "gui-sid" / "pictures"
BOXES = {
    "blender_add": ("add_keying", 620, 560, 430, 424),
    "blender_node": ("not_matted", 70, 116, 1460, 806),
    "blender_under_way": ("under_way_2", 0, 116, 720, 876),
    "blender_comp": ("backdrop", 470, 104, 660, 736),
    "blender_check": ("check", 105, 64, 878, 386),
    "blender_sidebar": ("sidebar", 1314, 70, 286, 404),
}
"""Name in docs: picture, and what is kept of it: x, y, width and height in pixels."""


def main() -> int:
    """Return the exit status."""
    taken = Path(sys.argv[1]) if len(sys.argv) > 1 else TAKEN
    for name, (source, x, y, width, height) in BOXES.items():
        picture = oiio.ImageBuf(str(taken / f"{source}.png"))
        kept = oiio.ImageBufAlgo.cut(picture, oiio.ROI(x, x + width, y, y + height))
        kept = oiio.ImageBufAlgo.channels(kept, ("R", "G", "B"))
        # Steps of 4 are not seen, and the picture of the comp takes half the room.
        kept.set_pixels(kept.roi, np.round(kept.get_pixels(oiio.FLOAT) * 63) / 63)
        path = DOCS / f"{name}.png"
        kept.specmod()["png:compressionLevel"] = 9
        if picture.has_error or not kept.write(str(path)):
            print(f"{path}: {picture.geterror() or kept.geterror()}", file=sys.stderr)
            return 1
        print(f"{path}: {width} x {height}, {path.stat().st_size // 1024} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
