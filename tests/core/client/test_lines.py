"""Lines on raw pipes: however they are cut, and however long they are."""

from __future__ import annotations

import os
import threading
from io import FileIO
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platematte_client.lines import read_lines, write_line
from platematte_client.messages import LONGEST_LINE, ProtocolError, Stop, decode, encode


class Pieces:
    """A pipe that gives what it holds in the pieces that it was given."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = [piece for piece in pieces if piece]

    def read(self, _size: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""


@given(st.text(alphabet="ab\né猫", max_size=40), st.lists(st.integers(0, 40), max_size=6))
def test_lines_are_the_same_however_they_arrive(text: str, cuts: list[int]) -> None:
    sent = text.encode()
    borders = [0, *sorted(cuts), len(sent)]
    pieces = [sent[a:b] for a, b in pairwise(borders)]
    expected = text.split("\n")
    if not expected[-1]:
        expected.pop()
    assert list(read_lines(Pieces(pieces))) == expected


def test_a_line_that_is_too_long_is_refused_and_the_next_ones_are_read() -> None:
    sent = b"x" * (3 * LONGEST_LINE) + b"\n" + encode(Stop()).encode()
    pieces = [sent[start : start + 65536] for start in range(0, len(sent), 65536)]
    long, short = read_lines(Pieces(pieces))
    assert len(long) <= LONGEST_LINE + 1
    with pytest.raises(ProtocolError):
        decode(long)
    assert decode(short) == Stop()


def test_a_line_of_windows_has_no_carriage_return_left() -> None:
    assert list(read_lines(Pieces([b"a\r\nb\r", b"\n"]))) == ["a", "b"]


def test_bytes_that_are_no_text_break_nothing() -> None:
    assert list(read_lines(Pieces([b"\xff\xfe\n", b"good\n"])))[1] == "good"


def test_a_closed_pipe_has_ended() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    pipe = FileIO(reading, "r")
    assert list(read_lines(pipe)) == []
    pipe.close()
    assert list(read_lines(pipe)) == []


def test_a_line_that_is_larger_than_the_pipe_arrives_whole() -> None:
    reading, writing = os.pipe()
    line = "x" * 500_000
    arrived: list[str] = []
    with FileIO(reading, "r") as source, FileIO(writing, "w") as sink:
        thread = threading.Thread(target=lambda: arrived.append(next(read_lines(source))))
        thread.start()
        write_line(sink, line + "\n")
        thread.join(60)
    assert arrived == [line]


def test_writing_to_a_pipe_that_nobody_reads_is_an_oserror() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with FileIO(writing, "w") as sink, pytest.raises(BrokenPipeError):
        write_line(sink, "a\n")
