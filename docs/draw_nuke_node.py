"""Draws the Nuke node for the guides, from the text of PlateMatte.gizmo. There is no Nuke in it.

    python docs/draw_nuke_node.py        writes docs/nuke_node.svg, nuke_comp.svg, nuke_inside.svg

Needs Python with tkinter (Debian: python3-tk) and nothing else. A test draws again and compares, so
that the pictures cannot fall behind the node.
"""

from __future__ import annotations

import sys
import tkinter
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "nuke"))

from tcl.loader import TextNode, load

DOCS = Path(__file__).resolve().parent
GIZMO = DOCS.parent / "nuke_plugin" / "gizmos" / "PlateMatte.gizmo"
FONT = "Verdana, 'DejaVu Sans', sans-serif"
CAPTION = (
    "Drawn from the text of PlateMatte.gizmo by docs/draw_nuke_node.py; not a screenshot of Nuke."
)
STRING, FILE, INT, CHOICE, TICK, TAB, BUTTON, WORDS = 1, 2, 3, 4, 6, 20, 22, 26
LEFT, ROW, WIDTH = 150, 30, 760
"""Pixels: where knobs begin, height of a row, width of the panel."""
FIELDS = {"status": 590, "frames": 220, "cache_dir": 480, "engine": 480, "plate_space": 300}
"""Pixels: widths of text fields; others take 70, or 480 for a text."""
TILES = {"Read": "#8c8c66", "Merge2": "#4b5ca8", "Write": "#9a8640", "Shuffle2": "#8d5a8d"}


@dataclass
class Knob:
    """A knob as `addUserKnob` has it."""

    kind: int
    name: str
    label: str
    text: str
    choices: list[str]
    starts_line: bool
    is_seen: bool
    value: str


@dataclass
class Drawing:
    """An SVG under way; x and y are pixels from the upper left corner."""

    width: int
    parts: list[str] = field(default_factory=list)

    def box(self, x: float, y: float, width: float, height: float, fill: str, **more: str) -> None:
        """Add a rectangle with round corners."""
        extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
        self.parts.append(
            f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="3" '
            f'fill="{fill}"{extra}/>'
        )

    def text(self, x: float, y: float, words: str, fill: str = "#d6d6d6", **more: str) -> None:
        """Add a line of text; y is its foot."""
        extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
        self.parts.append(f'<text x="{x:g}" y="{y:g}" fill="{fill}"{extra}>{escape(words)}</text>')

    def line(self, points: list[tuple[float, float]], stroke: str, **more: str) -> None:
        """Add a line through points."""
        extra = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in more.items())
        path = " ".join(f"{x:g},{y:g}" for x, y in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{stroke}"{extra}/>')

    def arrow(self, start: tuple[float, float], end: tuple[float, float], words: str = "") -> None:
        """Add an arrow as Nuke's: from a node's input up to what it reads, the head there."""
        self.line([start, end], "#0d0d0d", stroke_width="1.6", marker_end="url(#head)")
        if words:
            x, y = start[0] + (end[0] - start[0]) * 0.42, start[1] + (end[1] - start[1]) * 0.42
            self.text(x + 6, y + 3, words, "#f0f0f0", font_size="11")

    def finish(self, height: int, background: str) -> str:
        """Return the file's text."""
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{height}" '
            f'viewBox="0 0 {self.width} {height}" font-family="{FONT}" font-size="12">'
        )
        marker = (
            '<defs><marker id="head" markerWidth="9" markerHeight="8" refX="8" refY="4" '
            'orient="auto" markerUnits="userSpaceOnUse">'
            '<path d="M0,0 L9,4 L0,8 z" fill="#0d0d0d"/></marker></defs>'
        )
        ground = f'<rect width="{self.width}" height="{height}" fill="{background}"/>'
        return "\n".join([head, marker, ground, *self.parts, "</svg>"]) + "\n"


def read_knobs(group: TextNode) -> list[Knob]:
    """Return the user knobs of a group in their order, with the values of the text."""
    split = tkinter.Tcl().splitlist
    knobs = []
    for words in (split(word) for name, word in group.knobs if name == "addUserKnob"):
        rest = list(words[2:])
        options = {
            rest[i]: rest[i + 1] for i in range(len(rest) - 1) if rest[i] in ("l", "t", "T", "M")
        }
        knobs.append(
            Knob(
                kind=int(words[0]),
                name=words[1],
                label=options.get("l", words[1]),
                text=options.get("T", ""),
                choices=[choice for choice in split(options.get("M", "")) if choice],
                starts_line="-STARTLINE" not in rest,
                is_seen="+INVISIBLE" not in rest,
                value=group.word(words[1]) or "",
            )
        )
    return knobs


def draw_panel(group: TextNode) -> str:
    """Return the properties panel: the first tab, and the second one under it."""
    knobs = read_knobs(group)
    tabs = [knob for knob in knobs if knob.kind == TAB]
    drawing = Drawing(WIDTH)
    y = 16
    for tab in tabs[:2]:
        y = _draw_tab(drawing, group, tabs, tab, _knobs_of(knobs, tab), y) + 18
    drawing.text(16, y + 4, CAPTION, "#9a9a9a", font_size="11")
    return drawing.finish(y + 20, "#1e1e1e")


def _knobs_of(knobs: list[Knob], tab: Knob) -> list[Knob]:
    start = knobs.index(tab) + 1
    after = [i for i in range(start, len(knobs)) if knobs[i].kind == TAB]
    return [knob for knob in knobs[start : after[0] if after else None] if knob.is_seen]


def _draw_tab(
    drawing: Drawing, group: TextNode, tabs: list[Knob], open_tab: Knob, knobs: list[Knob], y: int
) -> int:
    """Draw a panel with one tab open and return where it ends."""
    rows: list[list[Knob]] = []
    for knob in knobs:
        if knob.starts_line or not rows:
            rows.append([])
        rows[-1].append(knob)
    height = 62 + sum(_height(row) for row in rows) + 10
    drawing.box(10, y, WIDTH - 20, height, "#323232", stroke="#141414")
    drawing.box(10, y, WIDTH - 20, 26, "#3f3f3f")
    drawing.box(20, y + 7, 12, 12, _tile(group))
    drawing.text(40, y + 18, f"{group.name}1", "#ffffff", font_weight="bold")
    x = 20
    for tab in tabs:
        width = 26 + 8 * len(tab.label)
        drawing.box(x, y + 32, width, 24, "#484848" if tab is open_tab else "#2a2a2a")
        drawing.text(x + 13, y + 48, tab.label, "#ffffff" if tab is open_tab else "#9a9a9a")
        x += width + 3
    y += 66
    for row in rows:
        _draw_row(drawing, row, y)
        y += _height(row)
    return y


def _height(row: list[Knob]) -> int:
    return 14 if _is_divider(row[0]) else ROW


def _is_divider(knob: Knob) -> bool:
    return knob.kind == WORDS and not knob.label and not knob.text


def _draw_row(drawing: Drawing, row: list[Knob], y: int) -> None:
    if _is_divider(row[0]):
        drawing.line([(24, y + 6), (WIDTH - 24, y + 6)], "#1f1f1f")
        return
    x: float = LEFT
    for index, knob in enumerate(row):
        # Nuke puts the label of a line's first knob left of the column; that of a tick follows it.
        if knob.kind not in (BUTTON, TICK) and knob.label:
            if index == 0:
                drawing.text(LEFT - 10, y + 17, knob.label, text_anchor="end")
            else:
                drawing.text(x, y + 17, knob.label)
                x += 8 * len(knob.label) + 6
        end = _draw_knob(drawing, knob, x, y)
        x = end + 12 if end > x else x


def _draw_knob(drawing: Drawing, knob: Knob, x: float, y: float) -> float:
    """Draw what is right of the label and return where it ends."""
    if knob.kind == BUTTON:
        width = 24 + 7.4 * len(knob.label)
        drawing.box(x, y + 2, width, 22, "#5a5a5a", stroke="#242424")
        drawing.text(x + width / 2, y + 17, knob.label, "#ffffff", text_anchor="middle")
        return x + width
    if knob.kind == TICK:
        drawing.box(x, y + 6, 13, 13, "#1c1c1c", stroke="#6a6a6a")
        if knob.value == "true":
            points = [(x + 3, y + 12.5), (x + 5.5, y + 16), (x + 10.5, y + 8.5)]
            drawing.line(points, "#f0a030", stroke_width="2")
        drawing.text(x + 20, y + 17, knob.label)
        return x + 26 + 7.4 * len(knob.label)
    if knob.kind == CHOICE:
        width = 40 + 7.6 * max(len(choice) for choice in knob.choices)
        drawing.box(x, y + 2, width, 22, "#484848", stroke="#242424")
        drawing.text(x + 9, y + 17, knob.value or knob.choices[0])
        drawing.line([(x + width - 17, y + 11), (x + width - 12, y + 16), (x + width - 7, y + 11)],
                     "#d6d6d6", stroke_width="1.6")  # fmt: skip
        return x + width
    if knob.kind in (STRING, FILE, INT):
        width = FIELDS.get(knob.name, 70 if knob.kind == INT else 480)
        drawing.box(x, y + 2, width, 22, "#1c1c1c", stroke="#4a4a4a")
        drawing.text(x + 7, y + 17, knob.value, "#b8b8b8" if knob.name == "status" else "#d6d6d6",
                     font_size="11")  # fmt: skip
        return x + width
    return x


def draw_comp(group: TextNode) -> str:
    """Return a comp with the node in it; its arrows are named as the group's inputs are."""
    inputs = _inputs(group)
    drawing = Drawing(760)
    centre, node_y = 380, 190
    places = {"plate": 210, "clean": 350, "garbage": 520, "core": 650}
    titles = {"plate": "plate.####.exr", "clean": "clean.exr"}
    for index, name in enumerate(inputs):
        x = places[name]
        kind = "Read" if name in titles else "RotoPaint"
        drawing.arrow((centre - 36 + 24 * index, node_y), (x, 84), name)
        fill = TILES.get(kind, "#4f6b4f")
        _draw_tile(drawing, x, 56, kind, titles.get(name, "optional"), fill)
    drawing.arrow((centre, 306), (centre, node_y + 28), "A")
    drawing.arrow((centre - 42, 318), (130, 318 - 14), "B")
    drawing.arrow((centre, 394), (centre, 332))
    _draw_tile(drawing, 90, 290, "Read", "background", TILES["Read"])
    _draw_tile(drawing, centre, node_y, f"{group.name}1", "Output: premultiplied", _tile(group))
    _draw_tile(drawing, centre, 304, "Merge", "over", TILES["Merge2"])
    _draw_tile(drawing, centre, 394, "Write", "", TILES["Write"])
    notes = ("Premultiplied foreground and alpha:", "no Premult, straight into A of a Merge over.")
    for index, words in enumerate(notes):
        drawing.text(470, 250 + 17 * index, words, "#f0f0f0", font_size="11")
    drawing.text(16, 452, CAPTION, "#c0c0c0", font_size="11")
    return drawing.finish(466, "#3b3b3b")


def draw_inside(group: TextNode) -> str:
    """Return the inside of the group, at the places that the text has for its nodes."""
    places = {id(node): _place(node) for node in group.children}
    drawing = Drawing(1480)
    for node in group.children:
        x, y = places[id(node)]
        sources = [source for source in node.inputs if isinstance(source, TextNode)]
        for index, source in enumerate(sources):
            end_x, end_y = places[id(source)]
            start = x + 14 * (index - (len(sources) - 1) / 2)
            drawing.arrow((start, y), (end_x, end_y + 28))
    for node in group.children:
        x, y = places[id(node)]
        fill = "#5f5f5f" if node.class_name in ("Input", "Output") else "#75618a"
        _draw_tile(drawing, x, y, node.name or node.class_name, node.class_name,
                   TILES.get(node.class_name, fill))  # fmt: skip
    drawing.text(16, 806, CAPTION, "#c0c0c0", font_size="11")
    return drawing.finish(820, "#3b3b3b")


def _place(node: TextNode) -> tuple[float, float]:
    # Wider than Nuke has it, so that long names have room.
    return int(node.word("xpos") or 0) * 1.1 + 910.0, int(node.word("ypos") or 0) + 430.0


def _inputs(group: TextNode) -> list[str]:
    """Return the names of the inputs in the order of the arrows."""
    found = [node for node in group.children if node.class_name == "Input"]
    return [
        str(node.name) for node in sorted(found, key=lambda node: int(node.word("number") or 0))
    ]


def _tile(group: TextNode) -> str:
    return "#" + str(group.word("tile_color")).replace("0x", "")[:6]


def _draw_tile(drawing: Drawing, x: float, y: float, name: str, label: str, fill: str) -> None:
    """Draw a node as Nuke's graph has it; x is its middle, y its upper edge."""
    width = max(84.0, 6.9 * max(len(name), 0.85 * len(label)) + 16)
    height = 28 if label else 22
    drawing.box(x - width / 2, y, width, height, fill, stroke="#1a1a1a")
    foot = y + 12 if label else y + 15
    drawing.text(x, foot, name, "#ffffff", text_anchor="middle", font_size="11")
    if label:
        drawing.text(x, y + 24, label, "#e4e4e4", text_anchor="middle", font_size="9.5")


def draw_all() -> dict[str, str]:
    """Return the pictures by the names of their files in docs/."""
    (group,) = load(GIZMO.read_text(encoding="utf-8")).nodes
    return {
        "nuke_node.svg": draw_panel(group),
        "nuke_comp.svg": draw_comp(group),
        "nuke_inside.svg": draw_inside(group),
    }


if __name__ == "__main__":
    for _name, _text in draw_all().items():
        (DOCS / _name).write_text(_text, encoding="utf-8")
        print(DOCS / _name)
