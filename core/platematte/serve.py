"""The engine as a server: takes jobs from a host, one after the other, and stays warm between them.

The protocol is that of `platematte_client.messages`. One thread reads what the host says, so that
a cancel arrives while a frame is computed; the caller's thread computes.
"""

from __future__ import annotations

import json
import logging
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from platematte import __version__
from platematte.errors import Cancelled, DeviceMemoryExhausted, MatteError, UsageInvalid
from platematte.images.sequence import parse_frames
from platematte.progress import ProgressEvent
from platematte.settings import MatteSettings, change_settings
from platematte.shot import Shot
from platematte_client.messages import (
    Cancel,
    Failure,
    Hello,
    Matte,
    Message,
    Progress,
    ProtocolError,
    Stop,
    VersionMismatch,
    decode,
    encode,
)

if TYPE_CHECKING:
    from platematte.compute import Engine
    from platematte.plan import Existing

log = logging.getLogger(__name__)

_USAGE_STATUS = 2
_SHOT_FIX = 'A shot needs plate, clean and out; frames is a range as text, as in "1001-1100".'


@dataclass
class _Job:
    """A job that was accepted and is not answered yet."""

    asked: Matte
    is_running: bool = False
    is_cancelled: bool = False


class Server:
    """Serves one host, from hello to stop or until the host goes away.

    Jobs that come while one runs wait, in their order: two nodes of one comp may share an engine,
    and neither has to know of the other. Each is answered by exactly one `done` or `error`.
    """

    def __init__(self, lines: Iterable[str], write: Callable[[str], None]) -> None:
        """Take the host's lines, and what writes one line to it and raises OSError if it left."""
        self._lines = lines
        self._write = write
        self._writing = threading.Lock()
        self._lock = threading.Lock()
        self._jobs: dict[str, _Job] = {}
        # `put` of this queue may be called from a signal handler.
        self._waiting: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._is_stopping = False
        self._is_greeted = False
        self._exit_status = 0
        self._engine: Engine | None = None

    def run(self) -> int:
        """Work until the host says stop, its pipe ends or `stop` is called; return an exit status.

        0, or 2 when the host speaks another version of the protocol.
        """
        self._send(Hello(f"platematte {__version__}"))
        threading.Thread(target=self._read, name="host", daemon=True).start()
        while (job := self._waiting.get()) is not None:
            if self._begins(job):
                answer = self._answer(job)
                self._forget(job)
                self._send(answer)
        return self._exit_status

    def stop(self) -> None:
        """Cancel the running job and those that wait, then end; may be called in a signal handler.

        Frames that are computed are still written.
        """
        self._is_stopping = True
        self._waiting.put(None)

    def _read(self) -> None:
        for line in self._lines:
            self._take(line)
            if self._is_stopping:
                return
        # The host has closed its end or has died.
        self.stop()

    def _take(self, line: str) -> None:
        try:
            message = decode(line)
        except VersionMismatch as error:
            self._send(_refusal("protocol-version", str(error), None))
            self._exit_status = _USAGE_STATUS
            self.stop()
            return
        except ProtocolError as error:
            self._send(_refusal("protocol-invalid", str(error), _job_of(line)))
            return
        if isinstance(message, Hello):
            self._is_greeted = True
        elif not self._is_greeted:
            told = "the first line has to be a hello"
            self._send(_refusal("protocol-invalid", told, _job_of(line)))
        elif isinstance(message, Matte):
            self._accept(message)
        elif isinstance(message, Cancel):
            self._cancel(message.job)
        elif isinstance(message, Stop):
            self.stop()
        else:
            told = "this message is the engine's to send, not the host's"
            self._send(_refusal("protocol-invalid", told, None))

    def _accept(self, asked: Matte) -> None:
        job = _Job(asked)
        with self._lock:
            is_taken = asked.job in self._jobs
            before = len(self._jobs)
            if not is_taken:
                self._jobs[asked.job] = job
        if is_taken:
            # Without the name, since the host would take it for the end of the first job.
            told = f"a job named {asked.job!r} is not finished yet; this one is not done"
            self._send(_refusal("protocol-invalid", told, None))
            return
        if before:
            self._send(_stage(job, f"waits for {before} earlier job{'s' if before > 1 else ''}"))
        self._waiting.put(job)

    def _cancel(self, name: str) -> None:
        with self._lock:
            # A job that has just ended is not there any more, and its answer is on its way.
            job = self._jobs.get(name)
            if job is None:
                return
            job.is_cancelled = True
            if job.is_running:
                return
            del self._jobs[name]
        self._send(_failure(_cancelled(), name))

    def _begins(self, job: _Job) -> bool:
        """Tell whether a job is still wanted; from here on the computing thread answers for it."""
        with self._lock:
            job.is_running = not job.is_cancelled
            return job.is_running

    def _forget(self, job: _Job) -> None:
        with self._lock:
            del self._jobs[job.asked.job]

    def _answer(self, job: _Job) -> Progress | Failure:
        """Run a job and return its last message; nothing that it raises ends the server."""
        try:
            return self._matte(job)
        except MatteError as error:
            if isinstance(error, DeviceMemoryExhausted):
                # Its tiles have shrunk; the next job may find more memory.
                self._engine = None
            return _failure(error, job.asked.job)
        except Exception as error:
            # A fault of ours. What it left on the device is not to be trusted.
            self._engine = None
            log.error("job %s failed", job.asked.job, exc_info=log.isEnabledFor(logging.DEBUG))
            return _failure(_internal(error), job.asked.job)

    def _matte(self, job: _Job) -> Progress:
        self._check(job)
        shot, settings = read_shot(job.asked.shot), read_settings(job.asked.settings)
        existing: Existing = job.asked.existing  # type: ignore[assignment]
        # torch and the rest are imported only after this: hello, and what is wrong with a job or
        # its files, come at once.
        from platematte.plan import check_shot

        check_shot(shot, settings, existing)
        from platematte.matte import matte_shot
        from platematte.thumbnail import Thumbnail

        last = _stage(job, "")
        thumbnail = Thumbnail(job.asked.thumbnail, shot.out)

        def tell(event: ProgressEvent) -> None:
            nonlocal last
            last = _progress(job, event, thumbnail.after(event))
            # The last answer of a job is sent when the engine is free again.
            if event.kind != "done":
                self._send(last)

        engine = self._engine_for(job, settings)
        try:
            report = matte_shot(
                shot, settings, tell, lambda: self._is_unwanted(job), existing, engine
            )
        finally:
            engine.rest()
        report.raise_failed()
        return last

    def _engine_for(self, job: _Job, settings: MatteSettings) -> Engine:
        """Return the engine of the last job where it suits, else load another one."""
        from platematte.compute import Engine

        if self._engine is None or not self._engine.suits(settings):
            # Freed before the next one is loaded: two might not fit the device.
            self._engine = None
            self._send(_stage(job, f"loads the weights {settings.network.weights}"))
            self._engine = Engine(settings)
        return self._engine

    def _check(self, job: _Job) -> None:
        if self._is_unwanted(job):
            raise _cancelled()

    def _is_unwanted(self, job: _Job) -> bool:
        return self._is_stopping or job.is_cancelled

    def _send(self, message: Message) -> None:
        line = encode(message)
        try:
            with self._writing:
                self._write(line)
        except OSError:
            # The host has gone and nobody is left to work for.
            log.info("the host does not listen any more")
            self.stop()


def read_shot(told: Mapping[str, Any]) -> Shot:
    """Return the shot of a job; raises UsageInvalid for unknown, missing and wrong entries.

    An entry that is not known is refused: a garbage matte under a wrong name would be ignored.
    """
    names = [entry.name for entry in fields(Shot)]
    unknown = sorted(set(told) - set(names))
    if unknown:
        raise UsageInvalid(f"a shot has no {', '.join(unknown)}", fix=f"It has {', '.join(names)}.")
    for name in names:
        value, is_needed = told.get(name), name in ("plate", "clean", "out")
        if not isinstance(value, str) and (is_needed or value is not None):
            wanted = "a path" if is_needed else "text or null"
            raise UsageInvalid(f"shot.{name} has to be {wanted}, not {value!r}", fix=_SHOT_FIX)
    frames = told.get("frames")
    return Shot(**{**told, "frames": None if frames is None else parse_frames(frames)})


def read_settings(told: Mapping[str, Any]) -> MatteSettings:
    """Return the settings of a job; what is left out keeps its default. Raises SettingsInvalid."""
    return change_settings(MatteSettings(), told)


def _stage(job: _Job, message: str) -> Progress:
    return Progress("stage", None, 0, 0, 0.0, message, job.asked.job)


def _progress(job: _Job, event: ProgressEvent, thumbnail: str | None) -> Progress:
    return Progress(
        kind=event.kind,
        frame=event.frame,
        done=event.done,
        total=event.total,
        seconds=round(event.seconds, 3),
        message=event.message,
        job=job.asked.job,
        thumbnail=thumbnail,
    )


def _failure(error: MatteError, job: str | None) -> Failure:
    return Failure(
        code=error.code,
        reason=error.reason,
        path=error.path,
        frame=error.frame,
        fix=error.fix,
        exit_status=error.exit_status,
        job=job,
    )


def _refusal(code: str, reason: str, job: str | None) -> Failure:
    return Failure(code, reason, None, None, "", _USAGE_STATUS, job)


def _cancelled() -> Cancelled:
    return Cancelled("cancelled before the first frame", fix="Start it again.")


def _internal(error: Exception) -> MatteError:
    if isinstance(error, ImportError):
        return MatteError(
            f"this install of PlateMatte is not complete: {error}",
            fix="`platematte doctor` says what is missing.",
        )
    return MatteError(
        f"internal error: {type(error).__name__}: {error}",
        fix="Run again with PLATEMATTE_LOG=debug in the environment for a report to send us.",
    )


def _job_of(line: str) -> str | None:
    """Return the job that a broken message is about, so that its host does not wait for ever."""
    try:
        job = json.loads(line).get("job")
    except (ValueError, RecursionError, AttributeError):
        return None
    return job if isinstance(job, str) else None
