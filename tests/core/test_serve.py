"""The server: what each line of a host leads to, and what stays loaded between jobs."""

from __future__ import annotations

import json
import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

import platematte.compute
import platematte.matte
from platematte.compute import Engine
from platematte.errors import UsageInvalid
from platematte.images.picture import write_alpha_picture
from platematte.serve import Server, read_shot
from platematte.shot import Shot
from platematte_client.messages import (
    PROTOCOL,
    Cancel,
    Failure,
    Hello,
    Matte,
    Message,
    Progress,
    Stop,
    decode,
    encode,
)

MakeShot = Callable[..., Shot]
PATIENCE_S = 120


class Host:
    """The other end of a server that runs in a thread of this process."""

    def __init__(self) -> None:
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._answers: queue.Queue[Message] = queue.Queue()
        self.status: int | None = None
        self.has_left = False
        self.server = Server(iter(self._lines.get, None), self._hear)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def say(self, *said: Message | str) -> None:
        for one in said:
            self._lines.put(one if isinstance(one, str) else encode(one))

    def next(self) -> Message:
        return self._answers.get(timeout=PATIENCE_S)

    def until_answer(self, job: str | None) -> list[Any]:
        """Return all that is said up to the last message about a job."""
        said: list[Any] = []
        while True:
            said.append(self.next())
            last = said[-1]
            is_last = isinstance(last, Failure) or getattr(last, "kind", "") == "done"
            if is_last and last.job == job:
                return said

    def hang_up(self) -> int | None:
        self._lines.put(None)
        return self.wait()

    def wait(self) -> int | None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return self.status

    def rest(self) -> list[Message]:
        return [self._answers.get_nowait() for _ in range(self._answers.qsize())]

    def _hear(self, line: str) -> None:
        if self.has_left:
            raise BrokenPipeError
        self._answers.put(decode(line))

    def _serve(self) -> None:
        self.status = self.server.run()


@pytest.fixture
def host() -> Iterator[Host]:
    """A host that has been greeted and has said hello."""
    host = Host()
    assert isinstance(host.next(), Hello)
    host.say(Hello("Host 1.0"))
    yield host
    host.hang_up()


@pytest.fixture
def ask(tiny_weights: Path) -> Callable[..., Matte]:
    """Builder of jobs with the tiny network: `ask("a", shot, existing="resume", **network)`."""

    def build(name: str, shot: Shot, existing: str = "refuse", **network: Any) -> Matte:
        told = {key: value for key, value in asdict(shot).items() if value is not None}
        chosen = {"weights": str(tiny_weights), "device": "cpu", **network}
        return Matte(name, told, {"network": chosen}, existing)

    return build


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The weights files that were really loaded."""
    loaded: list[Path] = []
    load = platematte.compute.load_runner

    def counting(path: Path, machine: Any) -> Any:
        loaded.append(path)
        return load(path, machine)

    monkeypatch.setattr(platematte.compute, "load_runner", counting)
    return loaded


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Holds every job just before its work until it is set."""
    event, matte = threading.Event(), platematte.matte.matte_shot

    def held(*arguments: Any) -> Any:
        assert event.wait(PATIENCE_S)
        return matte(*arguments)

    monkeypatch.setattr(platematte.matte, "matte_shot", held)
    yield event
    event.set()


def stages(said: list[Any]) -> list[str]:
    return [one.message for one in said if isinstance(one, Progress) and one.kind == "stage"]


def frames(said: list[Any]) -> list[int]:
    return [one.frame for one in said if isinstance(one, Progress) and one.kind == "frame"]


def is_there(shot: Shot, number: int) -> bool:
    return Path(shot.out.replace("####", str(number))).is_file()


def test_a_job_is_told_frame_by_frame_and_ends_with_done(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte]
) -> None:
    shot = make_shot(tmp_path, frames=3)
    host.say(ask("a", shot))
    said = host.until_answer("a")
    assert [one.kind for one in said if one.kind != "stage"] == ["start", *["frame"] * 3, "done"]
    assert frames(said) == [1001, 1002, 1003]
    assert {one.job for one in said} == {"a"}
    assert said[-1].done == said[-1].total == 3
    assert all(is_there(shot, number) for number in (1001, 1002, 1003))


def test_the_thumbnail_shows_the_last_frame_and_lies_where_the_host_wants_it(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte]
) -> None:
    shot, wanted = make_shot(tmp_path, frames=3), tmp_path / "Bilder é" / "thumbnail.png"
    host.say(replace(ask("a", shot), thumbnail=str(wanted)))
    said = host.until_answer("a")
    told = {one.frame: one.thumbnail for one in said if one.kind == "frame"}
    assert (told[1001], told[1003]) == (str(wanted), str(wanted))
    expected = tmp_path / "expected.png"
    write_alpha_picture(Path(shot.out.replace("####", "1003")), expected)
    assert wanted.read_bytes() == expected.read_bytes()


def test_without_a_wish_there_is_no_thumbnail(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte]
) -> None:
    host.say(ask("a", make_shot(tmp_path, frames=1)))
    assert {one.thumbnail for one in host.until_answer("a")} == {None}
    assert list(tmp_path.rglob("*.png")) == []


def test_a_thumbnail_that_cannot_be_written_costs_no_frame(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte]
) -> None:
    shot = make_shot(tmp_path, frames=2)
    (tmp_path / "file").write_text("mine")
    host.say(replace(ask("a", shot), thumbnail=str(tmp_path / "file" / "thumbnail.png")))
    said = host.until_answer("a")
    assert said[-1].kind == "done"
    assert frames(said) == [1001, 1002]
    assert all(is_there(shot, number) for number in (1001, 1002))


def test_a_thumbnail_under_the_name_of_something_else_is_refused(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte]
) -> None:
    shot = make_shot(tmp_path, frames=1)
    plate = Path(shot.plate.replace("####", "1001"))
    before = plate.read_bytes()
    host.say(replace(ask("a", shot), thumbnail=str(plate)))
    answer = host.until_answer("a")[-1]
    assert (answer.code, ".png" in answer.fix) == ("usage-invalid", True)
    assert plate.read_bytes() == before


def test_the_second_job_finds_the_weights_loaded(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte], loads: list[Path]
) -> None:
    for name in "ab":
        host.say(ask(name, make_shot(tmp_path / name, frames=1)))
    first, second = host.until_answer("a"), host.until_answer("b")
    assert [message for message in stages(first) if "loads" in message] != []
    assert [message for message in stages(second) if "loads" in message] == []
    assert len(loads) == 1


def test_a_warm_engine_writes_what_a_fresh_one_writes(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte], read_matte: Any
) -> None:
    written = []
    for name in "ab":
        shot = make_shot(tmp_path / name, frames=3)
        host.say(ask(name, shot))
        assert host.until_answer(name)[-1].kind == "done"
        written.append(read_matte(Path(shot.out.replace("####", "1002"))))
    for layer, pixels in written[0].items():
        assert pixels.tobytes() == written[1][layer].tobytes()


@pytest.mark.parametrize(
    "change",
    [
        {"network": {"precision": "bf16"}},
        {"solve": {"temporal": "off"}},
        {"engine": {"memory_mib": 256}},
    ],
)
def test_settings_that_make_another_engine_load_another_one(
    tmp_path: Path,
    make_shot: MakeShot,
    host: Host,
    ask: Callable[..., Matte],
    loads: list[Path],
    change: dict[str, dict[str, Any]],
) -> None:
    first = ask("a", make_shot(tmp_path / "a", frames=1))
    network = {**first.settings["network"], **change.get("network", {})}
    second = ask("b", make_shot(tmp_path / "b", frames=1))
    host.say(first, Matte("b", second.shot, {**change, "network": network}))
    host.until_answer("a")
    assert host.until_answer("b")[-1].kind == "done"
    assert len(loads) == 2


def test_settings_that_only_change_the_output_load_nothing(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte], loads: list[Path]
) -> None:
    first = ask("a", make_shot(tmp_path / "a", frames=1))
    second = ask("b", make_shot(tmp_path / "b", frames=1))
    layered = {**second.settings, "output": {"layers": ["clean"]}, "prepare": {"align": "off"}}
    host.say(first, Matte("b", second.shot, layered))
    host.until_answer("a")
    assert host.until_answer("b")[-1].kind == "done"
    assert len(loads) == 1


def test_weights_that_were_written_anew_are_loaded_anew(
    tmp_path: Path,
    make_shot: MakeShot,
    host: Host,
    ask: Callable[..., Matte],
    tiny_weights: Path,
    loads: list[Path],
) -> None:
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes(tiny_weights.read_bytes())
    for name in "ab":
        host.say(ask(name, make_shot(tmp_path / name, frames=1), weights=str(mine)))
        assert host.until_answer(name)[-1].kind == "done"
        os.utime(mine, (time.time() + 60, time.time() + 60))
    assert loads == [mine, mine]


def test_an_engine_that_ran_short_of_memory_suits_no_further_job(tiny_settings: Any) -> None:
    settings = tiny_settings()
    engine = Engine(settings)
    assert engine.suits(settings)
    engine.runner.memory_mib /= 2  # type: ignore[attr-defined]
    assert not engine.suits(settings)


def test_an_engine_for_other_settings_is_refused(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: Any
) -> None:
    engine = Engine(tiny_settings(engine={"memory_mib": 64}))
    with pytest.raises(ValueError, match="other settings"):
        platematte.matte.matte_shot(make_shot(tmp_path), tiny_settings(), engine=engine)


def test_a_shot_with_a_damaged_frame_ends_as_an_error_after_the_others_are_written(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte]
) -> None:
    shot = make_shot(tmp_path, frames=3)
    Path(shot.plate.replace("####", "1002")).write_bytes(b"no EXR")
    host.say(ask("a", shot))
    said = host.until_answer("a")
    assert "done" not in [getattr(one, "kind", "") for one in said]
    assert (said[-1].code, said[-1].frame) == ("input-unreadable", 1002)
    assert "2 others are written" in said[-1].reason
    assert [is_there(shot, number) for number in (1001, 1002, 1003)] == [True, False, True]


def test_an_error_has_path_reason_and_fix_and_the_server_goes_on(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte]
) -> None:
    shot = make_shot(tmp_path, frames=1)
    lost = str(tmp_path / "nowhere" / "plate.####.exr")
    host.say(ask("a", Shot(lost, shot.clean, shot.out)), ask("b", shot))
    error = host.until_answer("a")[-1]
    assert (error.code, error.exit_status) == ("input-missing", 3)
    assert "nowhere" in error.path
    assert error.fix
    assert host.until_answer("b")[-1].kind == "done"


def test_what_is_wrong_with_the_files_is_said_before_the_weights_are_loaded(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte], loads: list[Path]
) -> None:
    shot = make_shot(tmp_path, frames=1)
    lost = Shot(str(tmp_path / "nowhere" / "plate.####.exr"), shot.clean, shot.out)
    late = Shot(shot.plate, shot.clean, shot.out, "1001-1009")  # type: ignore[arg-type]
    host.say(ask("a", lost), ask("b", late))
    for job in "ab":
        said = host.until_answer(job)
        assert stages(said) in ([], ["waits for 1 earlier job"])
        assert said[-1].code == "input-missing"
    assert loads == []


def test_frames_that_exist_are_refused_and_kept_unless_the_job_says_otherwise(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte]
) -> None:
    shot = make_shot(tmp_path, frames=2)
    host.say(ask("a", shot), ask("b", shot), ask("c", shot, existing="resume"))
    assert host.until_answer("a")[-1].kind == "done"
    before = Path(shot.out.replace("####", "1001")).stat().st_mtime_ns
    assert host.until_answer("b")[-1].code == "output-exists"
    assert frames(host.until_answer("c")) == []
    assert Path(shot.out.replace("####", "1001")).stat().st_mtime_ns == before


def test_a_fault_of_ours_is_an_error_of_the_job_and_the_next_one_loads_anew(
    tmp_path: Path,
    make_shot: MakeShot,
    host: Host,
    ask: Callable[..., Matte],
    loads: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("division by zero")

    shot = make_shot(tmp_path, frames=1)
    with monkeypatch.context() as patched:
        patched.setattr(platematte.matte, "matte_shot", broken)
        host.say(ask("a", shot))
        error = host.until_answer("a")[-1]
    assert error.code == "error"
    assert "ZeroDivisionError: division by zero" in error.reason
    assert "PLATEMATTE_LOG=debug" in error.fix
    host.say(ask("b", shot))
    assert host.until_answer("b")[-1].kind == "done"
    assert len(loads) == 2


def test_jobs_wait_in_their_order_and_are_told_so(
    tmp_path: Path,
    make_shot: MakeShot,
    host: Host,
    ask: Callable[..., Matte],
    gate: threading.Event,
) -> None:
    for name in "abc":
        host.say(ask(name, make_shot(tmp_path / name, frames=1)))
    said: list[Any] = []
    while sum("waits" in message for message in stages(said)) < 2:
        said.append(host.next())
    gate.set()
    said += host.until_answer("c")
    waits = {one.job: one.message for one in said if "waits" in one.message}
    assert waits == {"b": "waits for 1 earlier job", "c": "waits for 2 earlier jobs"}
    assert [one.job for one in said if one.kind == "done"] == ["a", "b", "c"]


def test_a_waiting_job_is_cancelled_at_once_and_the_running_one_goes_on(
    tmp_path: Path,
    make_shot: MakeShot,
    host: Host,
    ask: Callable[..., Matte],
    gate: threading.Event,
) -> None:
    shots = {name: make_shot(tmp_path / name, frames=1) for name in "ab"}
    host.say(ask("a", shots["a"]), ask("b", shots["b"]), Cancel("b"))
    assert host.until_answer("b")[-1].code == "cancelled"
    gate.set()
    assert host.until_answer("a")[-1].kind == "done"
    host.say(ask("c", make_shot(tmp_path / "c", frames=1)))
    assert host.until_answer("c")[-1].kind == "done"
    assert not is_there(shots["b"], 1001)


def test_a_running_job_is_cancelled_with_whole_frames_and_its_name_is_free_again(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte]
) -> None:
    shot = make_shot(tmp_path, frames=40)
    host.say(ask("a", shot))
    while getattr(host.next(), "kind", "") != "frame":
        continue
    host.say(Cancel("a"))
    assert host.until_answer("a")[-1].code == "cancelled"
    left = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert 1 <= len(left) < 40
    assert all(name.startswith("matte.") for name in left)
    host.say(ask("a", shot, existing="resume"))
    assert host.until_answer("a")[-1].kind == "done"
    assert len(list((tmp_path / "out").iterdir())) == 40


def test_a_cancel_of_an_unknown_job_says_nothing(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte]
) -> None:
    host.say(Cancel("long gone"), ask("a", make_shot(tmp_path, frames=1)))
    assert {one.job for one in host.until_answer("a")} == {"a"}


def test_a_name_that_is_taken_is_refused_without_ending_its_first_job(
    tmp_path: Path,
    make_shot: MakeShot,
    host: Host,
    ask: Callable[..., Matte],
    gate: threading.Event,
) -> None:
    first = make_shot(tmp_path / "1", frames=1)
    host.say(ask("a", first), ask("a", make_shot(tmp_path / "2", frames=1)))
    refused = host.until_answer(None)[-1]
    assert refused.code == "protocol-invalid"
    assert "'a'" in refused.reason
    gate.set()
    assert host.until_answer("a")[-1].kind == "done"
    assert is_there(first, 1001)
    assert not (tmp_path / "2" / "out").exists()


def test_stop_answers_every_job_and_ends_with_0(
    tmp_path: Path,
    make_shot: MakeShot,
    host: Host,
    ask: Callable[..., Matte],
    gate: threading.Event,
) -> None:
    host.say(*(ask(name, make_shot(tmp_path / name, frames=1)) for name in "abc"), Stop())
    while not host.server._is_stopping:
        time.sleep(0.01)
    gate.set()
    assert host.wait() == 0
    ends = [one for one in host.rest() if isinstance(one, Failure)]
    assert [(end.job, end.code) for end in ends] == [(name, "cancelled") for name in "abc"]


def test_the_end_of_the_hosts_pipe_ends_the_server_after_whole_frames(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte]
) -> None:
    host.say(ask("a", make_shot(tmp_path, frames=40)))
    while getattr(host.next(), "kind", "") != "frame":
        continue
    assert host.hang_up() == 0
    left = [path.name for path in (tmp_path / "out").iterdir()]
    assert 1 <= len(left) < 40
    assert all(name.startswith("matte.") for name in left)


def test_a_host_that_does_not_listen_any_more_ends_the_server(
    tmp_path: Path, make_shot: MakeShot, host: Host, ask: Callable[..., Matte]
) -> None:
    host.say(ask("a", make_shot(tmp_path, frames=40)))
    while getattr(host.next(), "kind", "") != "frame":
        continue
    host.has_left = True
    assert host.wait() == 0
    assert len(list((tmp_path / "out").iterdir())) < 40


@pytest.mark.parametrize(
    ("line", "job"),
    [
        ("matte the shot, please", None),
        ("{" * 10, None),
        ("[" * 100_000, None),
        ('{"kind": "matte", "job": "a"}', "a"),
        ('{"kind": "matte", "job": "a", "shot": []}', "a"),
        ('{"kind": "matte", "job": "a", "shot": {}, "existing": "delete"}', "a"),
        ('{"kind": "matted", "job": "a"}', "a"),
        (encode(Progress("done", None, 0, 0, 0.0, "")), None),
    ],
)
def test_a_broken_line_is_answered_with_its_job_and_the_server_goes_on(
    tmp_path: Path,
    make_shot: MakeShot,
    host: Host,
    ask: Callable[..., Matte],
    line: str,
    job: str | None,
) -> None:
    host.say(line)
    error = host.next()
    assert isinstance(error, Failure)
    assert (error.code, error.job) == ("protocol-invalid", job)
    host.say(ask("b", make_shot(tmp_path, frames=1)))
    assert host.until_answer("b")[-1].kind == "done"


def test_nothing_is_done_before_the_host_has_said_hello(
    tmp_path: Path, make_shot: MakeShot, ask: Callable[..., Matte]
) -> None:
    host, shot = Host(), make_shot(tmp_path, frames=1)
    assert isinstance(host.next(), Hello)
    host.say(ask("a", shot))
    error = host.next()
    assert isinstance(error, Failure)
    assert (error.job, "hello" in error.reason) == ("a", True)
    assert host.hang_up() == 0
    assert not is_there(shot, 1001)


def test_a_host_of_another_protocol_is_refused_with_both_versions_and_status_2() -> None:
    host = Host()
    assert isinstance(host.next(), Hello)
    host.say(json.dumps({"kind": "hello", "program": "Nuke 99", "protocol": PROTOCOL + 1}))
    error = host.next()
    assert isinstance(error, Failure)
    assert error.code == "protocol-version"
    assert f"Nuke 99 speaks protocol {PROTOCOL + 1}" in error.reason
    assert f"speaks {PROTOCOL}" in error.reason
    assert host.wait() == 2


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"plate": "p", "clean": "c"}, "shot.out"),
        ({"plate": "p", "clean": None, "out": "o"}, "shot.clean"),
        ({"plate": "p", "clean": "c", "out": "o", "garbge": "g"}, "garbge"),
        ({"plate": "p", "clean": "c", "out": "o", "core": 7}, "shot.core"),
        ({"plate": "p", "clean": "c", "out": "o", "frames": [1001]}, "shot.frames"),
        ({"plate": "p", "clean": "c", "out": "o", "frames": "all"}, "all"),
    ],
)
def test_a_shot_that_means_nothing_is_refused_by_name(told: dict[str, Any], named: str) -> None:
    with pytest.raises(UsageInvalid, match=named):
        read_shot(told)


def test_a_shot_keeps_its_frame_numbers() -> None:
    told = {"plate": "p", "clean": "c", "out": "o", "frames": "1001-1005x2", "hint": None}
    assert read_shot(told) == Shot("p", "c", "o", frames=(1001, 1003, 1005))
