"""`platematte serve` as a process: its pipes belong to the protocol, its signals end it cleanly."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

import platematte
from platematte.images.write import read_attributes
from platematte.shot import Shot
from platematte_client.messages import PROTOCOL, Failure, Hello, Matte, Message, decode, encode

MakeShot = Callable[..., Shot]
Process = subprocess.Popen[str]

CORE = Path(platematte.__file__).resolve().parents[1]
PATIENCE_S = 120

posix_only = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")

# A library that writes wherever it can: through Python, through the descriptor, through C, and
# from a process of its own.
NOISE = """
import ctypes, os, subprocess, sys
import platematte.matte
matte = platematte.matte.matte_shot
def noisy(*arguments):
    print("noise of Python", flush=True)
    sys.__stdout__.write("noise of the first stdout\\n")
    sys.__stdout__.flush()
    os.write(1, b"noise of the descriptor")
    libc = ctypes.CDLL(None)
    libc.puts(b"noise of C")
    libc.fflush(None)
    subprocess.run([sys.executable, "-c", "print('noise of a child')"], check=True)
    assert sys.stdin.read() == "", "stdin is the host's"
    return matte(*arguments)
platematte.matte.matte_shot = noisy
"""


@contextmanager
def serving(before: str = "") -> Iterator[Process]:
    """Start `platematte serve`, with some lines of Python before it, and greet it."""
    program = (
        f"{before}\nimport sys\nfrom platematte.cli.main import main\nsys.exit(main(['serve']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(CORE)},
    ) as process:
        try:
            assert isinstance(hear(process), Hello)
            say(process, Hello("Host 1.0"))
            yield process
        finally:
            process.kill()


def say(process: Process, message: Message) -> None:
    assert process.stdin is not None
    process.stdin.write(encode(message))
    process.stdin.flush()


def hear(process: Process) -> Any:
    """Return the next message; every line on stdout has to be one."""
    assert process.stdout is not None
    return decode(process.stdout.readline())


def job(shot: Shot, weights: Path) -> Matte:
    told = {key: value for key, value in asdict(shot).items() if value is not None}
    return Matte("a", told, {"network": {"weights": str(weights), "device": "cpu"}})


def until_frame(process: Process) -> None:
    while hear(process).kind != "frame":
        continue


def assert_whole(folder: Path, fewer_than: int) -> None:
    """Every file of the folder is a whole frame, and they are not all of the shot."""
    paths = sorted(folder.iterdir())
    assert 1 <= len(paths) < fewer_than
    assert all(path.name.startswith("matte.") and read_attributes(path) for path in paths)


@posix_only
def test_what_libraries_print_goes_to_stderr_and_breaks_no_line(
    tmp_path: Path, make_shot: MakeShot, tiny_weights: Path
) -> None:
    with serving(NOISE) as process:
        say(process, job(make_shot(tmp_path, frames=2), tiny_weights))
        said = [hear(process)]
        while said[-1].kind != "done":
            said.append(hear(process))
        out, err = process.communicate(timeout=PATIENCE_S)
    assert out == ""
    assert process.returncode == 0
    for origin in ("Python", "the first stdout", "the descriptor", "C", "a child"):
        assert f"noise of {origin}" in err


@posix_only
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_job_and_ends_with_0_and_whole_frames(
    tmp_path: Path, make_shot: MakeShot, tiny_weights: Path, number: signal.Signals
) -> None:
    with serving() as process:
        say(process, job(make_shot(tmp_path, frames=40), tiny_weights))
        until_frame(process)
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
    last = decode(out.splitlines()[-1])
    assert isinstance(last, Failure)
    assert (last.job, last.code) == ("a", "cancelled")
    assert (process.returncode, "Traceback" in err) == (0, False)
    assert_whole(tmp_path / "out", fewer_than=40)


def test_the_end_of_stdin_ends_it_in_the_middle_of_a_job(
    tmp_path: Path, make_shot: MakeShot, tiny_weights: Path
) -> None:
    with serving() as process:
        say(process, job(make_shot(tmp_path, frames=40), tiny_weights))
        until_frame(process)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (0, "")
    assert_whole(tmp_path / "out", fewer_than=40)


def test_a_host_of_another_protocol_gets_an_error_and_exit_status_2() -> None:
    with serving() as process:
        assert process.stdin is not None
        hello = {"kind": "hello", "program": "Nuke 99", "protocol": PROTOCOL + 1}
        process.stdin.write(json.dumps(hello) + "\n")
        process.stdin.flush()
        error = hear(process)
        process.wait(PATIENCE_S)
    assert (error.code, process.returncode) == ("protocol-version", 2)


def test_hello_and_a_refused_job_wait_for_no_torch(tmp_path: Path) -> None:
    ask_first = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sorted(m for m in sys.modules), file=sys.stderr))"
    )
    with serving(ask_first) as process:
        say(process, Matte("a", {"plate": "p", "clean": "c"}))
        assert hear(process).code == "usage-invalid"
        _, err = process.communicate(timeout=PATIENCE_S)
    assert "platematte.serve" in err.split()
    assert "torch" not in err.split()
