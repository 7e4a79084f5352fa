"""What each progress writer prints, where it prints it, and that it never costs a frame."""

from __future__ import annotations

import io
import json
import logging
import re
import subprocess
import sys

import pytest

from platematte.errors import Cancelled, InputMissing, UsageInvalid
from platematte.progress import ProgressEvent, guarded, ignore_progress, progress_writer

START = ProgressEvent("start", None, 0, 4, 0.0, "sh010")
FRAME = ProgressEvent("frame", 1001, 1, 4, 0.51234, "")
WARNING = ProgressEvent("warning", 1002, 1, 4, 0.6, "3 pixels are NaN")
DONE = ProgressEvent("done", None, 4, 4, 2.0, "4 frames")
SHOT = (START, FRAME, WARNING, DONE)


def write(name: str, *events: ProgressEvent) -> None:
    with progress_writer(name) as progress:
        for event in events:
            progress(event)


def test_json_writes_one_object_a_line_with_stable_keys(capsys: pytest.CaptureFixture[str]) -> None:
    write("json", *SHOT)
    output = capsys.readouterr()
    records = [json.loads(line) for line in output.out.splitlines()]
    keys = ["kind", "frame", "done", "total", "seconds", "message"]
    assert [list(record) for record in records] == [keys] * 4
    assert records[1] == {
        "kind": "frame",
        "frame": 1001,
        "done": 1,
        "total": 4,
        "seconds": 0.512,
        "message": "",
    }
    assert output.err == ""


def test_json_ends_with_the_error_that_passes_through(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputMissing), progress_writer("json"):
        raise InputMissing("plate is missing", path="plate.1006.exr", frame=1006)
    record = json.loads(capsys.readouterr().out)
    assert (record["kind"], record["code"], record["frame"]) == ("error", "input-missing", 1006)
    assert record["fix"]


def test_json_reports_a_bug_with_its_type(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(KeyError), progress_writer("json"):
        raise KeyError("encoder.0")
    record = json.loads(capsys.readouterr().out)
    assert record["exit_status"] == 1
    assert record["reason"] == "KeyError: 'encoder.0'"


def test_openjd_writes_the_lines_its_runtime_reads(capsys: pytest.CaptureFixture[str]) -> None:
    write("openjd", *SHOT)
    output = capsys.readouterr()
    assert output.out.splitlines() == [
        "openjd_progress: 0.0",
        "openjd_status: sh010",
        "openjd_progress: 25.0",
        "openjd_status: frame 1001",
        "openjd_status: warning: frame 1002: 3 pixels are NaN",
        "openjd_progress: 100.0",
        "openjd_status: 4 frames",
    ]
    assert output.err == ""


def test_openjd_writes_the_reason_of_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputMissing), progress_writer("openjd"):
        raise InputMissing("plate is missing", frame=1006)
    assert capsys.readouterr().out == "openjd_fail: frame 1006: plate is missing\n"


def test_a_message_cannot_start_an_openjd_line_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("openjd", ProgressEvent("stage", None, 0, 4, 0.0, "a\nopenjd_env: b\r\nopenjd_fail: c"))
    lines = capsys.readouterr().out.splitlines()
    assert lines == ["openjd_status: a openjd_env: b openjd_fail: c"]


def test_openjd_leaves_out_a_status_that_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    write("openjd", ProgressEvent("done", None, 0, 0, 0.0, ""))
    assert capsys.readouterr().out == "openjd_progress: 0.0\n"


def test_bar_writes_plain_lines_where_stderr_is_no_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    write("bar", *SHOT)
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "0/4 0.0s sh010",
        "1/4 0.5s frame 1001",
        "1/4 0.6s warning: frame 1002: 3 pixels are NaN",
        "4/4 2.0s 4 frames",
    ]


class Terminal(io.StringIO):
    """A stream that claims to be a terminal."""

    def isatty(self) -> bool:
        """Claim it."""
        return True


def test_bar_draws_on_a_terminal_and_keeps_warnings_as_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    write("bar", *SHOT)
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", terminal.getvalue())
    assert "4/4" in drawn
    assert "warning: frame 1002: 3 pixels are NaN\n" in drawn
    assert capsys.readouterr().out == ""


def test_bar_prints_brackets_in_a_path_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    write("bar", ProgressEvent("warning", None, 0, 4, 0.0, "[red]/show/[v2]"))
    assert "[red]/show/[v2]" in terminal.getvalue()


@pytest.mark.parametrize("name", ["json", "openjd", "none"])
def test_only_bar_writes_to_stderr(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    write(name, *SHOT)
    output = capsys.readouterr()
    assert output.err == ""
    assert bool(output.out) == (name != "none")


def test_a_path_that_the_stream_cannot_encode_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    write("openjd", ProgressEvent("stage", None, 0, 4, 0.0, "plate_\u00e9_\udcff"))
    narrow.seek(0)
    assert narrow.read() == "openjd_status: plate_\\xe9_\\udcff\n"


def test_an_unknown_writer_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UsageInvalid) as caught:
        progress_writer("bars")
    assert "bar, json, openjd, none" in caught.value.fix


def test_a_failing_callback_is_logged_once_and_not_called_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = []

    def fail(event: ProgressEvent) -> None:
        calls.append(event)
        raise BrokenPipeError("host went away")

    report = guarded(fail)
    with caplog.at_level(logging.ERROR):
        for event in SHOT:
            report(event)
    assert calls == [START]
    assert len(caplog.records) == 1


def test_guarded_passes_every_event_on_in_order() -> None:
    seen: list[ProgressEvent] = []
    report = guarded(seen.append)
    for event in SHOT:
        report(event)
    assert tuple(seen) == SHOT


@pytest.mark.parametrize("stop", [Cancelled("stopped by the host"), KeyboardInterrupt()])
def test_a_callback_can_stop_the_work(stop: BaseException) -> None:
    def cancel(event: ProgressEvent) -> None:
        raise stop

    with pytest.raises(type(stop)):
        guarded(cancel)(FRAME)


def test_percent_of_a_job_of_unknown_length_is_zero() -> None:
    assert ProgressEvent("stage", None, 3, 0, 1.0, "").percent == 0.0
    assert FRAME.percent == 25.0


def test_ignore_progress_takes_every_event() -> None:
    for event in SHOT:
        ignore_progress(event)


def test_importing_progress_does_not_import_rich() -> None:
    program = "import sys, platematte.progress; sys.exit(any(m == 'rich' for m in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
