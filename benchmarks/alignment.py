"""How well the clean plate is laid onto the plate: `python benchmarks/alignment.py [--data PATH]`.

Two claims in one table. On real hand-held pairs: the RMS distance of SIFT points, found at full
resolution by OpenCV's defaults and independent of ours, that our homography brings within 3 px
(no point of the subject does). On synthetic truth: the distance at the corners and the centre of
the frame between our homography and the one that the clean plate was moved by.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from machine import describe_machine, print_table

from platematte.prepare.align import corners_of, project
from platematte.prepare.prepare import Preparer
from platematte.prepare.view import Homography, Image
from platematte.settings import PrepareSettings

PAIRS = ("rooftop_0001", "rooftop_0500", "rooftop_1000", "rooftop_1500")
WITHIN_PX = 3.0
FRAME = (720, 1280)
# The clean plate shows the set beyond the plate's edges nowhere: what moves in is uncovered.
MARGIN = 96


@dataclass(frozen=True)
class Case:
    """A plate and a clean plate whose truth is known."""

    plate: Image
    clean: Image
    truth: Homography
    gain: float


def read_linear(path: Path) -> Image:
    """Read an 8-bit sRGB image as H x W x 3 scene-linear RGB."""
    encoded = cv2.cvtColor(cv2.imread(str(path), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB) / 255.0
    low = encoded <= 0.04045
    return np.where(low, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(np.float32)


def encode(linear: Image) -> Image:
    """Return the sRGB code values, 0..1, of scene-linear values."""
    clipped = np.clip(linear, 0, 1)
    low = clipped <= 0.0031308
    return np.where(low, clipped * 12.92, 1.055 * clipped ** (1 / 2.4) - 0.055)


def decode_noisy(linear: Image, sigma: float, rng: np.random.Generator) -> Image:
    """Return the image as an 8-bit camera with this noise (of 255) would have recorded it."""
    codes = encode(linear) * 255 + rng.normal(0, sigma, linear.shape)
    codes = np.clip(np.rint(codes), 0, 255) / 255
    low = codes <= 0.04045
    return np.where(low, codes / 12.92, ((codes + 0.055) / 1.055) ** 2.4).astype(np.float32)


def measure_pair(plate: Image, clean: Image, homography: Homography) -> tuple[float, int]:
    """Return the RMS distance, px, and the number of full-resolution points within 3 px."""
    detector = cv2.SIFT_create()
    found = []
    for image in (clean, plate):
        grey = cv2.cvtColor(np.rint(encode(image) * 255).astype(np.uint8), cv2.COLOR_RGB2GRAY)
        found.append(detector.detectAndCompute(grey, None))
    pairs = cv2.BFMatcher().knnMatch(found[0][1], found[1][1], k=2)
    good = [a for a, b in pairs if a.distance < 0.75 * b.distance]
    start = np.array([found[0][0][match.queryIdx].pt for match in good], np.float64)
    end = np.array([found[1][0][match.trainIdx].pt for match in good], np.float64)
    distance = np.hypot(*(project(homography, start) - end).T)
    inside = distance[distance < WITHIN_PX]
    return float(np.sqrt(np.mean(inside**2))), len(inside)


def make_case(background: Path, subject: Path, rng: np.random.Generator) -> Case:
    """Compose a plate from CC0 images and move the clean plate by a known homography."""
    height, width = FRAME
    wide = read_linear(background)
    scale = max((height + 2 * MARGIN) / wide.shape[0], (width + 2 * MARGIN) / wide.shape[1])
    wide = cv2.resize(wide, None, fx=scale * 1.001, fy=scale * 1.001, interpolation=cv2.INTER_CUBIC)
    wide = np.maximum(wide[: height + 2 * MARGIN, : width + 2 * MARGIN], 0)
    truth = random_homography(rng)
    inset = np.array([[1, 0, -MARGIN], [0, 1, -MARGIN], [0, 0, 1]], np.float64)
    shown = wide[MARGIN : MARGIN + height, MARGIN : MARGIN + width]
    moved = cv2.warpPerspective(wide, truth @ inset, (width, height), flags=cv2.INTER_LANCZOS4)
    gain = float(rng.uniform(0.77, 1.05))
    plate = add_subject(np.maximum(moved, 0) * np.float32(gain), subject, rng)
    sigma = float(rng.uniform(1, 10))
    return Case(decode_noisy(plate, sigma, rng), decode_noisy(shown, sigma, rng), truth, gain)


def random_homography(rng: np.random.Generator) -> Homography:
    """Return a hand-held move: up to 50 px of shift, 1 degree, 1 per cent, a little perspective."""
    height, width = FRAME
    corners = corners_of(FRAME)
    angle, scale = np.deg2rad(rng.uniform(-1, 1)), rng.uniform(0.99, 1.01)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = np.array([(width - 1) / 2, (height - 1) / 2])
    distance, heading = rng.uniform(0, 50), rng.uniform(0, 2 * np.pi)
    shift = distance * np.array([np.cos(heading), np.sin(heading)])
    moved = (corners - centre) @ turn.T + centre + shift + rng.uniform(-1.5, 1.5, (4, 2))
    return cv2.getPerspectiveTransform(corners.astype(np.float32), moved.astype(np.float32))


def add_subject(plate: Image, subject: Path, rng: np.random.Generator) -> Image:
    """Lay a subject of 10 to 60 per cent of the frame over the plate, in linear light."""
    height, width = FRAME
    cut = cv2.imread(str(subject), cv2.IMREAD_UNCHANGED)
    colour = cv2.cvtColor(cut[..., :3], cv2.COLOR_BGR2RGB).astype(np.float32) / 255
    alpha = cut[..., 3].astype(np.float32) / 255
    solid = max(float(alpha.mean()), 0.05)
    wanted = float(rng.uniform(0.1, 0.6))
    scale = np.sqrt(wanted / solid * height * width / alpha.size)
    size = (round(alpha.shape[1] * scale), round(alpha.shape[0] * scale))
    alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)[..., None]
    colour = cv2.resize(colour, size, interpolation=cv2.INTER_AREA) ** np.float32(2.2)
    left = int(rng.integers(min(0, width - size[0]), max(0, width - size[0]) + 1))
    top = int(rng.integers(min(0, height - size[1]), max(0, height - size[1]) + 1))
    y, x = (
        slice(max(0, top), min(height, top + size[1])),
        slice(max(0, left), min(width, left + size[0])),
    )
    part = slice(y.start - top, y.stop - top), slice(x.start - left, x.stop - left)
    plate = plate.copy()
    plate[y, x] = alpha[part] * colour[part] + (1 - alpha[part]) * plate[y, x]
    return plate


def point_errors(found: Homography | None, truth: Homography) -> np.ndarray:
    """Return how far, px, the found homography takes the corners and centre from the truth."""
    points = np.vstack([corners_of(FRAME), corners_of(FRAME).mean(axis=0)])
    mine = points if found is None else project(found, points)
    return np.hypot(*(mine - project(truth, points)).T)


def pair_rows(folder: Path) -> list[list[object]]:
    """Measure the real pairs: one row each."""
    rows: list[list[object]] = []
    for name in PAIRS:
        plate, clean = (read_linear(folder / f"{name}_{role}.png") for role in ("plate", "clean"))
        started = time.process_time()
        report = Preparer(PrepareSettings(), None).prepare(plate, clean).report
        spent = time.process_time() - started
        found = np.eye(3) if report.homography is None else report.homography
        rms, count = measure_pair(plate, clean, found)
        gain = " ".join(f"{value:.3f}" for value in report.gain)
        what = f"{count} points, {report.chosen}, gain {gain}, {spent:.2f} s of CPU"
        rows.append([f"{name}: RMS, px", rms, "", what])
    return rows


def synthetic_rows(data: Path, count: int) -> list[list[object]]:
    """Measure synthetic frames: one row a figure over all of them."""
    backgrounds = sorted((data / "background" / "polyhaven_pano_crops").glob("*.*"))
    subjects = sorted((data / "foreground" / "makehuman_render_CC0").glob("*.*"))
    rng = np.random.default_rng(7)
    errors, gains, refused = [], [], 0
    for _ in range(count):
        case = make_case(rng.choice(backgrounds), rng.choice(subjects), rng)
        report = Preparer(PrepareSettings(), None).prepare(case.plate, case.clean).report
        refused += report.homography is None
        errors.append(point_errors(report.homography, case.truth))
        gains.append(abs(np.mean(report.gain) / case.gain - 1) * 100)
    figures = (
        ("corners and centre, px", np.concatenate(errors)),
        ("worst of these in a frame, px", np.array([five.max() for five in errors])),
        ("gain, per cent", np.array(gains)),
    )
    what = f"{count} frames of {FRAME[1]}x{FRAME[0]}, {refused} left unwarped"
    return [
        [f"synthetic: {name}", *(float(v) for v in np.percentile(values, (50, 95))), what]
        for name, values in figures
    ]


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    parser.add_argument("--data", type=Path, default=beside, help="folder with pairs/ and more")
    parser.add_argument("--frames", type=int, default=40, help="synthetic frames")
    arguments = parser.parse_args()
    sys.stdout.write(f"{describe_machine()}, OpenCV {cv2.__version__}\n\n")
    rows = pair_rows(arguments.data / "pairs") + synthetic_rows(arguments.data, arguments.frames)
    print_table(("alignment", "median (pairs: RMS)", "95 %", "of"), rows)


if __name__ == "__main__":
    main()
