"""Knobs: what every one has, and those that hold text, choices, channels and buttons."""

# Names of methods and of classes are Nuke's.
# ruff: noqa: N801, N802

from __future__ import annotations

import re
from typing import Any

from doubles import text
from doubles.session import current

NOT_ATTACHED = "A PythonObject is not attached to a node"

STARTLINE = 0x1000
DISABLED = 0x80
INVISIBLE = 0x400
HIDDEN = 0x40000
DO_NOT_WRITE = 0x200
NO_ANIMATION = 0x100
FLAGS = {
    "STARTLINE": STARTLINE,
    "DISABLED": DISABLED,
    "INVISIBLE": INVISIBLE,
    "HIDDEN": HIDDEN,
    "DO_NOT_WRITE": DO_NOT_WRITE,
    "NO_ANIMATION": NO_ANIMATION,
}


class Knob:
    """What every knob has. A knob belongs to no node until the node's addKnob."""

    user_id = 0
    """The number that addUserKnob knows the class by; 0: none that we use."""

    def __init__(self, name: str, label: str | None = None) -> None:
        current().check_main("a knob")
        if not isinstance(name, str):
            raise TypeError(f"a knob's name is a str, not {name!r}")
        self._name = name
        self._label = name if label is None else label
        self._tooltip = ""
        self._flags = 0
        self._node: Any = None
        self._expressions: dict[int, str] = {}
        self._is_user = False

    def _check(self, what: str) -> None:
        current().check_main(f"{self._name}.{what}")
        if self._node is not None and self._node._deleted:
            raise ValueError(NOT_ATTACHED)

    def _changed(self) -> None:
        current().note_edit(f"{self._node and self._node._name}.{self._name}")
        if self._node is not None:
            self._node._knob_changed(self)

    def name(self) -> str:
        self._check("name")
        return self._name

    def label(self) -> str:
        self._check("label")
        return self._label

    def setLabel(self, label: str) -> None:
        self._check("setLabel")
        self._label = label

    def tooltip(self) -> str:
        self._check("tooltip")
        return self._tooltip

    def setTooltip(self, tooltip: str) -> None:
        self._check("setTooltip")
        self._tooltip = tooltip

    def Class(self) -> str:
        return type(self).__name__

    def node(self) -> Any:
        self._check("node")
        return self._node

    def fullyQualifiedName(self, channel: int = -1) -> str:
        self._check("fullyQualifiedName")
        return f"{self._node.fullName()}.{self._name}"

    def setFlag(self, flag: int) -> None:
        self._check("setFlag")
        self._flags |= flag

    def clearFlag(self, flag: int) -> None:
        self._check("clearFlag")
        self._flags &= ~flag

    def getFlag(self, flag: int) -> bool:
        self._check("getFlag")
        return bool(self._flags & flag)

    def visible(self) -> bool:
        self._check("visible")
        return not self._flags & (INVISIBLE | HIDDEN)

    def setVisible(self, visible: bool) -> None:
        self._check("setVisible")
        self._flags = self._flags & ~(INVISIBLE | HIDDEN) if visible else self._flags | INVISIBLE

    def enabled(self) -> bool:
        self._check("enabled")
        return not self._flags & DISABLED

    def setEnabled(self, enabled: bool) -> None:
        self._check("setEnabled")
        self._flags = self._flags & ~DISABLED if enabled else self._flags | DISABLED

    def hasExpression(self, index: int = -1) -> bool:
        self._check("hasExpression")
        return bool(self._expressions) if index < 0 else index in self._expressions

    def setExpression(self, expression: str, channel: int = -1, view: str | None = None) -> bool:
        self._check("setExpression")
        if self._flags & NO_ANIMATION:
            return False
        self._expressions[max(channel, 0)] = expression
        self._changed()
        return True

    def clearAnimated(self, channel: int = -1) -> bool:
        self._check("clearAnimated")
        self._expressions.clear()
        return True

    def isAnimated(self, channel: int = -1) -> bool:
        self._check("isAnimated")
        return bool(self._expressions)

    def toScript(self, quote: bool = True) -> str:
        """Return the value as it stands in a script, as one word where `quote` says so."""
        self._check("toScript")
        return self._script_word() if quote else self._save()

    def fromScript(self, script: str) -> bool:
        """Take the value from a script's word."""
        self._check("fromScript")
        self._load(script)
        self._changed()
        return True

    def notDefault(self) -> bool:
        self._check("notDefault")
        return self._is_set()

    # What a class of knobs has to say.
    def _save(self) -> str:
        return ""

    def _script_word(self) -> str:
        return text.quote(self._save())

    def _load(self, script: str) -> None:
        raise NameError(f"{self._name} takes no value from a script")

    def _is_set(self) -> bool:
        return False

    def _number(self, index: int = 0) -> Any:
        """The value for an expression that names this knob."""
        raise NameError(f"{self._name} has no value for an expression")


class String_Knob(Knob):
    """Text as it is typed."""

    user_id = 1

    def __init__(self, name: str, label: str | None = None, value: str = "") -> None:
        super().__init__(name, label)
        self._value = self._default = value

    def value(self) -> str:
        self._check("value")
        return self._value

    def getValue(self) -> str:
        return self.value()

    def getText(self) -> str:
        return self.value()

    def setValue(self, value: str, view: str = "default") -> bool:
        self._check("setValue")
        if not isinstance(value, str):
            raise TypeError(f"{self._name}.setValue takes a str, not {value!r}")
        if value != self._value:
            self._value = value
            self._changed()
        return True

    def setText(self, value: str) -> bool:
        return self.setValue(value)

    def _save(self) -> str:
        return self._value

    def _load(self, script: str) -> None:
        self._value = script

    def _is_set(self) -> bool:
        return self._value != self._default

    def _number(self, index: int = 0) -> Any:
        return self._text()

    def _text(self) -> str:
        return self._value


class EvalString_Knob(String_Knob):
    """Text with Tcl in square brackets, which evaluate() runs."""

    user_id = 0

    def evaluate(self, frame: float | None = None) -> str:
        self._check("evaluate")
        return self._text(frame)

    def _text(self, frame: float | None = None) -> str:
        from doubles import expressions

        return expressions.substitute(self._value, self._node, frame)


class Multiline_Eval_String_Knob(EvalString_Knob):
    user_id = 43


class File_Knob(EvalString_Knob):
    """A path with Tcl and frame patterns in it."""

    user_id = 2

    def fromUserText(self, value: str) -> None:
        """Take "path first-last" or a path; a Read takes range and format from it as well."""
        path, _, span = value.rpartition(" ")
        match = re.match(r"^(-?\d+)-(-?\d+)$", span)
        self.setValue(path if match and path else value)
        if match and path and self._node is not None and self._node._class == "Read":
            for names, frame in ((("first", "origfirst"), 1), (("last", "origlast"), 2)):
                for name in names:
                    self._node[name].setValue(int(match.group(frame)))

    def evaluate(self, frame: float | None = None) -> str | None:
        """Return the path of a frame; None when the knob is empty, as Nuke."""
        self._check("evaluate")
        return self._at(current().now if frame is None else int(frame)) or None

    def _at(self, frame: int) -> str:
        from doubles import files

        return files.frame_path(self._at_pattern(frame), frame)

    def _at_pattern(self, frame: float | None = None) -> str:
        from doubles import expressions

        return expressions.substitute(self._value, self._node, frame)

    def setValue(self, value: str, view: str = "default") -> bool:
        if isinstance(value, str) and "\\" in value:
            message = "{}: a backslash in a path is an escape to Nuke: {}"
            raise current().refuse(ValueError(message.format(self._name, value)))
        return super().setValue(value, view)
