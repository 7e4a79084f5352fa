"""Everything that can be known about a job before its first frame: checked here, decided once."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from platematte import __version__
from platematte.errors import InputMissing, MatteError, UsageInvalid
from platematte.images.colour import rec709_matrix, resolve, source_space, working_space
from platematte.images.read import SourceImage
from platematte.images.sequence import Sequence, format_frames
from platematte.images.source import Source
from platematte.images.write import check_output, read_attributes
from platematte.settings import InputSettings, MatteSettings, describe_settings
from platematte.shot import Shot

Existing = Literal["refuse", "overwrite", "resume"]

SETTINGS_ATTRIBUTE = "platematte/settings"


@dataclass(frozen=True)
class Job:
    """A shot that can be matted: its files are there, its output may be written."""

    shot: Shot
    settings: MatteSettings
    sources: dict[str, Source]
    """By role: plate, clean, and garbage, core, hint where given."""
    out: Sequence
    frames: tuple[int, ...]
    """All frames that were asked for."""
    finished: frozenset[int]
    """Frames that an earlier run finished with the same settings."""
    working: str
    """The scene-linear space that is computed and written in."""
    to_rec709: np.ndarray = field(repr=False)
    """3 x 3, working space to linear Rec.709."""
    identity: str = ""
    """Hash of all that decides the pixels: settings, weights, version, names of the inputs."""
    is_overwriting: bool = False

    @property
    def todo(self) -> tuple[int, ...]:
        """Frames that are still to be computed."""
        return tuple(frame for frame in self.frames if frame not in self.finished)

    def needed(self, *windows: tuple[int, ...]) -> tuple[int, ...]:
        """Return the frames to do with the neighbours that exist, ascending.

        windows: offsets of neighbours. Each window is laid around all frames that those before it
        asked for: neighbours that are to be matted have neighbours of their own.
        """
        frames = set(self.todo)
        there = set(self.sources["plate"].sequence.frames_on_disk()) if any(windows) else set()
        for offsets in windows:
            frames |= {frame + offset for frame in frames for offset in offsets} & there
        return tuple(sorted(frames))

    def close(self) -> None:
        """Close all files."""
        for source in self.sources.values():
            source.close()


def check_shot(shot: Shot, settings: MatteSettings, existing: Existing) -> None:
    """Raise what is wrong with a shot's files, as `plan_job` does.

    For callers that have the network still to load, which takes seconds.
    """
    with ExitStack() as undo:
        _check(shot, settings, existing, undo)


def plan_job(shot: Shot, settings: MatteSettings, existing: Existing, weights_sha256: str) -> Job:
    """Check a shot and return it as a job.

    Raises what is wrong with it before any work: InputMissing with the ranges of frames that are
    not there, OutputExists, OutputUnwritable, UsageInvalid, ColourSpaceUnknown, InputUnreadable.
    """
    with ExitStack() as undo:
        sources, frames, out, working = _check(shot, settings, existing, undo)
        identity = identify(shot, settings, weights_sha256)
        finished = frozenset[int]()
        if existing == "resume":
            finished = frozenset(_finished(out, sources, frames, identity))
        undo.pop_all()
        return Job(
            shot=shot,
            settings=settings,
            sources=sources,
            out=out,
            frames=frames,
            finished=finished,
            working=working,
            to_rec709=rec709_matrix(working),
            identity=identity,
            is_overwriting=existing != "refuse",
        )


def _check(
    shot: Shot, settings: MatteSettings, existing: Existing, undo: ExitStack
) -> tuple[dict[str, Source], tuple[int, ...], Sequence, str]:
    """Return open sources by role, frames, output and working space; undo: closes the sources."""
    sources = _open_sources(shot)
    for source in sources.values():
        undo.callback(source.close)
    frames = _choose_frames(shot, sources)
    out = Sequence.parse(shot.out)
    _check_distinct(sources, out, frames)
    check_output(out, frames, existing)
    working = _choose_working(settings.input, sources["plate"], frames)
    _read_stills(sources, frames)
    return sources, frames, out, working


def _read_stills(sources: dict[str, Source], frames: tuple[int, ...]) -> None:
    """Read what is held for the whole shot; what is damaged there would fail every frame."""
    for role, source in sources.items():
        if source.sequence.is_still:
            image = source.read(frames[0])
            if role in ("plate", "clean"):
                image.rgb()


def identify(shot: Shot, settings: MatteSettings, weights_sha256: str) -> str:
    """Return the hash of all that decides the pixels of a shot, 16 hexadecimal digits.

    The machine's part of the settings is left out, and so are folders: a job may go on elsewhere.
    """
    decisive = describe_settings(settings)
    decisive.pop("engine")
    decisive["network"] = {"weights": weights_sha256, "precision": settings.network.precision}
    names = {
        role: Path(pattern).name
        for role in ("plate", "clean", "garbage", "core", "hint")
        if (pattern := getattr(shot, role)) is not None
    }
    text = json.dumps([__version__, decisive, names], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _open_sources(shot: Shot) -> dict[str, Source]:
    words = {"plate": "plate", "clean": "clean plate"}
    return {
        role: Source.open(pattern, words.get(role, f"{role} matte"))
        for role in ("plate", "clean", "garbage", "core", "hint")
        if (pattern := getattr(shot, role)) is not None
    }


def _choose_frames(shot: Shot, sources: dict[str, Source]) -> tuple[int, ...]:
    plate = sources["plate"].sequence
    if shot.frames is not None:
        frames = tuple(sorted(set(shot.frames)))
        if not frames:
            raise UsageInvalid("no frames were asked for")
    else:
        frames = plate.frames_on_disk()
        _refuse_holes(plate, frames)
    for source in sources.values():
        source.sequence.require(frames)
    return frames


def _refuse_holes(plate: Sequence, frames: tuple[int, ...]) -> None:
    if not frames:
        plate.require((1,))
    holes = sorted(set(range(frames[0], frames[-1] + 1)) - set(frames)) if frames else []
    if holes:
        raise InputMissing(
            f"the plate has holes: {format_frames(holes)}",
            path=plate.pattern,
            fix=f"Bring the missing frames, or pass: --frames {format_frames(frames)}",
        )


def _check_distinct(sources: dict[str, Source], out: Sequence, frames: tuple[int, ...]) -> None:
    written = _files(out, frames)
    for role, source in sources.items():
        # Files are compared, not patterns: one file can be meant by several of them.
        if written & _files(source.sequence, frames):
            raise UsageInvalid(
                f"the output would overwrite the {role}",
                path=out.pattern,
                fix="Choose another --out.",
            )


def _files(sequence: Sequence, frames: tuple[int, ...]) -> set[Path]:
    folder = sequence.folder.resolve()
    return {folder / sequence.path(frame).name for frame in frames}


def _choose_working(settings: InputSettings, plate: Source, frames: tuple[int, ...]) -> str:
    """Return the space to work in; raises ColourSpaceUnknown for any of the three settings."""
    if settings.clean_colorspace != "auto":
        resolve(settings.clean_colorspace)
    space = source_space(_first_image(plate, frames), settings.colorspace)
    return working_space(space, settings.working_space)


def _first_image(plate: Source, frames: tuple[int, ...]) -> SourceImage:
    """Return the first frame that can be read; one bad frame does not stop a shot."""
    problem: MatteError | None = None
    for frame in frames:
        try:
            return plate.read(frame)
        except MatteError as error:
            problem = problem or error
    assert problem is not None, "a job has at least one frame"
    raise problem


def _finished(
    out: Sequence, sources: dict[str, Source], frames: tuple[int, ...], identity: str
) -> Iterator[int]:
    """Yield the frames that are whole, were made with these settings and after their inputs."""
    for frame in frames:
        path = out.path(frame)
        if read_attributes(path).get(SETTINGS_ATTRIBUTE) != identity:
            continue
        written = path.stat().st_mtime
        if all(_time_of(source.sequence, frame) <= written for source in sources.values()):
            yield frame


def _time_of(sequence: Sequence, frame: int) -> float:
    is_one_file = sequence.is_still or sequence.is_movie
    path = sequence.pattern if is_one_file else sequence.path(frame)
    return path.stat().st_mtime
