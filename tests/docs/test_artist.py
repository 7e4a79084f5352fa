"""docs/artist.md says what the node says, in the same words."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
GUIDE = (REPOSITORY / "docs" / "artist.md").read_text(encoding="utf-8")
PLUGIN = REPOSITORY / "nuke_plugin"
GIZMO = (PLUGIN / "gizmos" / "PlateMatte.gizmo").read_text(encoding="utf-8")
SOURCE = "".join(path.read_text(encoding="utf-8") for path in PLUGIN.rglob("*.py"))


ADDON = REPOSITORY / "blender_addon"
ADDON_SOURCE = "".join(path.read_text(encoding="utf-8") for path in ADDON.rglob("*.py"))


def _told(heading: str) -> list[str]:
    """Return what a table quotes, a cell each."""
    table = GUIDE.partition(heading)[2].partition("\n\n")[0]
    return re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)


@pytest.mark.parametrize("told", _told("| the status line says |"))
def test_the_status_line_says_what_the_guide_quotes(told: str) -> None:
    # What depends on the matte: versions, numbers, names of knobs and layers.
    parts = re.split(
        r"v\d+|\d[\d-]*|premultiplied|plate, match|clean(?=,)|\.\.\."
        r"|(?<=last run: )|(?<=cancelled\.) ",
        told,
    )
    words = [part.strip(" ,;.") for part in parts if len(part.strip(" ,;.")) > 3]
    assert words
    for word in words:
        assert word in SOURCE, f"{word!r} is in no text of the plug-in"


def test_the_buttons_and_knobs_that_the_guide_names_are_on_the_node() -> None:
    section = GUIDE.partition("## Nuke")[2].partition("\n## ")[0]
    named = {"Matte this frame", "Matte range", "Troubleshoot", "Layers to write", "Working space"}
    for label in (*named, "More settings", "Clean plate", "Version", "Output", "Engine"):
        assert label in section or label in GUIDE
        assert f'l "{label}"' in GIZMO


@pytest.mark.parametrize("told", _told("| the node says |"))
def test_the_blender_node_says_what_the_guide_quotes(told: str) -> None:
    # What depends on the matte: versions, numbers, names of inputs and layers.
    parts = re.split(r"v\d+|\d[\d-]*|plate, match|Confidence|\.\.\.", told)
    words = [part.strip(" ,;.") for part in parts if len(part.strip(" ,;.")) > 3]
    assert words
    for word in words:
        # A text may begin in one literal and go on in another.
        assert all(part in ADDON_SOURCE for part in word.split(": ")), f"{word!r} is in no text"


def test_the_buttons_that_the_guide_names_are_in_the_add_on() -> None:
    section = GUIDE.partition("\n## Blender\n")[2].partition("\n## ")[0]
    for label in (
        *("Check", "Engine", "Matte Frame", "Matte Range", "Convert to Group"),
        *("New Comp from Plate and Clean Plate", "Clear Old Versions", "Garbage Matte"),
        *("Core Matte", "Clean Plate", "Foreground"),
    ):
        assert f"**{label}**" in section, label
        assert f'"{label}"' in ADDON_SOURCE, label
