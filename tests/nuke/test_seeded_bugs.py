"""Every mistake of `mistakes.py` fails a test of the plug-in; the output names mistake and test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numpy")
pytest.importorskip("OpenImageIO")
pytest.importorskip("tkinter", reason="this Python has no Tcl (Debian: python3-tk)")

from mistakes import MISTAKES
from planting import Mistake, NotPlanted
from seeded_bugs import FIELD

pytestmark = pytest.mark.slow

_PROBE = """
from pathlib import Path
import comp
import platematte_client.versions

def test_what_is_imported_is_the_copys():
    assert Path(platematte_client.versions.__file__).parents[2] == Path({copy!r})
    assert comp.REPOSITORY == Path({copy!r})
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the plug-in and its tests."""
    return FIELD.make_copy(tmp_path_factory.mktemp("seeded") / "repository")


@pytest.fixture(scope="module")
def broken(copy: Path) -> list[str]:
    """Tests that fail without any mistake: another one must catch it."""
    return FIELD.failures(copy, FIELD.all_tests())


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.name)
def test_a_mistake_is_caught(
    mistake: Mistake, copy: Path, broken: list[str], record_property: Callable[[str, Any], None]
) -> None:
    catcher, _ = FIELD.catch(mistake, copy, broken)
    # conftest.py prints the list under the tests, whatever pytest captures.
    record_property("seeded bug", f"{mistake.name}: {catcher or 'NOT CAUGHT'}")
    assert catcher


def test_a_text_that_is_not_there_is_told(copy: Path) -> None:
    lost = Mistake("lost", (), (("nuke_plugin/init.py", "no such text", ""),))
    with pytest.raises(NotPlanted, match="holds 0 times"):
        FIELD.plant(lost, copy)


def test_no_mistake_is_planted_in_the_repository_itself(copy: Path) -> None:
    for mistake in MISTAKES:
        for name, _, _ in mistake.edits:
            assert (copy / name).resolve().is_relative_to(copy.resolve())
    strays = Mistake("strays", (), (("core/platematte/__init__.py", "__version__", ""),))
    with pytest.raises(NotPlanted, match="not in the copy"):
        FIELD.plant(strays, copy)


def test_the_copys_tests_and_their_engine_import_the_copys_own_client(copy: Path) -> None:
    probe = copy / "tests/nuke/test_probe.py"
    probe.write_text(_PROBE.format(copy=str(copy)), encoding="utf-8")
    try:
        assert FIELD.failures(copy, [probe.name]) == []
    finally:
        probe.unlink()


def test_a_copy_without_a_mistake_passes_so_that_a_catch_means_something(copy: Path) -> None:
    assert FIELD.failures(copy, ["test_gizmo_text.py"]) == []
