"""The table of node classes (classes.json) as knobs: a class that is not in it does not exist."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from doubles import buttons, choices, knobs, text, values

TABLE_PATH = Path(__file__).resolve().parents[1] / "classes.json"
TABLE: dict[str, Any] = json.loads(TABLE_PATH.read_text(encoding="utf-8"))

_MAKERS: dict[str, Any] = {
    name: found
    for module in (buttons, choices, knobs, values)
    for name, found in vars(module).items()
    if isinstance(found, type) and issubclass(found, knobs.Knob)
}
_MAKERS["Font_Knob"] = knobs.String_Knob
_MAKERS["ColorChip_Knob"] = values.Array_Knob
_MAKERS["MultiView_Knob"] = knobs.String_Knob

USER_KNOBS: dict[int, Any] = {maker.user_id: maker for maker in _MAKERS.values() if maker.user_id}
USER_KNOBS[8] = values.Double_Knob
USER_KNOBS[16] = values.Double_Knob


class ShuffleLinks(knobs.Knob):
    """Shuffle2's mappings: [(in layer, source channel, target channel)]."""

    def __init__(self, name: str, label: str | None = None) -> None:
        super().__init__(name, label)
        self._links: list[tuple[int, str, str]] | None = None

    def value(self) -> list[tuple[int, str, str]]:
        self._check("value")
        return list(self._links or [])

    def setValue(self, links: list[tuple[int, str, str]]) -> bool:  # noqa: N802
        self._check("setValue")
        for index, source, target in links:
            for channel in (source, target):
                if channel not in ("black", "white"):
                    choices.check_channels(self._name, channel)
            if not isinstance(index, int):
                raise TypeError("a mapping begins with the number of an input")
        self._links = [tuple(link) for link in links]  # type: ignore[misc]
        self._changed()
        return True

    def _save(self) -> str:
        links = self._links or []
        words = [str(len(links))]
        for index, source, target in links:
            constant = source in ("black", "white")
            words += [source, *(["-1", "-1"] if constant else [str(index), _place(source)])]
            words += [target, "0", _place(target)]
        return " ".join(words)

    def _load(self, script: str) -> None:
        words = script.split()
        count = int(words[0])
        if len(words) != 1 + 6 * count:
            raise ValueError(f"mappings: {count} of them need {1 + 6 * count} words")
        links = []
        for i in range(1, len(words), 6):
            source, index, _, target, out, _ = words[i : i + 6]
            if out != "0":
                raise NotImplementedError("the double knows the first output layer only")
            links.append((max(int(index), 0), source, target))
        self.setValue(links)

    def _is_set(self) -> bool:
        return self._links is not None


def _place(channel: str) -> str:
    order = {"red": 0, "green": 1, "blue": 2, "alpha": 3}
    return str(order.get(channel.rpartition(".")[2], 0))


_MAKERS["ShuffleLinks"] = ShuffleLinks


def describe(class_name: str) -> dict[str, Any]:
    """Return a class's entry. Raises RuntimeError as Nuke does for a class that is not there."""
    if class_name not in TABLE["classes"]:
        raise RuntimeError(f"{class_name}: Unknown command")
    return TABLE["classes"][class_name]  # type: ignore[no-any-return]


def make_knobs(class_name: str) -> dict[str, knobs.Knob]:
    """Return the knobs of a new node, by name and in the order of the table."""
    entries = dict(TABLE["every_node"]["knobs"])
    entries.update(describe(class_name)["knobs"])
    return {name: _make(name, entry) for name, entry in entries.items()}


def make_exr_knobs() -> dict[str, knobs.Knob]:
    """Return the knobs that a Write has once its file type is exr."""
    entries = describe("Write")["exr_knobs"]["knobs"]
    return {name: _make(name, entry) for name, entry in entries.items()}


def _make(name: str, entry: dict[str, Any]) -> knobs.Knob:
    maker = _MAKERS.get(entry["type"], knobs.String_Knob)
    knob: knobs.Knob
    if issubclass(maker, choices.Enumeration_Knob):
        knob = maker(name, None, entry["items"])
        knob._index = knob._default = knob._find(  # type: ignore[attr-defined]
            entry["default"].split("\t")[0]
        )
    elif issubclass(maker, values.Array_Knob):
        default = entry.get("default", 0)
        if "size" in entry and not isinstance(default, list):
            default = [default] * entry["size"]
        knob = maker(name, None, default)
    elif issubclass(maker, knobs.String_Knob):
        default = entry.get("default", "")
        knob = maker(name, None, default if isinstance(default, str) else "")
    else:
        knob = maker(name)
    if entry.get("hidden"):
        knob._flags |= knobs.INVISIBLE
    return knob


def user_knob(words: list[Any]) -> knobs.Knob:
    """Return the knob of an addUserKnob: its words, split already.

    Raises ValueError for an ID that is not the number of a class that we use.
    """
    plain = [word.text for word in words]
    if not plain[0].isdigit() or int(plain[0]) not in USER_KNOBS:
        raise ValueError(f"addUserKnob {plain[0]}: no knob class that we use")
    knob: knobs.Knob = USER_KNOBS[int(plain[0])](plain[1])
    knob._is_user = True
    at = 2
    while at < len(plain):
        if plain[at][:1] in "+-" and plain[at][1:] in knobs.FLAGS:
            flag = knobs.FLAGS[plain[at][1:]]
            knob._flags = knob._flags | flag if plain[at][0] == "+" else knob._flags & ~flag
            at += 1
            continue
        _apply_option(knob, plain[at], plain, at)
        at += 3 if plain[at] == "R" else 2
    return knob


def _apply_option(knob: knobs.Knob, key: str, plain: list[str], at: int) -> None:
    value = plain[at + 1]
    if key == "l":
        knob._label = value
    elif key == "t":
        knob._tooltip = value
    elif key in ("T", "M", "n", "R", "N"):
        if key == "T" and isinstance(knob, buttons.Link_Knob):
            knob._target = value
        elif key == "T" and isinstance(knob, (knobs.String_Knob, buttons.Text_Knob)):
            knob._value = value
        elif key == "M" and isinstance(knob, choices.Enumeration_Knob):
            # Nuke's own files end the list with an empty pair.
            knob._items = [word.text for word in text.split(value) if word.text]
        elif key == "R" and isinstance(knob, values.Array_Knob):
            knob._range = (float(value), float(plain[at + 2]))
        elif key == "n" and isinstance(knob, buttons.Tab_Knob):
            knob._kind = int(value)
    else:
        raise ValueError(f"addUserKnob: {plain[1]} has an unknown option {key!r}")
