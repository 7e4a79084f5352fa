"""Knobs of the panel that hold no value of an image: texts, tabs, buttons, links."""

# Names of methods and of classes are Nuke's.
# ruff: noqa: N801, N802

from __future__ import annotations

from typing import Any

from doubles.knobs import Knob, String_Knob


class Text_Knob(Knob):
    """A line of text or a divider; its value goes to no script."""

    user_id = 26

    def __init__(self, name: str, label: str | None = None, value: str = "") -> None:
        super().__init__(name, label)
        self._value = value

    def value(self) -> str:
        self._check("value")
        return self._value

    def getValue(self) -> str:
        return self.value()

    def setValue(self, value: str) -> bool:
        self._check("setValue")
        if not isinstance(value, str):
            raise TypeError(f"{self._name}.setValue takes a str, not {value!r}")
        self._value = value
        return True

    def _load(self, script: str) -> None:
        self._value = script


class Tab_Knob(Knob):
    """A tab, or the begin or the end of a group of knobs."""

    user_id = 20

    def __init__(self, name: str, label: str | None = None, kind: int = 0) -> None:
        super().__init__(name, label)
        self._kind = kind

    def value(self) -> bool:
        self._check("value")
        return self._kind != 2

    def setValue(self, is_open: bool) -> bool:
        self._check("setValue")
        return True

    def _load(self, script: str) -> None:
        """Whether it is open; nothing depends on it."""


class Script_Knob(String_Knob):
    """A button that runs Tcl; the double knows the ones of Read and CatFileCreator."""

    user_id = 32

    def command(self) -> str:
        return self.value()

    def execute(self) -> None:
        self._check("execute")
        if self._name == "createCatFile":
            from doubles.inference import create_cat

            return create_cat(self._node)
        if self._name != "reload":
            raise NotImplementedError("the double cannot run the Tcl of " + self._name)
        self._node["version"].setValue(self._node["version"].value() + 1)
        return None


class PyScript_Knob(String_Knob):
    """A button that runs Python with nuke.thisNode() set."""

    user_id = 22

    def command(self) -> str:
        return self.value()

    def execute(self) -> None:
        self._check("execute")
        self._node._run(self._value, self)


class PythonKnob(PyScript_Knob):
    """Python of a callback: onCreate, knobChanged and so on."""

    user_id = 0


class PyCustom_Knob(String_Knob):
    """A place for a Qt widget; the double makes none."""

    user_id = 52


class Link_Knob(Knob):
    """Another knob, shown here."""

    user_id = 41

    def __init__(self, name: str, label: str | None = None) -> None:
        super().__init__(name, label)
        self._target = ""

    def setLink(self, link: str) -> bool:
        self._check("setLink")
        self._target = link
        self.getLinkedKnob()
        return True

    def makeLink(self, node: str, knob: str) -> bool:
        return self.setLink(f"{node}.{knob}")

    def getLink(self) -> str:
        self._check("getLink")
        return self._target

    def getLinkedKnob(self) -> Knob:
        """Return the knob; its node is looked up inside the group, then beside it."""
        self._check("getLinkedKnob")
        node, _, knob = self._target.rpartition(".")
        for scope in (self._node, self._node._parent):
            found = scope.node(node) if scope is not None and hasattr(scope, "nodes") else None
            if found is not None:
                return found[knob]
        raise NameError(f"{self._name} links to {self._target}, which is not there")

    def value(self, *args: Any) -> Any:
        return self.getLinkedKnob().value(*args)  # type: ignore[attr-defined]

    def setValue(self, *args: Any) -> Any:
        return self.getLinkedKnob().setValue(*args)  # type: ignore[attr-defined]

    def _load(self, script: str) -> None:
        self._target = script or self._target

    def _number(self, index: int = 0) -> Any:
        return self.getLinkedKnob()._number(index)
