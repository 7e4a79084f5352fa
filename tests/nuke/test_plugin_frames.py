"""Frame ranges as the engine reads them, and version folders that are made once."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from comp import PLUGIN
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from platematte.images.sequence import parse_frames as parse_as_the_engine


@pytest.fixture
def plugin(session: Any) -> Iterator[Any]:
    sys.path.insert(0, str(PLUGIN))
    yield importlib.import_module("platematte_nuke")


parts = st.builds(
    lambda first, length, step: f"{first}-{first + length}x{step}" if step else str(first),
    st.integers(-50, 2000),
    st.integers(0, 40),
    st.integers(0, 5),
)


@given(st.lists(parts, min_size=1, max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_range_means_the_same_here_and_in_the_engine(plugin: Any, ranges: list[str]) -> None:
    text = ",".join(ranges)
    frames = plugin.parse_frames(text)
    assert frames == parse_as_the_engine(text)
    formatted = importlib.import_module("platematte_nuke.frames").format_frames(frames)
    assert parse_as_the_engine(formatted) == frames


@pytest.mark.parametrize("text", ["", "a", "1-", "1:5", "1-5x0", "1,,2", "1.5", "1-99999999"])
def test_what_is_no_range_is_refused_with_an_example(plugin: Any, text: str) -> None:
    with pytest.raises(plugin.PlateMatteError, match="1001-1100"):
        plugin.parse_frames(text)


def test_versions_count_on_from_the_highest(plugin: Any, tmp_path: Path) -> None:
    versions = importlib.import_module("platematte_nuke.versions")
    for name in ("v001", "v007", "v1", "vx", "notes"):
        (tmp_path / name).mkdir()
    assert versions.make_version(tmp_path) == (8, tmp_path / "v008")


def test_two_that_ask_at_once_never_get_the_same_version(plugin: Any, tmp_path: Path) -> None:
    versions = importlib.import_module("platematte_nuke.versions")
    found: list[int] = []
    threads = [
        threading.Thread(
            target=lambda: found.extend(versions.make_version(tmp_path)[0] for _ in range(20))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(1, 81))


def test_a_cache_folder_that_cannot_be_made_is_told_with_its_path(
    plugin: Any, tmp_path: Path
) -> None:
    versions = importlib.import_module("platematte_nuke.versions")
    (tmp_path / "file").write_text("")
    with pytest.raises(plugin.PlateMatteError, match="Choose another cache folder") as caught:
        versions.make_version(tmp_path / "file" / "cache")
    assert str(tmp_path / "file") in str(caught.value)
