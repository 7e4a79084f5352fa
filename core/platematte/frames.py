"""Reads what belongs to one frame and brings it into one place, one window and one colour space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from platematte.compute import Mattes
from platematte.errors import InputUnreadable, MatteError
from platematte.images.colour import source_space, to_working
from platematte.images.place import place
from platematte.images.read import SourceImage
from platematte.images.window import Window
from platematte.plan import Job
from platematte.telling import FailedFrame

Image = np.ndarray

SAMPLES = 5
"""Frames spread over a shot from which its camera is studied."""

_SAYS_NOTHING = {"garbage": 0.0, "core": 0.0, "hint": 0.5}
"""The value of each matte that leaves the choice to the network."""


@dataclass(frozen=True)
class FrameInput:
    """A frame as it is matted; images are H x W x C float32 over the plate's data window."""

    frame: int
    plate: Image
    """H x W x 3, scene-linear in the working space."""
    clean: Image
    """H x W x 3, scene-linear in the working space, 0 where the clean plate has no pixels."""
    coverage: Image
    """H x W x 1, 1 where the clean plate has pixels."""
    mattes: Mattes
    source: SourceImage
    """The plate's file: its header, windows and colour space."""
    space: str
    """Colour space of the plate's file."""
    warnings: tuple[str, ...] = ()
    """What an artist should know of the mattes' files."""

    @property
    def format_px(self) -> int:
        """Pixels of the format: the same in all frames of a shot, whatever their data windows."""
        return self.source.display_window.width * self.source.display_window.height


class FrameReader:
    """Reads the frames of a job; what is held for the whole shot is converted once."""

    def __init__(self, job: Job) -> None:
        """Take the job; nothing is read before the first frame."""
        self._job = job
        self._display: Window | None = None
        self._held: tuple[SourceImage, Image] | None = None

    def read(self, frame: int) -> FrameInput:
        """Return a frame; raises InputMissing or InputUnreadable with its number and path."""
        job = self._job
        plate = job.sources["plate"].read(frame)
        self._check_display(plate, frame)
        space = source_space(plate, job.settings.input.colorspace)
        pixels = to_working(plate.rgb(), space, job.working)
        clean_source = job.sources["clean"].read(frame)
        clean, coverage = self._over(plate, clean_source, self._clean(clean_source))
        mattes, warnings = self._mattes(plate, frame)
        return FrameInput(frame, pixels, clean, coverage, mattes, plate, space, warnings)

    def read_all(self, frames: tuple[int, ...]) -> Iterator[FrameInput | FailedFrame]:
        """Yield frames in this order; one that cannot be read takes its place as a failed one."""
        for frame in frames:
            try:
                yield self.read(frame)
            except MatteError as error:
                yield FailedFrame(frame, error)

    def samples(self) -> Iterator[tuple[Image, Image, Image]]:
        """Yield plate, clean and coverage of a few frames spread over the whole shot on disk.

        Not over the frames of this job: a chunk must come to the same conclusion as its shot.
        """
        shot = self._job.sources["plate"].sequence.frames_on_disk()
        count = 1 if self._job.settings.prepare.camera == "moving" else SAMPLES
        chosen = np.linspace(0, len(shot) - 1, min(count, len(shot))).round().astype(int)
        for item in self.read_all(tuple(shot[index] for index in chosen)):
            if isinstance(item, FrameInput):
                yield item.plate, item.clean, item.coverage

    def _check_display(self, plate: SourceImage, frame: int) -> None:
        if self._display is None:
            self._display = plate.display_window
        elif plate.display_window != self._display:
            raise InputUnreadable(
                f"its format is {plate.display_window}, the shot's is {self._display}",
                path=plate.path,
                frame=frame,
                fix="All frames of a plate have one format; render this frame again.",
            )

    def _clean(self, source: SourceImage) -> Image:
        if self._held is not None and self._held[0] is source:
            return self._held[1]
        settings = self._job.settings.input
        space = source_space(source, settings.clean_colorspace)
        pixels = to_working(source.rgb(), space, self._job.working)
        self._held = (source, pixels)
        return pixels

    def _mattes(self, plate: SourceImage, frame: int) -> tuple[Mattes, tuple[str, ...]]:
        found, warnings = {}, []
        for role, nothing in _SAYS_NOTHING.items():
            if role in self._job.sources:
                source = self._job.sources[role].read(frame)
                matte = self._over(plate, source, source.matte())[0]
                broken = np.logical_not(np.isfinite(matte))
                if broken.any():
                    matte = np.where(broken, np.float32(nothing), matte)
                    count = int(broken.sum())
                    warnings.append(f"{count} pixels of the {role} matte are NaN or Inf; ignored")
                found[role] = matte
        return Mattes(**found), tuple(warnings)

    @staticmethod
    def _over(plate: SourceImage, source: SourceImage, pixels: Image) -> tuple[Image, Image]:
        """Return an image over the plate's data window: they meet in the display window."""
        own, display = source.data_window, source.display_window
        x, y = plate.display_window.x - display.x, plate.display_window.y - display.y
        moved = Window(own.x + x, own.y + y, own.width, own.height)
        return place(pixels, moved, plate.data_window)
