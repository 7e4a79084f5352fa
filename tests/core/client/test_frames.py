"""Frame ranges as text: read as the engine reads them, and written so that it reads them back."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platematte.images.sequence import parse_frames as parse_as_the_engine
from platematte_client.errors import PlateMatteError
from platematte_client.frames import LONGEST, as_frames, format_frames, parse_frames, runs

parts = st.builds(
    lambda first, length, step: f"{first}-{first + length}x{step}" if step else str(first),
    st.integers(-50, 2000),
    st.integers(-40, 40),
    st.integers(0, 5),
)


@given(st.lists(parts, min_size=1, max_size=4))
def test_a_range_means_the_same_here_and_in_the_engine(ranges: list[str]) -> None:
    text = ",".join(ranges)
    frames = parse_frames(text)
    assert frames == parse_as_the_engine(text)
    assert parse_as_the_engine(format_frames(frames)) == frames


@pytest.mark.parametrize("text", ["", "a", "1-", "1:5", "1-5x0", "1,,2", "1.5", "1-99999999"])
def test_what_is_no_range_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(PlateMatteError, match="1001-1100"):
        parse_frames(text)


def test_the_longest_range_is_read_and_one_frame_more_is_a_slip() -> None:
    assert len(parse_frames(f"1-{LONGEST + 1}")) == LONGEST + 1
    with pytest.raises(PlateMatteError, match="cannot be meant"):
        parse_frames(f"1-{LONGEST + 2}")


@given(st.sets(st.integers(-30, 30)))
def test_runs_hold_every_frame_once_and_have_a_hole_between_them(frames: set[int]) -> None:
    found = runs(frames)
    assert [frame for first, last in found for frame in range(first, last + 1)] == sorted(frames)
    assert all(after[0] > before[1] + 1 for before, after in pairwise(found))


@pytest.mark.parametrize(
    ("asked", "meant"),
    [(None, None), (1001, (1001,)), ("1001-1005x2", (1001, 1003, 1005)), (range(3), (0, 1, 2))],
)
def test_a_script_may_ask_for_a_number_for_numbers_and_for_text(asked: Any, meant: Any) -> None:
    assert as_frames(asked) == meant


def test_no_frame_at_all_is_refused_with_what_to_do() -> None:
    with pytest.raises(PlateMatteError, match=r"no frames were asked for\. Name some"):
        as_frames([])
