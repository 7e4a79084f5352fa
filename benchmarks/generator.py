"""Samples a second of the generator, on any device, and a sheet of samples to look at.

    python benchmarks/generator.py --device cuda --batch 64 --side 256
    python benchmarks/generator.py --sheet samples.png

A trained step takes samples as fast as the device computes them; a generator that is slower than
that leaves it idle. On a GPU at least 1500 samples of 256 px a second are wanted.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from machine import describe_machine, print_table

from platematte.training.bank import load_bank
from platematte.training.synthesise import Sample, Synthesiser, preview

WANTED = 1500
"""Samples of 256 px a second on one H200."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure frames and clips, and draw the sheet if one is asked for."""
    options = parse_options(arguments)
    device = torch.device(options.device)
    torch.set_num_threads(options.threads)
    synthesiser = Synthesiser(load_bank(options.data), options.seed, device)
    if options.sheet is not None:
        draw_sheet(synthesiser.draw(12, options.side), options.sheet)
        return
    print(describe_machine())
    frames = measure(lambda: synthesiser.draw(options.batch, options.side), options, device)
    clips = measure(lambda: synthesiser.draw_clip(options.batch, options.side, 4), options, device)
    rows = [["frames", f"{frames:.1f}"], ["frames of clips of 4", f"{4 * clips:.1f}"]]
    print_table([f"{options.side} px, batch {options.batch}, {device}", "a second"], rows)
    if device.type == "cuda" and options.side == 256:
        print(f"wanted: {WANTED} frames a second; {'met' if frames >= WANTED else 'missed'}")


def parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long each is measured")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--data", type=Path, help="folder of the image data")
    parser.add_argument("--sheet", type=Path, help="write a PNG of samples instead of measuring")
    options = parser.parse_args(arguments)
    data = options.data or Path(os.environ.get("PLATEMATTE_SHARED_DATA", beside))
    options.data = data if data.is_dir() else None
    return options


def measure(draw: Callable[[], object], options: argparse.Namespace, device: torch.device) -> float:
    """Return samples a second over at least the asked time, after a first batch."""

    def finish() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize()

    draw()
    finish()
    began, drawn = time.perf_counter(), 0
    while time.perf_counter() - began < options.seconds:
        draw()
        drawn += options.batch
        finish()
    return drawn / (time.perf_counter() - began)


def draw_sheet(sample: Sample, to: Path) -> None:
    """Write rows of plate, clean plate, alpha, foreground over grey and the wrong area."""
    rows = []
    for plate, clean, alpha, foreground, wrong in zip(
        sample.plate, sample.clean, sample.alpha, sample.foreground, sample.wrong, strict=True
    ):
        over = alpha * foreground + (1 - alpha) * 0.18
        parts = (preview(plate), preview(clean), alpha, preview(over), wrong)
        rows.append(torch.cat([part.expand(3, -1, -1) for part in parts], 2))
    half = len(rows) // 2
    sheet = torch.cat([torch.cat(rows[:half], 1), torch.cat(rows[half:], 1)], 2)
    pixels = (sheet.permute(1, 2, 0).cpu().numpy()[:, :, ::-1] * 255).round().astype(np.uint8)
    cv2.imwrite(str(to), pixels)


if __name__ == "__main__":
    main()
