"""Seconds a frame of each stage, and peak memory, at HD and 4K; then the networks compared.

    python benchmarks/speed.py --frames 6
    python benchmarks/speed.py --only networks --device cuda

The second part, our networks against the published architectures, is `speed_networks.py`. The
first runs the real command's pipeline on EXR files (half, zips) that it makes itself, each size in
a process of its own, so that peak memory is that size's alone. Stages overlap, as they do in a
shot, and take each other's cores; "network alone" is the network with nothing beside it. "whole"
is the wall time of the shot divided by its frames; against it stands the slowest of read, compute
(all between them) and write, which is what a perfect overlap would leave.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from machine import describe_machine, print_table
from speed_networks import add_options, compare_networks

if TYPE_CHECKING:
    from platematte.settings import MatteSettings

SIZES = {"HD": (1920, 1080), "4K": (3840, 2160)}
STAGES = ("read", "prepare", "network", "temporal", "solve", "write")


def main() -> None:
    """Measure each size and print the table, then compare the networks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=6)
    parser.add_argument("--camera", choices=("static", "moving"), default="static")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--weights", default="default")
    parser.add_argument("--size", choices=tuple(SIZES), help="measure this size in this process")
    parser.add_argument("--only", choices=("pipeline", "networks"))
    add_options(parser)
    parsed = parser.parse_args()
    if parsed.size:
        print(json.dumps(measure(parsed)))
        return
    print(describe_machine())
    if parsed.only != "networks":
        measure_pipeline()
    if parsed.only != "pipeline":
        compare_networks(parsed)


def measure_pipeline() -> None:
    """Measure each size in a process of its own and print one table."""
    rows = []
    for size, (width, height) in SIZES.items():
        command = [sys.executable, __file__, *sys.argv[1:], "--size", size]
        result = subprocess.run(command, check=True, capture_output=True, text=True)
        facts = json.loads(result.stdout.splitlines()[-1])
        compute = sum(facts[stage] for stage in STAGES[1:-1])
        slowest = max(facts["read"], compute, facts["write"])
        rows.append(
            [
                f"{width}x{height}",
                *(f"{facts[stage]:.2f}" for stage in STAGES),
                f"{facts['alone']:.2f}",
                f"{facts['whole']:.2f}",
                f"{facts['whole'] / slowest:.2f}",
                f"{facts['peak_mib']:.0f}",
            ]
        )
    headers = ["size", *(f"{stage} s" for stage in STAGES)]
    print_table([*headers, "network alone s", "whole s", "whole / slowest", "peak MiB"], rows)


def measure(parsed: argparse.Namespace) -> dict[str, float]:
    """Return the seconds a frame of each stage and the peak memory of this process."""
    from platematte import Shot, matte_shot
    from platematte.settings import MatteSettings, NetworkSettings, PrepareSettings

    width, height = SIZES[parsed.size]
    settings = MatteSettings(
        network=NetworkSettings(
            weights=parsed.weights, device=parsed.device, precision=parsed.precision
        ),
        prepare=PrepareSettings(camera=parsed.camera),
    )
    with tempfile.TemporaryDirectory() as folder:
        make_frames(Path(folder), width, height, parsed.frames + 1, parsed.camera)
        pattern = str(Path(folder) / "plate.####.exr")
        clean = str(Path(folder) / "clean.exr")
        # The first frame pays for libraries and thread pools that a shot pays for once.
        warm = Shot(pattern, clean, str(Path(folder) / "warm.####.exr"), frames=(1000,))
        matte_shot(warm, settings)
        frames = tuple(range(1001, 1001 + parsed.frames))
        shot = Shot(pattern, clean, str(Path(folder) / "matte.####.exr"), frames=frames)
        report = matte_shot(shot, settings)
    seconds = {stage: report.seconds[stage] / parsed.frames for stage in STAGES}
    # Weights, plan and the study of the camera are paid once for a shot, not for each frame.
    once = report.seconds["study"] + report.seconds["load"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    whole = (report.seconds["total"] - once) / parsed.frames
    alone = network_alone(settings, width, height)
    return {**seconds, "alone": alone, "whole": whole, "peak_mib": peak}


def network_alone(settings: MatteSettings, width: int, height: int, runs: int = 5) -> float:
    """Return the median seconds of the network on one frame, with nothing beside it."""
    from platematte.compute import Engine, Mattes
    from platematte.prepare.prepare import Preparer

    random = np.random.default_rng(2)
    plate, clean = (random.random((height, width, 3), np.float32) for _ in range(2))
    prepared = Preparer(settings.prepare, None).prepare(plate, clean)
    engine, same = Engine(settings), np.eye(3, dtype=np.float32)
    seconds = []
    for _ in range(runs):
        began = time.perf_counter()
        engine.draw(engine.look(prepared, Mattes(), same), [])
        seconds.append(time.perf_counter() - began)
    return sorted(seconds)[runs // 2]


def make_frames(folder: Path, width: int, height: int, count: int, camera: str) -> None:
    """Write a textured set with a moving disc before it, and its clean plate."""
    import cv2
    import OpenImageIO as oiio

    random = np.random.default_rng(1)
    coarse = random.random((height // 8, width // 8, 3), np.float32)
    scene = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).clip(0) ** 2
    write(oiio, folder / "clean.exr", scene + grain(random, scene))
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    for index in range(count):
        centre = width * (0.3 + 0.4 * index / count)
        distance = np.hypot(x - centre, y - height / 2)[..., None] - height / 4
        alpha = np.clip(0.5 - distance / 6, 0, 1)
        plate = alpha * np.float32([0.4, 0.2, 0.1]) + (1 - alpha) * scene
        if camera == "moving":
            matrix = np.float32([[1, 0.001, 2.5 * index], [-0.001, 1, 1.5]])
            plate = cv2.warpAffine(plate, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
        write(oiio, folder / f"plate.{1000 + index}.exr", plate + grain(random, plate))


def grain(random: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Return sensor noise for an image: without it compression would be too easy."""
    return random.standard_normal(image.shape, np.float32) * 0.01


def write(oiio: object, path: Path, pixels: np.ndarray) -> None:
    """Write a half-float EXR as a renderer does."""
    spec = oiio.ImageSpec(pixels.shape[1], pixels.shape[0], 3, "half")  # type: ignore[attr-defined]
    spec.attribute("compression", "zips")
    output = oiio.ImageOutput.create(str(path))  # type: ignore[attr-defined]
    if not (output.open(str(path), spec) and output.write_image(pixels) and output.close()):
        raise SystemExit(f"cannot write {path}: {output.geterror()}")


if __name__ == "__main__":
    main()
