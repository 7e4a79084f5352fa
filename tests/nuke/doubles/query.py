"""What a node tells of its image: format, box, channels, range, pixels, metadata, hash."""

# ruff: noqa: N802

from __future__ import annotations

import hashlib
from typing import Any

from doubles.formats import Format, default_format
from doubles.session import current


class BBox:
    """What node.bbox() returns."""

    def __init__(self, x: int, y: int, r: int, t: int) -> None:
        self._box = (x, y, r, t)

    def x(self) -> int:
        return self._box[0]

    def y(self) -> int:
        return self._box[1]

    def w(self) -> int:
        return self._box[2] - self._box[0]

    def h(self) -> int:
        return self._box[3] - self._box[1]


class FrameRange:
    """nuke.FrameRange: first, last and step."""

    def __init__(self, *args: Any) -> None:
        if len(args) == 1 and isinstance(args[0], str):
            args = _parse_range(args[0])
        values = [int(value) for value in args] or [0, 0]
        self._first = values[0]
        self._last = values[1] if len(values) > 1 else values[0]
        self._step = values[2] if len(values) > 2 else 1

    def first(self) -> int:
        return self._first

    def last(self) -> int:
        return self._last

    def increment(self) -> int:
        return self._step

    def frames(self) -> int:
        return (self._last - self._first) // self._step + 1

    def __iter__(self) -> Any:
        return iter(range(self._first, self._last + 1, self._step))

    def __str__(self) -> str:
        if self._first == self._last:
            return str(self._first)
        text = f"{self._first}-{self._last}"
        return text if self._step == 1 else f"{text}x{self._step}"


def _parse_range(text: str) -> tuple[Any, ...]:
    import re

    match = re.match(r"^(-?\d+)(?:-(-?\d+)(?:x(\d+))?)?$", text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no range of frames")
    first, last, step = match.groups()
    return first, last or first, step or 1


class FrameRanges:
    """nuke.FrameRanges: several of them."""

    def __init__(self, text: Any = "") -> None:
        words = text if isinstance(text, (list, tuple)) else str(text).replace(",", " ").split()
        self._ranges = [w if isinstance(w, FrameRange) else FrameRange(w) for w in words]

    def toFrameList(self) -> list[int]:
        return [frame for part in self._ranges for frame in part]

    def __iter__(self) -> Any:
        return iter(self._ranges)

    def __str__(self) -> str:
        return " ".join(str(part) for part in self._ranges)


class NukeError(Exception):
    """An error that Nuke would show on the node; what the double does not know is none."""


def _pull(node: Any, frame: float | None = None) -> Any:
    from doubles.render import pull

    try:
        return pull(node, current().now if frame is None else int(frame))
    except NotImplementedError:
        # It is a RuntimeError to Python, and must not pass for an error of the graph.
        raise
    except RuntimeError as error:
        raise NukeError(str(error)) from error


def format_of(node: Any) -> Format:
    """Format of the image; root's where there is none, as Nuke says it."""
    try:
        return _pull(node).format  # type: ignore[no-any-return]
    except NukeError:
        return default_format()


def bbox_of(node: Any) -> BBox:
    """Bounding box of the image."""
    try:
        return BBox(*_pull(node).box)
    except NukeError as error:
        raise RuntimeError(str(error)) from error


def channels_of(node: Any) -> list[str]:
    """Names of the channels; none where the node has an error."""
    try:
        return list(_pull(node).planes)
    except NukeError:
        return []


def sample(node: Any, channel: str, x: float, y: float, frame: float | None) -> float:
    """The pixel that x, y lies in; 0 outside the box."""
    from doubles.channels import channels_of as names_of
    from doubles.image import Box

    name = "rgba.alpha" if channel == "alpha" else names_of(channel)[0]
    at = Box(int(x // 1), int(y // 1), int(x // 1) + 1, int(y // 1) + 1)
    try:
        return float(_pull(node, frame).plane(name, at)[0, 0])
    except NukeError as error:
        raise RuntimeError(str(error)) from error


def has_error(node: Any) -> bool:
    """Whether the node cannot be pulled at the current frame."""
    try:
        _pull(node)
    except NukeError:
        return True
    return False


def frame_range(node: Any) -> FrameRange:
    """Range that the graph reports for a node: that of its inputs, moved and replaced."""
    root = current().root
    span = _span(node)
    return FrameRange(*(span or (root.firstFrame(), root.lastFrame())))


def _span(node: Any) -> tuple[int, int] | None:
    if node is None:
        return None
    if node._class in ("Read", "Constant"):
        return int(node["first"].value()), int(node["last"].value())
    if node._class == "FrameRange":
        return int(node["first_frame"].value()), int(node["last_frame"].value())
    if node._class == "Input":
        number = int(node["number"].value())
        inputs = node._parent._inputs
        return _span(inputs[number]) if number < len(inputs) else None
    if node._class == "Group":
        return _span(node.output())
    spans = [span for span in (_span(source) for source in node._inputs) if span]
    if not spans:
        return None
    first, last = min(s[0] for s in spans), max(s[1] for s in spans)
    if node._class == "FrameHold":
        held = int(node["firstFrame"].value())
        return held, held
    if node._class == "TimeOffset":
        offset = int(node["time_offset"].value())
        return first + offset, last + offset
    return first, last


def metadata(node: Any, key: str | None, time: float | None) -> Any:
    """Metadata of the image at a frame; one value, or None, where a key is given."""
    try:
        found = _pull(node, time).metadata
    except NukeError:
        found = {}
    return found if key is None else found.get(key)


# What stands on a node for people and changes no pixel.
_SILENT = {
    "name", "xpos", "ypos", "selected", "label", "tile_color", "note_font", "note_font_size",
    "note_font_color", "help", "icon", "knobChanged", "onCreate", "onDestroy", "updateUI",
    "autolabel", "postage_stamp", "hide_input", "bookmark", "dope_sheet", "gl_color", "cached",
    "indicators",
}  # fmt: skip


def op_hash(node: Any) -> int:
    """A number that changes when the pixels of a node may have changed."""
    digest = hashlib.sha1(_state(node, set()).encode("utf-8")).hexdigest()
    return int(digest[:15], 16)


def _state(node: Any, seen: set[int]) -> str:
    if node is None or id(node) in seen:
        return "-"
    words = [node._class]
    for name, knob in node._knobs.items():
        # The user's own knobs reach pixels by expressions alone.
        if name in _SILENT or knob._is_user or not hasattr(knob, "_save"):
            continue
        value = knob.value() if hasattr(knob, "value") else ""
        words.append(f"{name}={value}")
    if node._class == "Group":
        words.append(_state(node.output(), seen | {id(node)}))
    inputs = node._inputs
    if node._class == "Input":
        number = int(node["number"].value())
        inputs = node._parent._inputs[number : number + 1]
    words += [_state(source, seen) for source in inputs]
    return "({})".format(" ".join(words))
