"""Matte a shot: read, prepare, network, solve, write. This is the whole program on one screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial

import numpy as np

from platematte.compute import Engine, FrameResult, LookedAt, Mattes
from platematte.errors import CleanUnusable, MatteError
from platematte.finish import finish_frame
from platematte.frames import FrameInput, FrameReader
from platematte.neighbours import Answer, Ready, with_answers, with_neighbours
from platematte.plan import Existing, Job, plan_job
from platematte.prepare.camera import same_picture_error
from platematte.prepare.prepare import Preparer, study_camera
from platematte.progress import Progress
from platematte.settings import MatteSettings
from platematte.shot import Shot
from platematte.stream import ReadAhead, WriteBehind
from platematte.telling import ShotReport, Telling

Image = np.ndarray


def matte_shot(
    shot: Shot,
    settings: MatteSettings | None = None,
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
    existing: Existing = "refuse",
    engine: Engine | None = None,
) -> ShotReport:
    """Matte all frames of a shot, write them as EXR and return what became of each.

    A frame that cannot be read or prepared is reported in `failed`, and the others are finished.
    cancel is asked between the stages; once it says True, frames that are computed are still
    written and Cancelled is raised. Every other MatteError is raised before the first frame, or
    when nothing more can be computed or written. An engine that exists already, `suits` these
    settings and is in no other call may be given, so that weights are loaded once; one that does
    not suit is a ValueError.
    """
    settings = settings or MatteSettings()
    telling = Telling(shot.out, progress, cancel)
    with telling.stage("load"):
        engine = _suitable(engine, settings)
    with closing(plan_job(shot, settings, existing, engine.card.sha256)) as job:
        telling.start(job.frames, job.finished, str(engine.runner.device))
        reader = FrameReader(job)
        with telling.stage("study"), _naming_clean(job):
            camera = study_camera(reader.samples(), settings.prepare) if job.todo else None
        look = partial(_look, job, engine, Preparer(settings.prepare, camera), telling)
        fail = partial(_fail, job, telling)
        window, to_draw = engine.fused_offsets, job.needed(engine.fused_offsets)
        frames = telling.each("read", reader.read_all(job.needed(window, engine.offsets)))
        ahead = settings.engine.read_ahead
        with ReadAhead(frames, ahead) as inputs, WriteBehind(ahead) as writer:
            ready = with_neighbours(inputs, to_draw, engine.offsets, look, fail)
            answers = (_draw(job, engine, telling, frame) for frame in ready)
            for answer in with_answers(answers, job.todo, window):
                result = _matte(job, engine, telling, answer)
                writer.put(partial(_write, job, engine, telling, answer, result))
    return telling.end()


def matte_pixels(
    plate: Image,
    clean: Image,
    settings: MatteSettings | None = None,
    mattes: Mattes | None = None,
    engine: Engine | None = None,
) -> FrameResult:
    """Matte one frame in memory. plate, clean: H x W x 3 float32, scene-linear Rec.709.

    An engine that exists already may be given, so that weights are loaded once.
    """
    settings = settings or MatteSettings()
    engine = engine or Engine(settings)
    mattes = mattes or Mattes()
    prepared = Preparer(settings.prepare, None).prepare(plate, clean, None, mattes.garbage)
    here = engine.look(prepared, mattes, np.eye(3, dtype=np.float32))
    return engine.solve(here, engine.draw(here, []), np.eye(3, dtype=np.float32))


def _suitable(engine: Engine | None, settings: MatteSettings) -> Engine:
    if engine is None:
        return Engine(settings)
    if not engine.suits(settings):
        raise ValueError("the engine was made for other settings; make one with Engine(settings)")
    return engine


def _look(
    job: Job, engine: Engine, preparer: Preparer, telling: Telling, source: FrameInput
) -> LookedAt:
    telling.check_cancel()
    with telling.stage("prepare"), _naming_clean(job):
        garbage = source.mattes.garbage
        prepared = preparer.prepare(source.plate, source.clean, source.coverage, garbage)
        # Taken from an empty frame of the shot it is a good clean plate; as the clean plate of
        # that one frame alone it can only be a mistake.
        if prepared.report.is_clean_itself and job.frames == (source.frame,):
            raise same_picture_error()
    if source.frame in job.frames:
        telling.warn(source.frame, (*source.warnings, *prepared.report.warnings))
    with telling.stage("network"):
        return engine.look(prepared, source.mattes, job.to_rec709, source.format_px)


def _fail(job: Job, telling: Telling, frame: int, error: MatteError) -> None:
    """Tell of a frame that failed; one of another chunk is that chunk's affair."""
    if frame in job.frames:
        telling.failed(frame, error)


@contextmanager
def _naming_clean(job: Job) -> Iterator[None]:
    """Name the clean plate in an error about it; prepare knows its pixels only."""
    try:
        yield
    except CleanUnusable as error:
        error.path = job.shot.clean
        raise


def _draw(job: Job, engine: Engine, telling: Telling, ready: Ready) -> Answer:
    telling.check_cancel()
    with telling.stage("network"):
        drawn = engine.draw(ready.here, ready.beside)
    with telling.stage("temporal"):
        trace = engine.trace(ready.here, drawn, job.to_rec709)
    return Answer(ready.source, ready.here.once_drawn(), drawn, trace)


def _matte(job: Job, engine: Engine, telling: Telling, answer: Answer) -> FrameResult:
    telling.check_cancel()
    with telling.stage("temporal"):
        drawn = engine.fuse(answer.drawn, answer.trace, answer.beside)
    with telling.stage("solve"):
        return engine.solve(answer.here, drawn, job.to_rec709)


def _write(job: Job, engine: Engine, telling: Telling, answer: Answer, result: FrameResult) -> None:
    with telling.stage("write"):
        report = finish_frame(job, engine.card, answer.source, answer.here, result)
    if report.saturated:
        told = f"{report.saturated} values beyond the largest half float were written as 65504"
        telling.warn(answer.source.frame, [told])
    if report.zeroed:
        told = f"{report.zeroed} values that are not a number were written as 0"
        telling.warn(answer.source.frame, [told])
    telling.finished(answer.source.frame, str(report.path))
