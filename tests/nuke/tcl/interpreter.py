"""A Tcl interpreter without the words that reach the machine.

tkinter brings it (Debian: python3-tk); it needs no display. `available()` says whether it is here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

FORBIDDEN = (
    "exec open socket source load glob exit cd pwd fconfigure unload interp after vwait fileevent "
    "pid encoding"
)
# Of `file` only these work on a name without touching the disk.
HARMLESS_FILE_WORDS = ("dirname", "tail", "rootname", "extension", "join", "split", "normalize")


def available() -> bool:
    """Return whether this Python has tkinter."""
    try:
        import tkinter  # noqa: F401
    except ImportError:
        return False
    return True


def make(commands: Mapping[str, Callable[..., Any]]) -> Any:
    """Return a new interpreter that knows `commands`. Raises ImportError without tkinter."""
    import tkinter

    interp = tkinter.Tcl()
    interp.eval("rename file real_file")
    # tkinter has taken some of them away itself.
    interp.call("foreach", "word", FORBIDDEN, "catch {rename $word {}}")
    interp.eval('proc unknown {args} {error "unknown command: [lindex $args 0]"}')
    for name, call in commands.items():
        interp.createcommand(name, call)

    def file(word: str, *names: str) -> str:
        if word not in HARMLESS_FILE_WORDS:
            raise NameError(f"file {word} is not for scripts here")
        return str(interp.call("real_file", word, *names))

    interp.createcommand("file", file)
    return interp


def substitute(text: str, commands: Mapping[str, Callable[..., Any]]) -> str:
    """Return a text with its [commands] run, $ and backslashes left. Raises NameError."""
    return _call(commands, lambda i: i.call("subst", "-nobackslashes", "-novariables", text))


def run(code: str, commands: Mapping[str, Callable[..., Any]]) -> str:
    """Return the result of a command. Raises NameError."""
    return _call(commands, lambda i: i.eval(code))


def _call(commands: Mapping[str, Callable[..., Any]], call: Callable[[Any], Any]) -> str:
    import tkinter

    failures: list[BaseException] = []

    def guard(command: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*words: str) -> Any:
            try:
                return command(*words)
            except Exception as error:
                failures.append(error)
                raise

        return guarded

    interp = make({name: guard(command) for name, command in commands.items()})
    try:
        return str(call(interp))
    except tkinter.TclError as error:
        reason = failures[0] if failures else error
        raise NameError(f"Tcl: {reason}") from error
    except Exception as error:
        raise NameError(f"Tcl: {error}") from error
