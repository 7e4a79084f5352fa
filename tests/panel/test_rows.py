"""States in words, and what the lines below the table say."""

from __future__ import annotations

import pytest

from platematte_panel.rows import (
    CANCELLED,
    DONE,
    FAILED,
    NEW,
    RUNNING,
    STALE,
    STATES,
    WAITING,
    Row,
    describe_all,
    describe_details,
    describe_left,
    describe_state,
)

REASON = "plate.1002.exr: the file is damaged\n/show/plate.1002.exr\nRender it again."


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (Row("a", "a"), "not started"),
        (Row("a", "a", state=WAITING), "waiting"),
        (Row("a", "a", state=RUNNING), "starting"),
        (Row("a", "a", state=RUNNING, stage="loads the weights default"), "loads the weights"),
        (Row("a", "a", state=RUNNING, done=12, total=100), "12 of 100 frames"),
        (Row("a", "a", state=DONE, done=3, total=3), "done"),
        (Row("a", "a", state=DONE, reason="frame 1002: x"), "done, with a warning"),
        (Row("a", "a", state=FAILED, reason=REASON), "failed: plate.1002.exr: the file is damaged"),
        (Row("a", "a", state=CANCELLED), "cancelled"),
        (Row("a", "a", state=CANCELLED, done=2, total=9), "cancelled, 2 of 9 frames kept"),
        (Row("a", "a", state=STALE, reason="plate changed since"), "stale: plate changed since"),
    ],
)
def test_a_state_is_told_in_words_on_one_line(row: Row, words: str) -> None:
    told = describe_state(row)
    assert told.startswith(words)
    assert "\n" not in told


def test_every_state_has_words() -> None:
    assert len({describe_state(Row("a", "a", state=state)) for state in STATES}) == len(STATES)


def test_the_details_of_a_failure_have_reason_path_and_fix() -> None:
    row = Row("a", "sh010", plate="/p", clean="/c", state=FAILED, reason=REASON, folder="/v001")
    assert describe_details(row).splitlines() == [
        "sh010: failed",
        *REASON.splitlines(),
        "plate: /p",
        "clean plate: /c",
        "folder: /v001",
    ]


def test_time_left_is_told_of_a_running_row_that_was_measured_only() -> None:
    assert describe_left(Row("a", "a", state=RUNNING)) == ""
    assert describe_left(Row("a", "a", state=RUNNING, seconds_left=90.0)) == "1 min 30 s"
    assert describe_left(Row("a", "a", state=CANCELLED, seconds_left=90.0)) == ""


def test_the_summary_counts_the_states_that_there_are() -> None:
    rows = [Row("a", "a", state=RUNNING), Row("b", "b", state=FAILED), Row("c", "c", state=NEW)]
    assert describe_all(rows, "node") == "3 nodes: 1 running, 1 failed, 1 not started"
    assert describe_all([], "shot") == "0 shots"
