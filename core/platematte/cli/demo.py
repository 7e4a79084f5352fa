"""`platematte demo`: mattes the example shot, and shows the result on one sheet."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import platematte
from platematte.errors import InputMissing, OutputUnwritable
from platematte.progress import Progress, progress_writer
from platematte.settings import MatteSettings, change_settings
from platematte.shot import Shot
from platematte_client.errors import PlateMatteError
from platematte_client.versions import make_version

DEFAULT_FOLDER = Path("demo_out")
_PLATE, _CLEAN = "plate.####.exr", "clean.exr"


@dataclass(frozen=True)
class DemoResult:
    """What the demo left on disk."""

    folder: Path
    """Version folder of this run."""
    frames: tuple[Path, ...]
    """The EXRs."""
    sheet: Path
    """Contact sheet: a row for each frame."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes and what carries it out."""
    parser.description = (
        "Matte the four frames that come with the package into a new version folder, "
        "and make a contact sheet of plate, clean plate, alpha and foreground."
    )
    parser.add_argument(
        "--out", type=Path, default=DEFAULT_FOLDER, help="folder for the versions; demo_out"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Matte the example shot and print the paths of what was written."""
    settings = change_settings(MatteSettings(), {"network": {"device": parsed.device}})
    with progress_writer("bar") as progress:
        result = run_demo(parsed.out, settings, progress)
    for path in result.frames:
        print(path)
    print(result.sheet)
    return 0


def run_demo(
    out: Path | None = None,
    settings: MatteSettings | None = None,
    progress: Progress | None = None,
) -> DemoResult:
    """Matte the example shot into a new folder `out/vNNN`; nothing is ever overwritten.

    Raises InputMissing where the example is not installed, OutputUnwritable, and whatever
    `matte_shot` raises; a frame that fails is raised too.
    """
    from platematte.cli.demo_sheet import make_sheet
    from platematte.images.sequence import Sequence
    from platematte.matte import matte_shot

    example = find_example()
    folder = _new_version(out or DEFAULT_FOLDER)
    shot = Shot(
        plate=str(example / _PLATE),
        clean=str(example / _CLEAN),
        out=str(folder / "matte.####.exr"),
    )
    report = matte_shot(shot, settings, progress)
    if report.failed:
        raise report.failed[0].error
    sequence = Sequence.parse(shot.out)
    sheet = make_sheet(shot, tuple(sorted(report.written)), folder / "contact_sheet.png")
    frames = tuple(sequence.path(frame) for frame in sorted(report.written))
    return DemoResult(folder, frames, sheet)


def find_example() -> Path:
    """Return the folder of the example shot: of the package, or of the repository around it.

    Raises InputMissing.
    """
    package = Path(platematte.__file__).resolve().parent
    for folder in (package / "example_shot", package.parents[1] / "examples" / "shot"):
        if (folder / _CLEAN).is_file():
            return folder
    raise InputMissing(
        "the example shot is not installed",
        path=package / "example_shot",
        fix="Install PlateMatte from its wheel, or run from a clone of its repository.",
    )


def _new_version(out: Path) -> Path:
    """Make the next version folder; raises OutputUnwritable."""
    try:
        _, folder = make_version(out)
    except PlateMatteError as error:
        # The reason begins with the folder.
        raise OutputUnwritable(
            error.reason, fix="Choose another folder by --out, or check permissions and free space."
        ) from error
    return folder
