"""Mattes the real pairs of plate and clean plate, to look at: one contact sheet, and the errors.

    python benchmarks/pairs.py --data ../shared/data --out pairs_out

Columns: plate, clean plate, alpha, foreground over grey, foreground over a new background. Where a
measured alpha exists it is compared. The pairs are looked at and measured only; see their README.
"""

from __future__ import annotations

import argparse
from pathlib import Path

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


def main() -> None:
    """Matte every pair, write the sheet and print a row each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--out", type=Path, default=Path("pairs_out"))
    parser.add_argument("--weights", default="default")
    parser.add_argument("--only", default="", help="part of the pairs' names")
    parser.add_argument("--crop", help="x,y,width,height: show this part at 100 per cent")
    parsed = parser.parse_args()
    settings = MatteSettings(network=NetworkSettings(weights=parsed.weights))
    engine = Engine(settings)
    rows, table = [], []
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
        rows.append(row_of(name, plate, clean, result, parsed.crop))
    parsed.out.mkdir(parents=True, exist_ok=True)
    print(describe_machine())
    print_table(["pair", "mean alpha", "half-way pixels", "MAD", "MSE"], table)
    print(contact_sheet(rows, parsed.out / "pairs.png", width=2000))


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
    """Return mean alpha, the part of half-transparent pixels and the errors where truth exists."""
    alpha = result.solved.alpha
    between = float(((alpha > 0.05) & (alpha < 0.95)).mean())
    truth_name = name.rsplit("_", 1)[0] + "_alpha_triangulated.png"
    truth_path = plate_path.parent / truth_name
    errors = ["", ""]
    if truth_path.is_file():
        truth = read_image(truth_path).matte()
        if truth.shape == alpha.shape:
            errors = [f"{1000 * mad(alpha, truth):.1f}e-3", f"{1000 * mse(alpha, truth):.1f}e-3"]
    return [f"{float(alpha.mean()):.3f}", f"{between:.3f}", *errors]


def row_of(
    name: str, plate: np.ndarray, clean: np.ndarray, result: FrameResult, crop: str | None
) -> list[tuple[str, np.ndarray]]:
    """Return the five pictures of a pair."""
    alpha, premult = result.solved.alpha, result.solved.premult
    x = np.linspace(0, 1, alpha.shape[1], dtype=np.float32)[None, :, None]
    new = np.concatenate([0.02 + 0.3 * x, 0.35 - 0.2 * x, 0.5 * x], 2)
    behind = (1 - alpha) * new
    pictures = {
        name: to_display(plate, WORKING),
        "clean plate": to_display(clean, WORKING),
        "alpha": np.repeat(alpha, 3, 2),
        "over grey": to_display(premult + (1 - alpha) * np.float32(0.18), WORKING),
        "over new": to_display(premult + behind, WORKING),
    }
    if crop:
        left, top, wide, high = (int(part) for part in crop.split(","))
        pictures = {k: v[top : top + high, left : left + wide] for k, v in pictures.items()}
    return [(title, np.ascontiguousarray(picture)) for title, picture in pictures.items()]


if __name__ == "__main__":
    main()
