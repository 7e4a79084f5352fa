"""The engine's process: one for each host program, kept warm between runs, one job at a time.

Nothing here touches the host, so that all of it may run on a thread of its own.
"""

from __future__ import annotations

import atexit
import os
import threading
from contextlib import contextmanager
from typing import Callable, Iterator, List, Optional, Tuple

from platematte_client.engine import (
    Engine,
    EngineDied,
    EngineFailed,
    EngineMissing,
    find_engine,
)
from platematte_client.errors import Cancelled, PlateMatteError
from platematte_client.messages import Matte, Progress, VersionMismatch

_POLL_S = 0.1
_turn = threading.Lock()
_engine: Optional[Engine] = None
_started_with: Optional[Tuple[List[str], Optional[str]]] = None


def locate(explicit: str) -> List[str]:
    """Return the command line of the engine's program. Raises PlateMatteError."""
    try:
        return find_engine(explicit or None)
    except EngineMissing as error:
        raise PlateMatteError(str(error)) from error


def run_job(
    job: Matte,
    command: List[str],
    ocio: Optional[str],
    host: str,
    on_progress: Callable[[Progress], None],
    is_cancelled: Callable[[], bool],
) -> None:
    """Run a job on the warm engine and return when all frames are written.

    Waits for jobs that began earlier. ocio: the config that the engine uses; None for its
    own. on_progress and is_cancelled are called on this thread. Raises Cancelled, and
    PlateMatteError in the engine's own words.
    """
    with _our_turn(is_cancelled):
        try:
            engine = _warm_engine(command, ocio, host)
            if is_cancelled():
                raise Cancelled("cancelled.")
            engine.run(job, on_progress, is_cancelled)
        except EngineFailed as error:
            if error.failure.code == "cancelled":
                raise Cancelled("cancelled.") from error
            raise PlateMatteError(str(error)) from error
        except (EngineDied, VersionMismatch) as error:
            if is_cancelled():
                raise Cancelled("cancelled; the engine did not answer and was ended.") from error
            raise PlateMatteError(str(error)) from error


def running_program() -> str:
    """Return the name and version of the engine that is warm; empty when none is."""
    engine = _engine
    return engine.program if engine is not None else ""


def stop_engine() -> None:
    """End the engine's process; safe to call when there is none."""
    global _engine
    engine, _engine = _engine, None
    if engine is not None:
        engine.stop()


atexit.register(stop_engine)


@contextmanager
def _our_turn(is_cancelled: Callable[[], bool]) -> Iterator[None]:
    while not _turn.acquire(timeout=_POLL_S):
        if is_cancelled():
            raise Cancelled("cancelled while another matte was under way.")
    try:
        yield
    finally:
        _turn.release()


def _warm_engine(command: List[str], ocio: Optional[str], host: str) -> Engine:
    """Return the running engine, or a new one when there is none that fits."""
    global _engine, _started_with
    if _engine is not None and _started_with != (command, ocio):
        stop_engine()
    # Held here as well: `stop_engine` on another thread takes the global one away.
    engine = _engine
    if engine is None:
        engine = _engine = Engine(command, host)
        _started_with = (command, ocio)
    if not engine.is_running:
        with _environment("OCIO", ocio):
            engine.start()
    return engine


@contextmanager
def _environment(name: str, value: Optional[str]) -> Iterator[None]:
    # A process takes its environment over when it starts. The host's own is changed for that
    # moment, and only where the config is not the environment's anyway.
    before = os.environ.get(name)
    if before == value:
        yield
        return
    _set(name, value)
    try:
        yield
    finally:
        _set(name, before)


def _set(name: str, value: Optional[str]) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
