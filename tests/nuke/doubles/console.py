"""What reaches the artist and other threads: dialogues, the console, the event loop's queue."""

# Names of functions and parameters are Nuke's.
# ruff: noqa: N802

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from doubles.session import current


def executeInMainThread(call: Callable[..., Any], args: Any = (), kwargs: Any = None) -> None:
    """Queue a call for the event loop and go on."""
    bound = _bound(call, args, kwargs)
    current().queue_call(lambda: current().guarded(bound), "executeInMainThread")


def executeInMainThreadWithResult(
    call: Callable[..., Any], args: Any = (), kwargs: Any = None
) -> Any:
    """Queue a call and wait for its result."""
    return current().call_and_wait(_bound(call, args, kwargs), "executeInMainThreadWithResult")


def _bound(call: Callable[..., Any], args: Any, kwargs: Any) -> Callable[[], Any]:
    words = args if isinstance(args, tuple) else (args,)
    return lambda: call(*words, **(kwargs or {}))


def message(text: str) -> None:
    """Show a text. Raises RuntimeError without a GUI."""
    current().check_main("nuke.message")
    current().need_gui("nuke.message")
    current().messages.append(text)


def ask(text: str) -> bool:
    """Ask yes or no; the test answers."""
    return bool(current().ask(text, "nuke.ask"))


def askWithCancel(text: str) -> bool:
    """Ask yes, no or cancel; an answer that is an error is raised."""
    answer = current().ask(text, "nuke.askWithCancel")
    if isinstance(answer, BaseException):
        raise answer
    return bool(answer)


def getInput(prompt: str, default: str = "") -> Any:
    """Ask for a text; None is Cancel."""
    return current().ask(prompt, "nuke.getInput")


def getFilename(text: str, *_: Any, **__: Any) -> Any:
    """Ask for a path; None is Cancel."""
    return current().ask(text, "nuke.getFilename")


def tprint(*values: Any, sep: str = " ", end: str = "\n", file: Any = None) -> None:
    """Print to the terminal that Nuke was started from; allowed on any thread."""
    current().log.append(sep.join(str(value) for value in values))


def error(text: str) -> None:
    """Write a text to the error console."""
    current().check_main("nuke.error")
    current().log.append("error: " + text)


def warning(text: str) -> None:
    """Write a text to the error console."""
    current().check_main("nuke.warning")
    current().log.append("warning: " + text)


def debug(text: str) -> None:
    """Write a text to the error console."""
    current().check_main("nuke.debug")
    current().log.append("debug: " + text)
