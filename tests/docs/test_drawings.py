"""The drawings of the Nuke node in docs/ are those of today's node."""

from __future__ import annotations

import runpy
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("tkinter", reason="this Python has no Tcl (Debian: python3-tk)")

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def drawn() -> dict[str, str]:
    pictures: dict[str, str] = runpy.run_path(str(DOCS / "draw_nuke_node.py"))["draw_all"]()
    return pictures


def test_the_drawings_are_of_the_node_as_it_is_now(drawn: dict[str, str]) -> None:
    for name, text in drawn.items():
        old = (DOCS / name).read_text(encoding="utf-8")
        assert old == text, f"{name}: run python docs/draw_nuke_node.py"


def test_each_drawing_says_that_it_is_no_screenshot_and_is_in_a_guide(
    drawn: dict[str, str],
) -> None:
    guides = [*DOCS.glob("*.md"), DOCS.parent / "nuke_plugin" / "README.md"]
    pages = "".join(path.read_text(encoding="utf-8") for path in guides)
    for name, text in drawn.items():
        words = " ".join(ElementTree.fromstring(text).itertext())
        assert "not a screenshot of Nuke" in words
        assert f"{name})" in pages


def test_nothing_is_drawn_over_the_edge(drawn: dict[str, str]) -> None:
    for name, text in drawn.items():
        picture = ElementTree.fromstring(text)
        width, height = float(picture.attrib["width"]), float(picture.attrib["height"])
        for box in picture.iter("{http://www.w3.org/2000/svg}rect"):
            x, y = float(box.attrib.get("x", 0)), float(box.attrib.get("y", 0))
            right, low = x + float(box.attrib["width"]), y + float(box.attrib["height"])
            assert min(x, y) >= 0, name
            assert right <= width, name
            assert low <= height, name
