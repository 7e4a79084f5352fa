"""The client's engine with the real one behind it: jobs, cancels, deaths of either side."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import platematte_client
from platematte.images.write import read_attributes
from platematte.shot import Shot
from platematte_client import conversation
from platematte_client import engine as client
from platematte_client.engine import Engine, EngineDied, EngineFailed
from platematte_client.messages import Matte, Progress, VersionMismatch

MakeShot = Callable[..., Shot]
Ask = Callable[..., Matte]
FalseEngine = Callable[[str], list[str]]

CORE = Path(platematte_client.__file__).resolve().parents[1]
PATIENCE_S = 120
FRAMES = 40

posix_only = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")


def never() -> bool:
    return False


def ignore(_told: Progress) -> None:
    return


def whole_frames(folder: Path) -> list[str]:
    """Return what is in the folder; every file of it must be a whole frame of ours."""
    names = sorted(path.name for path in folder.iterdir())
    assert all(name.startswith("matte.") and name.endswith(".exr") for name in names), names
    assert all(read_attributes(folder / name) for name in names)
    return names


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def program(make_engine: Callable[..., Any]) -> Any:
    return make_engine()


@pytest.fixture(scope="module")
def engine(program: Any) -> Iterator[Engine]:
    """An engine that the tests of this file share, and so stays warm."""
    engine = Engine(program.command, "Host 1.0")
    yield engine
    engine.stop()


def test_two_jobs_run_in_one_process_and_load_the_weights_once(
    tmp_path: Path, make_shot: MakeShot, make_engine: Callable[..., Any], ask: Ask
) -> None:
    program = make_engine()
    engine = Engine(program.command, "Host 1.0")
    told: list[Progress] = []
    for name in ("a", "b"):
        done = engine.run(ask(name, make_shot(tmp_path / name, frames=2)), told.append, never)
        assert (done.kind, done.done, done.total) == ("done", 2, 2)
        assert len(whole_frames(tmp_path / name / "out")) == 2
    engine.stop()
    assert len(program.pids) == 1
    loads = [one.job for one in told if one.kind == "stage" and "loads the weights" in one.message]
    assert loads == ["a"]


def test_nothing_is_started_before_it_is_needed(make_engine: Callable[..., Any]) -> None:
    program = make_engine()
    engine = Engine(program.command, "Host 1.0")
    assert not engine.is_running
    with pytest.raises(FileNotFoundError):
        _ = program.pids
    engine.start()
    engine.start()
    assert engine.is_running
    assert len(program.pids) == 1
    engine.stop()
    engine.stop()
    assert not engine.is_running


def test_callbacks_are_called_in_the_thread_that_runs_the_job(
    tmp_path: Path, make_shot: MakeShot, engine: Engine, ask: Ask
) -> None:
    threads = set()

    def note(*_: Any) -> bool:
        threads.add(threading.current_thread())
        return False

    engine.run(ask("a", make_shot(tmp_path, frames=2)), note, note)
    assert threads == {threading.current_thread()}


def test_paths_with_spaces_and_any_letters_arrive(
    tmp_path: Path, make_shot: MakeShot, engine: Engine, ask: Ask
) -> None:
    folder = tmp_path / "Büro 撮影 'x' \"y\" & $HOME"
    told: list[Progress] = []
    engine.run(ask("ein Name 猫", make_shot(folder, frames=2)), told.append, never)
    assert whole_frames(folder / "out") == ["matte.1001.exr", "matte.1002.exr"]
    assert next(one.message for one in told if one.kind == "frame") == str(
        folder / "out" / "matte.1001.exr"
    )


def test_a_failure_is_told_in_words_and_the_engine_goes_on(
    tmp_path: Path, make_shot: MakeShot, engine: Engine, ask: Ask
) -> None:
    shot = make_shot(tmp_path, frames=2)
    plate = Path(shot.plate.replace("####", "1002"))
    plate.write_bytes(b"no EXR")
    with pytest.raises(EngineFailed) as caught:
        engine.run(ask("a", shot), ignore, never)
    failure = caught.value.failure
    assert (failure.code, failure.frame, failure.exit_status) == ("input-unreadable", 1002, 3)
    for words in ("frame 1002", str(plate), failure.reason, failure.fix):
        assert words in str(caught.value)
    assert whole_frames(tmp_path / "out") == ["matte.1001.exr"]
    assert engine.is_running


def test_a_cancel_leaves_whole_frames_and_the_next_job_resumes_them(
    tmp_path: Path, make_shot: MakeShot, engine: Engine, ask: Ask
) -> None:
    shot = make_shot(tmp_path, frames=FRAMES)
    told: list[Progress] = []
    with pytest.raises(EngineFailed) as caught:
        engine.run(ask("a", shot), told.append, lambda: any(one.kind == "frame" for one in told))
    assert caught.value.failure.code == "cancelled"
    left = whole_frames(tmp_path / "out")
    assert 1 <= len(left) < FRAMES
    again: list[Progress] = []
    engine.run(ask("a", shot, existing="resume"), again.append, never)
    assert len(whole_frames(tmp_path / "out")) == FRAMES
    assert len([one for one in again if one.kind == "frame"]) == FRAMES - len(left)


def test_what_a_callback_raises_cancels_the_job_and_is_raised(
    tmp_path: Path, make_shot: MakeShot, engine: Engine, ask: Ask
) -> None:
    def broken(told: Progress) -> None:
        if told.kind == "frame":
            raise KeyError("a panel that was closed")

    with pytest.raises(KeyError):
        engine.run(ask("a", make_shot(tmp_path / "a", frames=FRAMES)), broken, never)
    # The engine takes one job at a time: when this one is done, the first has been dropped.
    engine.run(ask("b", make_shot(tmp_path / "b", frames=1)), ignore, never)
    assert len(whole_frames(tmp_path / "a" / "out")) < FRAMES


def test_two_threads_share_an_engine(
    tmp_path: Path, make_shot: MakeShot, engine: Engine, ask: Ask
) -> None:
    told: dict[str, list[Progress]] = {"a": [], "b": []}

    def run(name: str) -> None:
        engine.run(ask(name, make_shot(tmp_path / name, frames=2)), told[name].append, never)

    threads = [threading.Thread(target=run, args=name) for name in told]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    for name, messages in told.items():
        assert {one.job for one in messages} == {name}
        assert messages[-1].kind == "done"
        assert len(whole_frames(tmp_path / name / "out")) == 2


@posix_only
def test_a_killed_engine_is_told_with_its_last_words_and_the_next_run_starts_another(
    tmp_path: Path, make_shot: MakeShot, make_engine: Callable[..., Any], ask: Ask
) -> None:
    program = make_engine(before="print('something odd: é', file=sys.stderr, flush=True)")
    engine = Engine(program.command, "Host 1.0")

    def kill(told: Progress) -> None:
        if told.kind == "frame" and told.done == 1:
            os.kill(program.pids[-1], signal.SIGKILL)

    shot = make_shot(tmp_path, frames=FRAMES)
    with pytest.raises(EngineDied) as caught:
        engine.run(ask("a", shot), kill, never)
    assert "was ended by signal 9" in str(caught.value)
    assert "something odd: é" in str(caught.value)
    assert not engine.is_running
    named = [path for path in (tmp_path / "out").iterdir() if not path.name.startswith(".")]
    assert 1 <= len(named) < FRAMES
    assert all(read_attributes(path) for path in named)
    done = engine.run(ask("a", shot, existing="resume"), ignore, never)
    assert done.done == FRAMES
    engine.stop()
    assert len(program.pids) == 2


@posix_only
def test_an_engine_ends_cleanly_when_its_host_is_killed(
    tmp_path: Path, make_shot: MakeShot, make_engine: Callable[..., Any], ask: Ask
) -> None:
    ended = tmp_path / "ended.txt"
    program = make_engine(after=f"open({str(ended)!r}, 'w').write(str(status))")
    asked = ask("a", make_shot(tmp_path, frames=FRAMES))
    host = (
        f"import sys; sys.path.insert(0, {str(CORE)!r})\n"
        "from platematte_client.engine import Engine\n"
        "from platematte_client.messages import Matte\n"
        f"job = Matte('a', {asked.shot!r}, {asked.settings!r})\n"
        f"Engine({program.command!r}, 'Host').run(\n"
        "    job, lambda told: print(told.kind, flush=True), lambda: False)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", host], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != "frame":
            continue
        process.kill()
    wait_until(lambda: ended.is_file() and ended.read_text() != "")
    assert ended.read_text() == "0"
    assert 1 <= len(whole_frames(tmp_path / "out")) < FRAMES


def test_a_stop_in_another_thread_cancels_the_running_job(
    tmp_path: Path, make_shot: MakeShot, make_engine: Callable[..., Any], ask: Ask
) -> None:
    ended = tmp_path / "ended.txt"
    program = make_engine(after=f"open({str(ended)!r}, 'w').write(str(status))")
    engine = Engine(program.command, "Host 1.0")
    stopper = threading.Thread(target=engine.stop)

    def stop(told: Progress) -> None:
        if told.kind == "frame" and told.done == 1:
            stopper.start()

    with pytest.raises((EngineFailed, EngineDied)):
        engine.run(ask("a", make_shot(tmp_path, frames=FRAMES)), stop, never)
    stopper.join(PATIENCE_S)
    assert not engine.is_running
    assert ended.read_text() == "0"
    assert 1 <= len(whole_frames(tmp_path / "out")) < FRAMES


@posix_only
def test_what_libraries_print_disturbs_nobody(
    tmp_path: Path, make_shot: MakeShot, make_engine: Callable[..., Any], ask: Ask
) -> None:
    noise = (
        "print('activating the environment', flush=True)\n"
        "import platematte.matte\n"
        "matte = platematte.matte.matte_shot\n"
        "def noisy(*arguments):\n"
        '    print(\'{"kind": "done"\', flush=True)\n'
        "    os.write(1, b'no line at all')\n"
        "    return matte(*arguments)\n"
        "platematte.matte.matte_shot = noisy\n"
    )
    engine = Engine(make_engine(before=noise).command, "Host 1.0")
    assert engine.run(ask("a", make_shot(tmp_path, frames=2)), ignore, never).done == 2
    engine.stop()


def test_an_engine_tells_its_name_while_it_runs(false_engine: FalseEngine) -> None:
    engine = Engine(false_engine("hello(); sys.stdin.read()"), "Host 1.0")
    assert engine.program == ""
    engine.start()
    assert engine.program == "false engine"
    engine.stop()
    assert engine.program == ""


def test_an_engine_of_another_version_is_refused_and_does_not_stay(
    tmp_path: Path, false_engine: FalseEngine
) -> None:
    ended = tmp_path / "pid.txt"
    body = (
        f"open({str(ended)!r}, 'w').write(str(os.getpid()))\n"
        "say(kind='hello', program='platematte 9.0', protocol=2)\n"
        "time.sleep(600)"
    )
    engine = Engine(false_engine(body), "Host 1.0")
    with pytest.raises(VersionMismatch, match=r"platematte 9\.0 speaks protocol 2"):
        engine.start()
    assert not engine.is_running
    with pytest.raises(ProcessLookupError):
        os.kill(int(ended.read_text()), 0)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("sys.exit('no module named platematte')", ["status 1", "no module named platematte"]),
        ("print('usage: other program')", ["status 0", "usage: other program"]),
        (
            "hello(); print('Segmentation', flush=True); time.sleep(600)",
            ["protocol", "Segmentation"],
        ),
        ("hello(); say(kind='frame'); time.sleep(600)", ["protocol", "lacks"]),
        ("hello(); sys.stdin.readline(); sys.stdin.readline(); os.abort()", ["signal 6"]),
        ("hello(); os.close(1); time.sleep(600)", ["signal 9"]),
    ],
    ids=["ends", "another program", "nonsense", "half a message", "crashes", "closes its pipe"],
)
def test_an_engine_that_ends_or_speaks_nonsense_is_told_in_words(
    false_engine: FalseEngine,
    body: str,
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(conversation, "_CLOSING_PATIENCE_S", 0.5)
    engine = Engine(false_engine(body), "Host 1.0")
    with pytest.raises(EngineDied) as caught:
        engine.run(Matte("a", {}), ignore, never)
    for words in told:
        assert words in str(caught.value)
    assert not engine.is_running


def test_only_the_last_of_many_words_are_kept(false_engine: FalseEngine) -> None:
    body = "for i in range(50_000): print('word', i, file=sys.stderr)\nsys.exit(3)"
    with pytest.raises(EngineDied) as caught:
        Engine(false_engine(body), "Host 1.0").start()
    words = [line.strip() for line in str(caught.value).splitlines() if "word " in line]
    assert words == [f"word {i}" for i in range(50_000 - conversation.LAST_WORDS, 50_000)]


def test_a_program_that_cannot_be_started_is_told_with_its_path(tmp_path: Path) -> None:
    path = str(tmp_path / "no such program")
    with pytest.raises(EngineDied, match="no such program"):
        Engine([path], "Host 1.0").start()


def test_an_engine_that_says_no_hello_is_given_up(
    false_engine: FalseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "HELLO_PATIENCE_S", 0.5)
    engine = Engine(false_engine("time.sleep(600)"), "Host 1.0")
    began = time.monotonic()
    with pytest.raises(EngineDied, match="said nothing"):
        engine.start()
    assert time.monotonic() - began < 60
    assert not engine.is_running


@posix_only
def test_an_engine_that_does_not_stop_is_killed(
    false_engine: FalseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "STOP_PATIENCE_S", 0.3)
    body = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nhello()\ntime.sleep(600)"
    engine = Engine(false_engine(body), "Host 1.0")
    engine.start()
    started = engine._conversation
    engine.stop()
    assert started is not None
    assert started._process.poll() == -signal.SIGKILL


def test_a_silent_engine_is_asked_about_a_cancel_five_times_a_second(
    false_engine: FalseEngine,
) -> None:
    body = (
        "hello(); sys.stdin.readline(); sys.stdin.readline(); time.sleep(2)\n"
        "say(kind='done', frame=None, done=0, total=0, seconds=0, message='', job='a')\n"
        "sys.stdin.readline()"
    )
    asked = []
    engine = Engine(false_engine(body), "Host 1.0")
    engine.run(Matte("a", {}), ignore, lambda: asked.append(1) is not None)
    engine.stop()
    assert len(asked) >= 10


def test_an_error_about_no_job_ends_the_wait_for_it(false_engine: FalseEngine) -> None:
    failure = {"code": "protocol-invalid", "reason": "not JSON", "path": None, "frame": None}
    failure = {**failure, "fix": "", "exit_status": 2, "job": None, "kind": "error"}
    body = (
        "hello(); sys.stdin.readline(); sys.stdin.readline()\n"
        f"print({json.dumps(failure)!r}, flush=True); sys.stdin.readline()"
    )
    engine = Engine(false_engine(body), "Host 1.0")
    with pytest.raises(EngineFailed, match="not JSON"):
        engine.run(Matte("a", {}), ignore, never)
    engine.stop()


def test_a_name_of_a_running_job_is_refused(
    tmp_path: Path, make_shot: MakeShot, engine: Engine, ask: Ask
) -> None:
    shot = make_shot(tmp_path, frames=2)
    seen = []

    def again(told: Progress) -> None:
        if told.kind == "start":
            with pytest.raises(ValueError, match="'a' runs already"):
                engine.run(ask("a", shot), ignore, never)
            seen.append(told)

    assert engine.run(ask("a", shot), again, never).done == 2
    assert len(seen) == 1


def test_last_words_that_are_read_late_are_waited_for(
    false_engine: FalseEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    hear = conversation.Conversation._hear

    def hear_late(self: conversation.Conversation) -> None:
        time.sleep(0.5)
        hear(self)

    monkeypatch.setattr(conversation.Conversation, "_hear", hear_late)
    with pytest.raises(EngineDied, match="farewell"):
        Engine(false_engine("sys.exit('farewell')"), "Host 1.0").start()


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts open files as Linux does")
@pytest.mark.parametrize("body", ["hello(); sys.stdin.read()", "hello(); sys.exit(1)"])
def test_starting_and_ending_leaves_no_thread_no_pipe_and_no_process(
    false_engine: FalseEngine, body: str
) -> None:
    command = false_engine(body)
    # Counted, since the engine that these tests share has threads and pipes of its own.
    files, threads = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    processes = []
    for _ in range(3):
        talk = conversation.Conversation(command, "Host 1.0")
        processes.append(talk._process)
        talk._hello.wait(PATIENCE_S)
        talk.end(PATIENCE_S)
    assert all(process.poll() is not None for process in processes)
    assert threading.active_count() == threads
    assert len(list(Path("/proc/self/fd").iterdir())) == files
