"""What the engine tells while it works: one callback type, and its writers for the command line.

`matte_shot` and every other long call take a `Progress` callback and wrap it in `guarded` once, at
their entry. A "frame" event is sent after the frame lies complete under its final name, so that
nothing a callback does can lose it: `guarded` catches what the callback raises, logs it once,
and the work goes on without progress. Errors of the work itself are not events; they are raised,
and the writers here add them to their output as they pass through.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal, TextIO

from platematte.errors import Cancelled, MatteError, UsageInvalid

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

logger = logging.getLogger(__name__)

ProgressKind = Literal["start", "stage", "frame", "warning", "done"]


@dataclass(frozen=True)
class ProgressEvent:
    """One fact about running work. The first event is "start", the last of good work "done"."""

    kind: ProgressKind
    """start and done frame the work; stage: a new step; frame: one more is finished; warning."""
    frame: int | None
    """Frame number this is about; None when it is about the shot."""
    done: int
    """Frames finished so far, those skipped by a resume included."""
    total: int
    """Frames in this job; 0 while it is not known."""
    seconds: float
    """Wall time since "start"."""
    message: str
    """One sentence for people; may be empty."""

    @property
    def percent(self) -> float:
        """Part of the frames that is finished, 0 to 100."""
        return 100.0 * self.done / self.total if self.total > 0 else 0.0


Progress = Callable[[ProgressEvent], None]


def ignore_progress(event: ProgressEvent) -> None:
    """Do nothing: the callback of a caller that does not want to know."""


def guarded(progress: Progress) -> Progress:
    """Wrap a callback so that it may be called from several threads and cannot stop the work.

    The first exception is logged with its traceback and the callback is not called again (a host
    that went away would raise for every frame). `Cancelled` passes through, since raising it is a
    callback's way to stop the work; so does KeyboardInterrupt.
    """
    lock = threading.Lock()
    is_broken = False

    def report(event: ProgressEvent) -> None:
        nonlocal is_broken
        with lock:
            if is_broken:
                return
            try:
                progress(event)
            except Cancelled:
                raise
            except Exception:
                is_broken = True
                logger.exception("progress callback failed; the work goes on without it")

    return report


def progress_writer(name: str) -> AbstractContextManager[Progress]:
    """Open the writer that `--progress` names: bar, json, openjd or none.

    Open it before the first thing that can fail: json and openjd also write the error that leaves
    their `with` block, and let it pass on. Raises UsageInvalid for another name.
    """
    writers: dict[str, Callable[[], AbstractContextManager[Progress]]] = {
        "bar": _bar_writer,
        "json": _json_writer,
        "openjd": _openjd_writer,
        "none": _silent_writer,
    }
    if name not in writers:
        raise UsageInvalid(
            f"unknown progress writer {name!r}",
            fix=f"Take one of {', '.join(writers)}.",
        )
    return writers[name]()


@contextmanager
def _silent_writer() -> Iterator[Progress]:
    yield ignore_progress


@contextmanager
def _json_writer() -> Iterator[Progress]:
    """One JSON object a line on stdout; each event has the fields of ProgressEvent as its keys.

    An error adds a last line of kind "error" with the fields of `MatteError.as_record`.
    """
    stream = sys.stdout

    def write(event: ProgressEvent) -> None:
        record = asdict(event) | {"seconds": round(event.seconds, 3)}
        _write_line(stream, json.dumps(record))

    try:
        yield write
    except Exception as error:
        known = error if isinstance(error, MatteError) else MatteError(_describe(error))
        # The reader may be gone already; the error itself is the one to pass on.
        with suppress(OSError):
            _write_line(stream, json.dumps({"kind": "error", **known.as_record()}))
        raise


@contextmanager
def _openjd_writer() -> Iterator[Progress]:
    """Lines on stdout that an Open Job Description runtime reads: progress, status and fail."""
    stream = sys.stdout

    def write(event: ProgressEvent) -> None:
        if event.kind in ("start", "frame", "done"):
            _write_line(stream, f"openjd_progress: {event.percent:.1f}")
        status = _as_sentence(event)
        if status:
            _write_line(stream, f"openjd_status: {status}")

    try:
        yield write
    except Exception as error:
        with suppress(OSError):
            _write_line(stream, f"openjd_fail: {_describe(error)}")
        raise


@contextmanager
def _bar_writer() -> Iterator[Progress]:
    """A bar on stderr; where stderr is no terminal, one plain line per event, as logs want it."""
    stream = sys.stderr
    if not stream.isatty():
        yield lambda event: _write_log_line(stream, event)
        return
    # rich takes a tenth of a second to import, which `--progress json` need not pay.
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with RichProgress(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task("", total=None)
        yield lambda event: _draw(bar, task, event)


def _draw(bar: RichProgress, task: TaskID, event: ProgressEvent) -> None:
    if event.kind == "warning":
        bar.console.print(_as_sentence(event), markup=False, highlight=False)
        return
    bar.update(
        task,
        completed=event.done,
        total=event.total or None,
        description=_as_sentence(event),
    )


def _write_log_line(stream: TextIO, event: ProgressEvent) -> None:
    sentence = _as_sentence(event)
    _write_line(stream, f"{event.done}/{event.total} {event.seconds:.1f}s {sentence}".rstrip())


def _as_sentence(event: ProgressEvent) -> str:
    """Kind, frame and message of an event as one line of text, without what says nothing."""
    prefix = "warning: " if event.kind == "warning" else ""
    frame = "" if event.frame is None else f"frame {event.frame}"
    message = _single_line(event.message)
    return prefix + ": ".join(part for part in (frame, message) if part)


def _describe(error: Exception) -> str:
    """One line about an error: ours speak for themselves, others need their type."""
    text = _single_line(str(error))
    return text if isinstance(error, MatteError) else f"{type(error).__name__}: {text}"


def _single_line(text: str) -> str:
    """Text without line breaks: a second line would reach the farm as a line of its own."""
    return " ".join(text.split())


def _write_line(stream: TextIO, line: str) -> None:
    """Write one line in one call and flush it, so that lines of several threads stay whole."""
    # A path may hold characters that the stream cannot encode; escape them instead of failing.
    encoding = stream.encoding or "utf-8"
    stream.write(line.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stream.flush()
