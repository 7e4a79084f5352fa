"""Knobs that hold numbers, each of which may be an expression."""

# Names of methods and of classes are Nuke's.
# ruff: noqa: N801, N802

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from doubles import text
from doubles.knobs import Knob
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

    def getValueAt(self, frame: float, index: int = 0) -> Any:
        return self.valueAt(frame, index)

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
            f"{{{expression_word(self._expressions[i])}}}"
            if i in self._expressions
            else self._word(number)
            for i, number in enumerate(self._values)
        ]
        if self._expressions or len(set(words)) > 1:
            return " ".join(words)
        return words[0]

    def _script_word(self) -> str:
        return braced(self._save())

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


def braced(words: str) -> str:
    return f"{{{words}}}" if " " in words or "{" in words else words


def expression_word(expression: str) -> str:
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
