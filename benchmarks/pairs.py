"""Mattes the real pairs of plate and clean plate, to look at: a contact sheet each, and the errors.

    python benchmarks/pairs.py --data ../shared/data --out pairs_out

A sheet shows plate, clean plate and alpha; the foreground over grey and over a new background, and
the confidence; and at 100 per cent the part that is softest. Where a usable measured alpha exists
it is compared. The pairs are looked at and measured only; see their README.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from machine import describe_machine, print_table

from platematte.compute import Engine, FrameResult
from platematte.evaluate.metrics import mad, mse
from platematte.images.colour import source_space, to_display, to_working
from platematte.images.read import read_image
from platematte.images.sheet import contact_sheet
from platematte.matte import matte_pixels
from platematte.settings import MatteSettings, NetworkSettings

WORKING = "lin_rec709_scene"
CROP_PX = (480, 320)
"""Width and height of what is shown at 100 per cent."""
MEASURED = ("Comb", "Flowers", "LotionBag")
"""Objects whose alpha, triangulated from two backdrops, is good to about 0.03; of the others it is
mostly grain and light that changed."""
Picture = tuple[str, np.ndarray]


def main() -> None:
    """Matte every pair, write the sheet and print a row each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("pairs_out"))
    parser.add_argument("--weights", default="default")
    parser.add_argument("--only", default="", help="part of the pairs' names")
    parser.add_argument("--crop", help="x,y: show the part from here on at 100 per cent")
    parsed = parser.parse_args()
    settings = MatteSettings(network=NetworkSettings(weights=parsed.weights))
    engine = Engine(settings)
    table = []
    parsed.out.mkdir(parents=True, exist_ok=True)
    print(describe_machine())
    for plate_path in sorted((parsed.data / "pairs").glob("*_plate.*")):
        name = plate_path.name.rsplit("_plate.", 1)[0]
        if parsed.only not in name:
            continue
        clean_path = next(plate_path.parent.glob(f"{name}_clean.*"))
        plate, clean = read_linear(plate_path), read_linear(clean_path)
        if plate.shape != clean.shape:
            clean = meet(clean, plate)
        result = matte_pixels(plate, clean, settings, engine=engine)
        table.append([name, *measure(plate_path, name, result)])
        rows = rows_of(name, plate, clean, result, parsed.crop)
        print(contact_sheet(rows, parsed.out / f"{name}.png", width=1536))
    print_table(["pair", "mean alpha", "half-way pixels", "MAD", "MSE"], table)


def read_linear(path: Path) -> np.ndarray:
    """Return a photograph as H x W x 3 linear Rec.709."""
    image = read_image(path)
    return to_working(image.rgb(), source_space(image, "auto"), WORKING)


def meet(clean: np.ndarray, plate: np.ndarray) -> np.ndarray:
    """Return the clean plate cut or filled to the plate's size, by pixel coordinate."""
    placed = np.zeros_like(plate)
    height, width = (min(a, b) for a, b in zip(plate.shape[:2], clean.shape[:2], strict=True))
    placed[:height, :width] = clean[:height, :width]
    return placed


def measure(plate_path: Path, name: str, result: FrameResult) -> list[str]:
    """Return mean alpha, the part of half-transparent pixels and, where known, the errors."""
    alpha = result.solved.alpha
    between = float(((alpha > 0.05) & (alpha < 0.95)).mean())
    thing = name.rsplit("_", 1)[0]
    errors = ["", ""]
    if thing in MEASURED:
        truth = read_image(plate_path.parent / f"{thing}_alpha_triangulated.png").matte()
        errors = [f"{1000 * error(alpha, truth):.1f}e-3" for error in (mad, mse)]
    return [f"{float(alpha.mean()):.3f}", f"{between:.3f}", *errors]


def rows_of(
    name: str, plate: np.ndarray, clean: np.ndarray, result: FrameResult, crop: str | None
) -> list[list[Picture]]:
    """Return the three rows of a pair's sheet."""
    alpha, premult = result.solved.alpha, result.solved.premult
    x = np.linspace(0, 1, alpha.shape[1], dtype=np.float32)[None, :, None]
    new = np.concatenate([0.02 + 0.3 * x, 0.35 - 0.2 * x, 0.5 * x], 2)
    over_new = to_display(premult + (1 - alpha) * new, WORKING)
    first = [
        (name, to_display(plate, WORKING)),
        ("clean plate", to_display(clean, WORKING)),
        ("alpha", alpha),
    ]
    second = [
        ("over grey", to_display(premult + (1 - alpha) * np.float32(0.18), WORKING)),
        ("over new", over_new),
        ("confidence", result.confidence),
    ]
    place = tuple(int(part) for part in crop.split(",")) if crop else softest(alpha)
    near = [cut(picture, place) for picture in (first[0], first[2], second[1])]
    return [first, second, near]


def softest(alpha: np.ndarray) -> tuple[int, int]:
    """Return left and top of the part where most of alpha is neither 0 nor 1."""
    soft = (alpha[..., 0] * (1 - alpha[..., 0])).astype(np.float32)
    width, height = (min(a, b) for a, b in zip(CROP_PX, soft.shape[::-1], strict=True))
    sums = cv2.boxFilter(soft, -1, (width, height), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT)
    inside = sums[: soft.shape[0] - height + 1, : soft.shape[1] - width + 1]
    top, left = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(left), int(top)


def cut(picture: Picture, place: tuple[int, ...]) -> Picture:
    """Return the part of a picture that is shown at 100 per cent."""
    title, pixels = picture
    (left, top), (width, height) = place, CROP_PX
    part = pixels[top : top + height, left : left + width]
    return f"{title}, {left},{top}", np.ascontiguousarray(part)


if __name__ == "__main__":
    main()
