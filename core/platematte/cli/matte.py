"""`platematte matte`: mattes a shot."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platematte.errors import Cancelled, MatteError
from platematte.progress import progress_writer
from platematte.settings import (
    MatteSettings,
    change_settings,
    parse_assignment,
    read_settings_file,
)
from platematte.shot import Shot

_DESCRIPTION = """Matte PLATE with CLEAN and write OUT, one EXR a frame.

PLATE, CLEAN and mattes: name.####.exr, name.%04d.exr, one file, or a movie.
CLEAN may be one still, or a sequence with the plate's frame numbers.
OUT: name.####.exr; frames keep the plate's numbers."""

# Flags that are settings under another name: flag, section, key.
_SETTING_FLAGS = (
    ("colorspace", "input", "colorspace"),
    ("layers", "output", "layers"),
    ("weights", "network", "weights"),
    ("device", "network", "device"),
    ("precision", "network", "precision"),
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes and what carries it out."""
    parser.description = _DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("plate", metavar="PLATE", help="the shot with its subject")
    parser.add_argument("clean", metavar="CLEAN", help="the same set without the subject")
    parser.add_argument("--out", required=True, help="EXR pattern to write, name.####.exr")
    parser.add_argument("--frames", help="frames to matte, as 1001-1100 or 1001-1100x2,1150")
    parser.add_argument("--garbage", metavar="M", help="matte that is 1 where alpha must be 0")
    parser.add_argument("--core", metavar="M", help="matte that is 1 where alpha must be 1")
    parser.add_argument("--hint", metavar="M", help="rough matte of the subject, weighed only")
    add_settings_flags(parser)
    parser.add_argument(
        "--progress", default="bar", choices=("bar", "json", "openjd", "none"), help="on progress"
    )
    existing = parser.add_mutually_exclusive_group()
    existing.add_argument("--overwrite", action="store_true", help="replace existing frames")
    existing.add_argument("--resume", action="store_true", help="keep frames that are finished")
    parser.set_defaults(run=run)


def add_settings_flags(parser: argparse.ArgumentParser) -> None:
    """Say which settings the command takes; `read_settings` reads them."""
    parser.add_argument("--layers", help="extra layers: foreground,clean,residual,confidence")
    parser.add_argument("--colorspace", metavar="NAME", help="colour space of the plate")
    parser.add_argument("--settings", metavar="FILE", help="TOML or JSON file of settings")
    parser.add_argument(
        "--set", metavar="SECTION.KEY=VALUE", action="append", default=[], help="one setting"
    )
    parser.add_argument("--weights", metavar="NAME|FILE", help="set of weights")
    parser.add_argument("--device", metavar="DEVICE", help="auto, cpu, cuda or mps")
    parser.add_argument("--precision", metavar="P", help="auto, fp32, fp16 or bf16")


def run(parsed: argparse.Namespace) -> int:
    """Matte the shot; raises what `matte_shot` raises, and the first failed frame's error."""
    with progress_writer(parsed.progress) as progress, _stop_signals() as stopped:
        from platematte.plan import check_shot

        shot, settings = read_shot(parsed), read_settings(parsed)
        existing = "overwrite" if parsed.overwrite else "resume" if parsed.resume else "refuse"
        # torch comes only after this: bad arguments and missing files are answered at once.
        check_shot(shot, settings, existing)  # type: ignore[arg-type]
        from platematte.matte import matte_shot

        try:
            report = matte_shot(shot, settings, progress, stopped.is_set, existing)  # type: ignore[arg-type]
        except Cancelled as error:
            error.exit_status = 128 + stopped.signal if stopped.signal else error.exit_status
            raise
        report.raise_failed()
    return 0


def read_shot(parsed: argparse.Namespace) -> Shot:
    """Return the shot that the arguments name."""
    frames = None
    if parsed.frames is not None:
        from platematte.images.sequence import parse_frames

        frames = parse_frames(parsed.frames)
    return Shot(
        plate=parsed.plate,
        clean=parsed.clean,
        out=parsed.out,
        frames=frames,
        garbage=parsed.garbage,
        core=parsed.core,
        hint=parsed.hint,
    )


def read_settings(parsed: argparse.Namespace) -> MatteSettings:
    """Return the settings of the file, then of --set, then of the flags; the later ones win."""
    settings = MatteSettings()
    if parsed.settings is not None:
        path = Path(parsed.settings)
        try:
            settings = change_settings(settings, read_settings_file(path))
        except MatteError as error:
            error.path = error.path or str(path)
            raise
    for text in parsed.set:
        section, key, value = parse_assignment(text)
        settings = change_settings(settings, {section: {key: value}})
    for flag, section, key in _SETTING_FLAGS:
        value = getattr(parsed, flag)
        if value is not None:
            settings = change_settings(settings, {section: {key: value}})
    return settings


class _Stop(threading.Event):
    """Set once a signal asked to stop; knows which."""

    signal: int = 0


@contextmanager
def _stop_signals() -> Iterator[_Stop]:
    """Turn SIGINT and SIGTERM into a wish to stop; a second SIGINT stops at once."""
    stop = _Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return

    def ask(number: int, _frame: object) -> None:
        if stop.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.signal = number
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
