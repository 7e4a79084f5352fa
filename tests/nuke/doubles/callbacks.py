"""Callbacks that a plug-in registers with Nuke, for a class of nodes or for all."""

# Names of functions and parameters are Nuke's.
# ruff: noqa: N803

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from doubles.nodes import Node
from doubles.session import current

EVENTS = {
    "onUserCreate": "OnUserCreate",
    "onCreate": "OnCreate",
    "onDestroy": "OnDestroy",
    "onScriptLoad": "OnScriptLoad",
    "onScriptSave": "OnScriptSave",
    "onScriptClose": "OnScriptClose",
    "knobChanged": "KnobChanged",
    "updateUI": "UpdateUI",
    "autolabel": "Autolabel",
    "beforeRender": "BeforeRender",
    "afterRender": "AfterRender",
    "filenameFilter": "FilenameFilter",
}


class _Callback:
    """One registered callback."""

    def __init__(self, call: Any, args: Any, kwargs: Any, nodeClass: str) -> None:
        self.call = call
        self._run = lambda: call(*args, **(kwargs or {}))
        self._class = nodeClass

    def matches(self, node: Node) -> bool:
        return self._class in ("*", node._class)

    def __call__(self) -> None:
        self._run()


def registrar(prefix: str, event: str) -> Callable[..., None]:
    def register(call: Any, args: Any = (), kwargs: Any = None, nodeClass: str = "*",
                 node: Any = None) -> None:  # fmt: skip
        current().check_main(f"nuke.{prefix}{EVENTS[event]}")
        known = current().callbacks.setdefault(event, [])
        if prefix == "add":
            known.append(_Callback(call, args, kwargs, nodeClass))
        else:
            known[:] = [entry for entry in known if entry.call is not call]

    return register


def run_callbacks(event: str, node: Node) -> None:
    for call in current().callbacks.get(event, []):
        if call.matches(node):
            current().guarded(lambda call=call: node._with_this(None, call))
