"""Time left: told only where frames were measured, and from their own pace."""

from __future__ import annotations

import pytest

from platematte_client.messages import Progress
from platematte_client.pace import Pace, describe_seconds


def frame(done: int, seconds: float, total: int = 10) -> Progress:
    return Progress("frame", 1000 + done, done, total, seconds, "")


def paced(*told: Progress) -> float | None:
    pace = Pace()
    for progress in told:
        pace.note(progress)
    return pace.seconds_left()


def test_nothing_is_told_before_two_frames_are_measured() -> None:
    start = Progress("start", None, 0, 10, 30.0, "")
    assert paced() is None
    assert paced(start) is None
    assert paced(start, frame(1, 31.0)) is None


def test_loading_and_studying_are_no_part_of_the_pace() -> None:
    assert paced(frame(1, 60.0), frame(2, 62.0)) == pytest.approx(16.0)


def test_frames_of_an_earlier_run_are_no_part_of_the_pace() -> None:
    assert paced(frame(8, 5.0), frame(9, 8.0)) == pytest.approx(3.0)


def test_nothing_is_left_at_the_end() -> None:
    assert paced(frame(1, 1.0), frame(10, 10.0)) is None


def test_warnings_and_a_clock_that_stands_say_nothing() -> None:
    assert paced(Progress("warning", 1001, 1, 10, 1.0, "x"), frame(1, 2.0)) is None
    assert paced(frame(1, 2.0), frame(2, 2.0)) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (59.7, "1 min 00 s"), (61, "1 min 01 s"), (3600, "1 h 00 min")],
)
def test_a_time_is_told_as_people_do(seconds: float, words: str) -> None:
    assert describe_seconds(seconds) == words
