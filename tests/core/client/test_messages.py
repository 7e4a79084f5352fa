"""The protocol between hosts and the engine."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import platematte_client
from platematte.errors import InputMissing
from platematte.progress import ProgressEvent, progress_writer
from platematte_client.messages import (
    LONGEST_LINE,
    PROGRESS_KINDS,
    PROTOCOL,
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

PACKAGE = Path(platematte_client.__file__).parent

texts = st.text()
numbers = st.integers(-(2**53), 2**53)
messages = st.one_of(
    st.builds(Hello, texts),
    st.builds(Matte, texts, st.dictionaries(texts, texts), st.just({}), st.just("resume")),
    st.builds(Cancel, texts),
    st.just(Stop()),
    st.builds(
        Progress,
        st.sampled_from(PROGRESS_KINDS),
        st.none() | numbers,
        numbers,
        numbers,
        st.floats(allow_nan=False, allow_infinity=False),
        texts,
        st.none() | texts,
    ),
    st.builds(Failure, texts, texts, st.none() | texts, st.none() | numbers, texts, numbers),
)


@given(messages)
def test_every_message_comes_back_from_its_line(message: Message) -> None:
    assert decode(encode(message)) == message


@given(messages)
def test_a_message_is_one_line_of_ascii(message: Message) -> None:
    line = encode(message)
    assert line.isascii()
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize(
    "line",
    [
        "",
        "frame 1001 done",
        "[1, 2]",
        "{}",
        '{"kind": "matted"}',
        '{"kind": ["start"]}',
        '{"kind": "cancel"}',
        '{"kind": "cancel", "job": 7}',
        '{"kind": "matte", "job": "a", "shot": {}, "existing": "delete"}',
        '{"kind": "start", "frame": null, "done": true, "total": 1, "seconds": 0, "message": ""}',
        '{"kind": "start", "frame": 1.5, "done": 0, "total": 1, "seconds": 0, "message": ""}',
        '{"kind": "start", "frame": 1, "done": 0, "total": 1, "seconds": NaN, "message": ""}',
        '{"kind": "start", "frame": 1, "done": 0, "total": 1, "seconds": 1e999, "message": ""}',
        "[" * 100_000,
        '{"kind": "stop", "note": "' + "x" * LONGEST_LINE + '"}',
    ],
)
def test_a_line_that_is_no_message_is_refused(line: str) -> None:
    with pytest.raises(ProtocolError):
        decode(line)


def test_a_field_that_is_not_known_is_ignored() -> None:
    assert decode('{"kind": "cancel", "job": "a", "since": 2}') == Cancel("a")


def test_a_field_with_a_default_may_be_left_out() -> None:
    assert decode('{"kind": "matte", "job": "a", "shot": {}}') == Matte("a", {}, {}, "refuse")


def test_lines_of_a_side_that_knows_no_thumbnail_are_understood() -> None:
    line = json.loads(encode(Progress("frame", 1001, 1, 2, 0.5, "", "a")))
    del line["thumbnail"]
    assert decode(json.dumps(line)) == Progress("frame", 1001, 1, 2, 0.5, "", "a", None)


def test_another_protocol_version_is_refused_and_named() -> None:
    line = json.dumps({"kind": "hello", "program": "platematte 9", "protocol": PROTOCOL + 1})
    with pytest.raises(VersionMismatch, match="platematte 9"):
        decode(line)


def test_what_is_not_a_number_is_not_sent() -> None:
    with pytest.raises(ProtocolError):
        encode(Progress("frame", 1001, 1, 2, float("nan"), ""))


def test_a_kind_of_progress_that_does_not_exist_is_not_sent() -> None:
    with pytest.raises(ProtocolError):
        encode(Progress("error", None, 0, 0, 0.0, ""))


def test_what_the_command_line_writes_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    stdout = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stdout)
    missing = InputMissing("there is no such file", path="/show/plate.1002.exr", frame=1002)
    with pytest.raises(InputMissing), progress_writer("json") as progress:
        progress(ProgressEvent("frame", 1001, 1, 2, 0.5, "/show/é.1001.exr"))
        raise missing
    assert [decode(line) for line in stdout.getvalue().splitlines()] == [
        Progress("frame", 1001, 1, 2, 0.5, "/show/é.1001.exr"),
        Failure("input-missing", missing.reason, "/show/plate.1002.exr", 1002, InputMissing.fix, 3),
    ]


def test_the_client_imports_the_standard_library_only() -> None:
    allowed = {*sys.stdlib_module_names, "platematte_client"}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            assert {name.split(".")[0] for name in names} <= allowed, path


def _run_client(*command: str) -> subprocess.CompletedProcess[str]:
    program = (
        f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r})\n"
        "from platematte_client.messages import Stop, decode, encode\n"
        "print(decode(encode(Stop())))"
    )
    # -I and -S keep every installed package out.
    return subprocess.run(
        [*command, "-I", "-S", "-c", program], capture_output=True, text=True, check=False
    )


def test_the_client_works_without_installed_packages() -> None:
    assert _run_client(sys.executable).stdout == "Stop()\n"


def test_the_client_works_on_python_3_7(find_python: Callable[[str], str]) -> None:
    result = _run_client(find_python("3.7"))
    assert result.stdout == "Stop()\n", result.stderr
