"""The mistakes that `make test-blender-mistakes` plants in the add-on fit its code."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from addon_mistakes import MISTAKES, MISTAKES_5
from planting import REPOSITORY, Field, Mistake, NotPlanted

ALL = [*MISTAKES, *MISTAKES_5]
FIELD = Field(ALL, harmed=("blender_addon",), tests="tests/blender", python=sys.executable)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the add-on and its tests."""
    return FIELD.make_copy(tmp_path_factory.mktemp("seeded") / "repository")


@pytest.mark.parametrize("mistake", ALL, ids=lambda mistake: mistake.name)
def test_a_mistake_can_be_planted_and_leaves_code_that_python_reads(
    mistake: Mistake, copy: Path
) -> None:
    FIELD.plant(mistake, copy)
    try:
        for name in {name for name, _, _ in mistake.edits}:
            assert (copy / name).read_bytes() != (REPOSITORY / name).read_bytes()
            compile((copy / name).read_text(encoding="utf-8"), name, "exec")
    finally:
        FIELD.restore(copy)


@pytest.mark.parametrize("mistake", ALL, ids=lambda mistake: mistake.name)
def test_the_tests_that_are_to_catch_a_mistake_are_there(mistake: Mistake) -> None:
    assert mistake.tests
    for name in mistake.tests:
        assert (REPOSITORY / FIELD.tests / name).is_file()


def test_a_text_that_is_not_there_is_told(copy: Path) -> None:
    lost = Mistake("lost", (), (("blender_addon/__init__.py", "no such text", ""),))
    with pytest.raises(NotPlanted, match="holds 0 times"):
        FIELD.plant(lost, copy)
