"""The tests of the add-on hold in every Blender that it is for, each in a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import environments
import pytest
import running

pytestmark = [pytest.mark.slow, pytest.mark.blender]


@pytest.mark.timeout(running.LIMIT_S + 2 * running.EXIT_LIMIT_S)
@pytest.mark.parametrize("series", environments.RELEASES)
def test_the_add_on_holds_in_a_blender(
    series: str,
    find_blender: Callable[[str], str],
    engine: Path,
    tmp_path: Path,
    record_property: Callable[[str, Any], None],
) -> None:
    try:
        python = find_blender(series)
    except pytest.skip.Exception as reason:
        # conftest.py lists what ran and what did not, whatever pytest captures.
        record_property("Blender", f"{series}: not run, {str(reason).partition(': ')[2]}")
        raise
    outcome = running.run_tests(python, engine, tmp_path)
    release = environments.RELEASES[series]
    record_property("Blender", f"{series} (bpy {release.bpy}): {outcome}")
    assert not outcome.problem, f"Blender {series}: {outcome}\n{outcome.output}"
