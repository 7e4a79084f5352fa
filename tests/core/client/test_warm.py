"""The one engine that a host keeps warm: who shares it, what starts another, how it ends."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from platematte_client import engine as client
from platematte_client import warm
from platematte_client.errors import Cancelled, EngineDied, EngineFailed, PlateMatteError
from platematte_client.locate import VARIABLE
from platematte_client.messages import Matte, Progress

FalseEngine = Callable[[str], list[str]]
PATIENCE_S = 60

# Does what the job's name says, and notes its starts with the OCIO config that it was given.
_OBEDIENT = """
with open(__file__ + ".starts", "a") as file:
    file.write(os.environ.get("OCIO", "none") + "\\n")
def end(job, **failure):
    told = dict(code="input-missing", reason="there is no plate", path="/p.exr", frame=1001,
                fix="Check it.", exit_status=3, job=job, kind="error")
    say(**{**told, **failure})
hello()
for line in sys.stdin:
    asked = json.loads(line)
    job = asked.get("job", "")
    if asked["kind"] == "stop":
        break
    if asked["kind"] == "cancel":
        end(job, code="cancelled", reason="cancelled")
    if asked["kind"] != "matte" or job.startswith("long"):
        continue
    if job.startswith("die"):
        sys.exit("out of memory")
    if job.startswith("deaf"):
        time.sleep(600)
    if job.startswith("fail"):
        end(job)
    else:
        say(kind="done", frame=None, done=1, total=1, seconds=0, message="", job=job)
"""


@pytest.fixture(autouse=True)
def _an_engine_of_our_own() -> Iterator[None]:
    warm.stop_engine()
    yield
    warm.stop_engine()


@pytest.fixture
def command(false_engine: FalseEngine) -> list[str]:
    """The command line of an engine that does what a job's name says."""
    return false_engine(_OBEDIENT)


def starts(command: list[str]) -> list[str]:
    """Return the OCIO config of each start of the engine's process."""
    path = Path(command[-1] + ".starts")
    return path.read_text().splitlines() if path.is_file() else []


def run(
    command: list[str],
    job: str,
    ocio: str | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> list[str]:
    """Run a job and return the kinds of message that came."""
    told: list[Progress] = []
    warm.run_job(Matte(job, {}), command, ocio, "Host 1.0", told.append, is_cancelled)
    return [one.kind for one in told]


def process() -> int:
    """Return the process id of the warm engine."""
    assert warm._engine is not None and warm._engine._conversation is not None
    return int(warm._engine._conversation._process.pid)


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def has_job() -> bool:
    """Whether the warm engine was given a job that it has not answered."""
    talk = warm._engine._conversation if warm._engine is not None else None
    return talk is not None and bool(talk._boxes)


class InBackground:
    """A job on a thread of its own, as a host runs it; `cancel` is the artist's."""

    def __init__(self, command: list[str], job: str) -> None:
        self.error: Exception | None = None
        self.cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(command, job))
        self._thread.start()

    def _run(self, command: list[str], job: str) -> None:
        try:
            run(command, job, is_cancelled=self.cancelled.is_set)
        except Exception as error:
            self.error = error

    def cancel(self) -> Exception | None:
        """Cancel and return the error that it ended with."""
        self.cancelled.set()
        return self.join()

    def join(self) -> Exception | None:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return self.error


def test_jobs_share_one_process(command: list[str]) -> None:
    assert [run(command, name) for name in ("a", "b")] == [["done"], ["done"]]
    assert len(starts(command)) == 1


def test_another_colour_config_starts_another_process_and_ends_the_first(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCIO", "/studio.ocio")
    run(command, "a", "/show.ocio")
    first = process()
    run(command, "b", "/show.ocio")
    run(command, "c", "/studio.ocio")
    run(command, "d", None)
    assert starts(command) == ["/show.ocio", "/studio.ocio", "none"]
    assert os.environ["OCIO"] == "/studio.ocio"
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)


def test_a_config_that_the_host_has_none_of_does_not_stay_in_its_environment(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OCIO", raising=False)
    run(command, "a", "/show.ocio")
    assert starts(command) == ["/show.ocio"]
    assert "OCIO" not in os.environ


def test_another_program_is_never_answered_by_the_one_that_runs(
    command: list[str], tmp_path: Path
) -> None:
    run(command, "a")
    other = tmp_path / "other.py"
    other.write_bytes(Path(command[-1]).read_bytes())
    run([*command[:-1], str(other)], "b")
    assert (len(starts(command)), len(starts([str(other)]))) == (1, 1)


def test_a_failure_is_told_in_the_engines_words_and_the_engine_stays(command: list[str]) -> None:
    with pytest.raises(PlateMatteError) as caught:
        run(command, "fail")
    assert str(caught.value) == "frame 1001: /p.exr: there is no plate\nCheck it."
    assert not isinstance(caught.value, Cancelled)
    assert isinstance(caught.value.__cause__, EngineFailed)
    assert run(command, "a") == ["done"]
    assert len(starts(command)) == 1


def test_an_engine_that_dies_is_told_with_its_last_words_and_the_next_job_starts_another(
    command: list[str],
) -> None:
    with pytest.raises(PlateMatteError, match="out of memory") as caught:
        run(command, "die")
    assert isinstance(caught.value.__cause__, EngineDied)
    assert run(command, "a") == ["done"]
    assert len(starts(command)) == 2


def test_an_engine_of_another_version_is_told_in_words(false_engine: FalseEngine) -> None:
    command = false_engine("say(kind='hello', program='platematte 9.0', protocol=2)")
    with pytest.raises(PlateMatteError, match="install the same version"):
        run(command, "a")


def test_a_cancel_is_the_artists_and_no_failure(command: list[str]) -> None:
    job = InBackground(command, "long")
    wait_until(has_job)
    assert isinstance(job.cancel(), Cancelled)
    assert run(command, "a") == ["done"]
    assert len(starts(command)) == 1


def test_a_job_that_is_cancelled_before_its_turn_never_reaches_the_engine(
    command: list[str],
) -> None:
    # The engine would die of it.
    with pytest.raises(Cancelled):
        run(command, "die", is_cancelled=lambda: True)
    assert run(command, "a") == ["done"]
    assert len(starts(command)) == 1


def test_one_job_waits_for_the_other_and_may_be_cancelled_meanwhile(command: list[str]) -> None:
    first = InBackground(command, "long")
    wait_until(has_job)
    second = InBackground(command, "a")
    third = InBackground(command, "b")
    error = second.cancel()
    assert isinstance(error, Cancelled) and "another matte was under way" in str(error)
    assert third._thread.is_alive()
    first.cancel()
    assert third.join() is None
    assert len(starts(command)) == 1


def test_an_engine_that_hears_nothing_is_ended_and_that_is_a_cancel(
    command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "STOP_PATIENCE_S", 0.3)
    job = InBackground(command, "deaf")
    wait_until(has_job)
    job.cancelled.set()
    warm.stop_engine()
    error = job.join()
    assert isinstance(error, Cancelled) and "did not answer" in str(error)
    assert run(command, "a") == ["done"]


def test_stopping_ends_the_process_and_may_be_done_twice(command: list[str]) -> None:
    run(command, "a")
    running = process()
    warm.stop_engine()
    warm.stop_engine()
    with pytest.raises(ProcessLookupError):
        os.kill(running, 0)
    assert run(command, "b") == ["done"]
    assert len(starts(command)) == 2


def test_an_engine_that_is_not_there_is_an_error_for_the_artist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(PlateMatteError, match="was not found") as caught:
        warm.locate(str(tmp_path / "nowhere"))
    assert str(tmp_path / "nowhere") in str(caught.value)
    program = tmp_path / "platematte"
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setenv(VARIABLE, str(program))
    assert warm.locate("") == [str(program)]
