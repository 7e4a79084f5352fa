"""`platematte serve`: runs the jobs of a host program, line by line on stdin and stdout."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import FileIO

from platematte.serve import Server
from platematte_client.lines import read_lines, write_line


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes and what carries it out."""
    parser.description = (
        "Run jobs for a host program such as Nuke: JSON lines on stdin and stdout, documented in "
        "platematte_client/messages.py. Ends when stdin ends."
    )
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Serve until the host says stop or goes away."""
    host, answers = claim_pipes()
    server = Server(read_lines(host), lambda line: write_line(answers, line))
    with _stop_signals(server.stop):
        return server.run()


def claim_pipes() -> tuple[FileIO, FileIO]:
    """Take stdin and stdout for the protocol alone and return them, unbuffered.

    Whatever else this process or one that it starts prints on stdout, in Python or in C, goes to
    stderr from now on; whatever else reads stdin finds its end.
    """
    sys.stdout.flush()
    host, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    # Text that Python prints is written at once and in its turn with what it says on stderr.
    sys.stdout = sys.stderr
    return FileIO(host, "r"), FileIO(answers, "w")


@contextmanager
def _stop_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Let SIGINT and SIGTERM stop the server cleanly; a second one stops at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_asked = False

    def ask(_number: int, _frame: object) -> None:
        nonlocal is_asked
        if is_asked:
            raise KeyboardInterrupt
        is_asked = True
        stop()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
