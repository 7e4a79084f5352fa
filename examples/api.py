"""Matte a shot from Python: the same as `platematte matte PLATE CLEAN --out OUT`."""

from __future__ import annotations

from pathlib import Path

from platematte import MatteSettings, Shot, matte_shot

here = Path(__file__).parent
shot = Shot(
    plate=str(here / "shot/plate.####.exr"),
    clean=str(here / "shot/clean.exr"),
    out="demo_out/api/matte.####.exr",
)
report = matte_shot(shot, MatteSettings(), progress=lambda event: print(event.message))
print(f"{len(report.written)} frames in {report.seconds['total']:.1f} s: {report.out}")
