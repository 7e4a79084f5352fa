"""Knobs that hold numbers, choices, channels and formats."""

# Names of methods and of classes are Nuke's.
# ruff: noqa: N801, N802

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from doubles import text
from doubles.formats import Format, default_format, find_format, parse_format
from doubles.knobs import Knob, String_Knob
from doubles.session import current


class Array_Knob(Knob):
    """One or several numbers, each of which may be an expression."""

    size = 1
    whole = False

    def __init__(self, name: str, label: str | None = None, value: Any = 0) -> None:
        super().__init__(name, label)
        values = list(value) if isinstance(value, (list, tuple)) else [value] * self.size
        self._values = [self._one(number) for number in values]
        self._default = list(self._values)
        self._range: tuple[float, float] | None = None

    def _one(self, value: Any) -> Any:
        if isinstance(value, str) or not isinstance(value, (int, float)):
            raise TypeError(f"{self._name} takes numbers, not {value!r}")
        return int(value) if self.whole else float(value)

    def _at(self, index: int) -> Any:
        if index not in self._expressions:
            return self._values[index]
        from doubles import expressions

        value = expressions.evaluate(self._expressions[index], self._node)
        return int(value) if self.whole else float(value)

    def value(self, index: int = -1, view: str = "") -> Any:
        """Return one number, or all of them when they differ or there are several."""
        self._check("value")
        if index >= 0:
            return self._at(index)
        values = [self._at(i) for i in range(len(self._values))]
        return values[0] if len(set(values)) == 1 else tuple(values)

    def getValue(self, index: int = -1) -> Any:
        return self.value(index)

    def valueAt(self, frame: float, index: int = 0) -> Any:
        self._check("valueAt")
        session = current()
        session.frame_context.append(int(frame))
        try:
            return self._at(index)
        finally:
            session.frame_context.pop()

    getValueAt = valueAt

    def array(self) -> list[Any]:
        self._check("array")
        return [self._at(i) for i in range(len(self._values))]

    def arraySize(self) -> int:
        return len(self._values)

    def setValue(self, value: Any, index: int = -1, time: float | None = None) -> bool:
        self._check("setValue")
        if isinstance(value, (list, tuple)):
            if len(value) != len(self._values):
                raise TypeError(f"{self._name} holds {len(self._values)} numbers")
            new = [self._one(number) for number in value]
        else:
            new = list(self._values)
            for i in range(len(new)) if index < 0 else [index]:
                new[i] = self._one(value)
        if self._expressions or new != self._values:
            self._expressions.clear()
            self._values = new
            self._changed()
        return True

    def setRange(self, low: float, high: float) -> None:
        self._check("setRange")
        self._range = (low, high)

    def defaultValue(self) -> float:
        self._check("defaultValue")
        return float(self._default[0])

    def setDefaultValue(self, values: Sequence[float]) -> None:
        self._check("setDefaultValue")
        self._default = [self._one(number) for number in values]

    def resetToDefault(self) -> None:
        self.setValue(list(self._default))

    def _save(self) -> str:
        words = [
            f"{{{_expression_word(self._expressions[i])}}}"
            if i in self._expressions
            else self._word(number)
            for i, number in enumerate(self._values)
        ]
        if self._expressions or len(set(words)) > 1:
            return " ".join(words)
        return words[0]

    def _script_word(self) -> str:
        return _braced(self._save())

    def _word(self, value: Any) -> str:
        return text.number(value)

    def _parse(self, word: str) -> Any:
        return self._one(int(word, 16) if word.startswith("0x") else float(word))

    def _load(self, script: str) -> None:
        words = text.split(script)
        if len(words) == 1:
            words = words * len(self._values)
        if len(words) != len(self._values):
            message = "{} holds {} numbers, not {!r}"
            raise ValueError(message.format(self._name, len(self._values), script))
        self._expressions.clear()
        for i, word in enumerate(words):
            if word.braced:
                self._expressions[i] = text.unescape(word.text.strip('"'))
            else:
                self._values[i] = self._parse(word.text)

    def _is_set(self) -> bool:
        return bool(self._expressions) or self._values != self._default

    def _number(self, index: int = 0) -> Any:
        return self._at(index)


def _braced(words: str) -> str:
    return f"{{{words}}}" if " " in words or "{" in words else words


def _expression_word(expression: str) -> str:
    return f'"{expression}"' if " " in expression else expression


class Int_Knob(Array_Knob):
    user_id = 3
    whole = True


class Double_Knob(Array_Knob):
    user_id = 7


class WH_Knob(Array_Knob):
    user_id = 14
    size = 2

    def width(self) -> float:
        return self._at(0)

    def height(self) -> float:
        return self._at(1)


class XY_Knob(Array_Knob):
    user_id = 12
    size = 2

    def x(self) -> float:
        return self._at(0)

    def y(self) -> float:
        return self._at(1)


class XYZ_Knob(Array_Knob):
    user_id = 13
    size = 3


class AColor_Knob(Array_Knob):
    user_id = 19
    size = 4


class Color_Knob(Array_Knob):
    user_id = 18
    size = 3


class BBox_Knob(Array_Knob):
    """x, y, r, t: pixels, y up, r and t outside."""

    user_id = 15
    size = 4


class Boolean_Knob(Array_Knob):
    user_id = 6

    def _one(self, value: Any) -> bool:
        if isinstance(value, str) or not isinstance(value, (bool, int, float)):
            raise TypeError(f"{self._name} takes a bool, not {value!r}")
        return bool(value)

    def _at(self, index: int) -> bool:
        return bool(super()._at(index))

    def _word(self, value: Any) -> str:
        return "true" if value else "false"

    def _parse(self, word: str) -> bool:
        if word.lower() not in ("true", "false", "1", "0"):
            raise ValueError(f"{self._name} is true or false, not {word!r}")
        return word.lower() in ("true", "1")

    def _number(self, index: int = 0) -> int:
        return int(self._at(0))


class Disable_Knob(Boolean_Knob):
    user_id = 80


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
            return f"{{{_expression_word(self._expressions[0])}}}"
        return self._names()[self._index] if self._items else ""

    def _script_word(self) -> str:
        return _braced(self._save()) if self._expressions else text.quote(self._save())

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
            _check_channels(self._name, value)
        return super().setValue(value, view)

    def _load(self, script: str) -> None:
        # {rgba.red rgba.green -rgba.blue rgba.alpha}: a minus is a box that is not ticked.
        kept = " ".join(word.text for word in text.split(script) if word.text[:1] != "-")
        _check_channels(self._name, kept)
        self._value = kept

    def _script_word(self) -> str:
        return _braced(self._value)


class Channel_Knob(ChannelMask_Knob):
    user_id = 11


def _check_channels(knob: str, value: str) -> None:
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
