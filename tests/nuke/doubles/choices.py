"""Knobs that hold a choice: an item, a channel or a layer, a format."""

# Names of methods and of classes are Nuke's.
# ruff: noqa: N801, N802

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from doubles import text
from doubles.formats import Format, default_format, find_format, parse_format
from doubles.knobs import Knob, String_Knob
from doubles.values import braced, expression_word


class Enumeration_Knob(Knob):
    """A choice of words. An item may be "name<tab>label"; the name is its value."""

    user_id = 4

    def __init__(self, name: str, label: str | None = None, items: Sequence[str] = ()) -> None:
        super().__init__(name, label)
        self._items = list(items)
        self._index = self._default = 0

    def _names(self) -> list[str]:
        return [item.split("\t")[0] for item in self._items]

    def _at(self) -> int:
        if 0 not in self._expressions:
            return self._index
        from doubles import expressions

        index = int(expressions.evaluate(self._expressions[0], self._node))
        return min(max(index, 0), len(self._items) - 1)

    def value(self) -> str:
        self._check("value")
        return self._names()[self._at()] if self._items else "0"

    def getValue(self) -> float:
        """Return the number of the item, as Nuke does."""
        self._check("getValue")
        return float(self._at())

    def values(self) -> list[str]:
        self._check("values")
        return list(self._items)

    def numValues(self) -> int:
        return len(self._items)

    def setValues(self, items: Sequence[str]) -> None:
        self._check("setValues")
        self._items = list(items)
        self._index = min(self._index, max(len(items) - 1, 0))

    def setValue(self, item: str | int) -> bool:
        """Choose by name or number. Raises NameError for what is not there."""
        self._check("setValue")
        index = self._find(item)
        if self._expressions or index != self._index:
            self._expressions.clear()
            self._index = index
            self._changed()
        return True

    def _find(self, item: Any) -> int:
        if isinstance(item, bool) or not isinstance(item, (str, int, float)):
            raise TypeError(f"{self._name} takes an item, not {item!r}")
        if isinstance(item, str):
            if item not in self._names():
                message = "{} has no item {!r}; it has {}"
                raise NameError(message.format(self._name, item, self._names()))
            return self._names().index(item)
        if not 0 <= item < len(self._items):
            raise NameError(f"{self._name} has no item number {item}")
        return int(item)

    def _save(self) -> str:
        if 0 in self._expressions:
            return f"{{{expression_word(self._expressions[0])}}}"
        return self._names()[self._index] if self._items else ""

    def _script_word(self) -> str:
        return braced(self._save()) if self._expressions else text.quote(self._save())

    def _load(self, script: str) -> None:
        words = text.split(script)
        if len(words) == 1 and words[0].braced:
            self._expressions[0] = words[0].text.strip('"')
        elif words and words[0].braced:
            # Shuffle2's choice of an input: its number, then the names to choose from.
            self._items = [word.text for word in words[1:]]
            self._index = int(words[0].text)
        else:
            self._expressions.clear()
            names = self._names()
            self._index = self._find(script if script in names else _whole(script, names))

    def _is_set(self) -> bool:
        return bool(self._expressions) or self._index != self._default

    def _number(self, index: int = 0) -> int:
        return self._at()

    def _text(self) -> str:
        return self._names()[self._at()]


def _whole(script: str, names: list[str]) -> Any:
    """An item by its number, which old scripts hold; else the text, to be refused by name."""
    return int(script) if script.isdigit() and int(script) < len(names) else script


class Pulldown_Knob(Enumeration_Knob):
    user_id = 35


class ChannelMask_Knob(String_Knob):
    """A layer, or one or several channels. What nobody declared is refused."""

    user_id = 10

    def setValue(self, value: str, view: str = "default") -> bool:
        if isinstance(value, str):
            check_channels(self._name, value)
        return super().setValue(value, view)

    def _load(self, script: str) -> None:
        # {rgba.red rgba.green -rgba.blue rgba.alpha}: a minus is a box that is not ticked.
        kept = " ".join(word.text for word in text.split(script) if word.text[:1] != "-")
        check_channels(self._name, kept)
        self._value = kept

    def _script_word(self) -> str:
        return braced(self._value)


class Channel_Knob(ChannelMask_Knob):
    user_id = 11


def check_channels(knob: str, value: str) -> None:
    from doubles.channels import channels_of

    try:
        for word in value.split():
            channels_of(word)
    except NameError as error:
        raise NameError(f"{knob}: {error}") from None


class Format_Knob(Knob):
    """A format, by its name or by itself."""

    user_id = 17

    def __init__(self, name: str, label: str | None = None) -> None:
        super().__init__(name, label)
        self._format: Format | None = None

    def value(self) -> Format:
        self._check("value")
        return self._format or default_format()

    def setValue(self, value: Format | str) -> bool:
        self._check("setValue")
        self._format = find_format(value) if isinstance(value, str) else value
        self._changed()
        return True

    def name(self) -> str:
        # Nuke's Format_Knob answers with the format's name.
        return self.value().name()

    def _save(self) -> str:
        return self.value()._text()

    def _load(self, script: str) -> None:
        self._format = parse_format(script)

    def _is_set(self) -> bool:
        return self._format is not None
