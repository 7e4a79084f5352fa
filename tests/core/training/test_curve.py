"""The log of a training can be looked at."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from platematte.training.curve import draw_curve


def test_a_falling_error_is_a_falling_line(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    records = [{"samples": 100 * i, "mad": 80.0 / i, "loss_total": 0.5 / i} for i in (1, 2, 4)]
    log.write_text("".join(json.dumps(record) + "\n" for record in records))
    draw_curve(log, tmp_path / "curve.svg")
    root = ElementTree.parse(tmp_path / "curve.svg").getroot()
    lines = [node for node in root.iter() if node.tag.endswith("polyline")]
    assert len(lines) == 2
    for line in lines:
        points = [tuple(map(float, point.split(","))) for point in line.attrib["points"].split()]
        assert len(points) == 3
        # y grows downwards in SVG: a smaller error lies lower.
        assert points[0][1] < points[1][1] < points[2][1]
        assert points[0][0] < points[1][0] < points[2][0]
