"""Expressions of knobs and of Expression nodes, and Tcl in text.

Tcl runs in a real interpreter (tkinter.Tcl) that knows `value`, `knob`, `frame`, `exists`, `python`
and the harmless words of Tcl.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from doubles.session import current

_TOKENS = re.compile(
    r"\s*(?:(\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)"
    r"|([A-Za-z_][\w]*(?:\.\w+)*)"
    r"|(\|\||&&|==|!=|<=|>=|[-+*/%^<>!?:(),\[]))"
)
_LEVELS: list[dict[str, Callable[[Any, Any], Any]]] = [
    {"||": lambda a, b: _or(a, b)},
    {"&&": lambda a, b: _and(a, b)},
    {"==": lambda a, b: 1 * (a == b), "!=": lambda a, b: 1 * (a != b)},
    {
        "<": lambda a, b: 1 * (a < b),
        ">": lambda a, b: 1 * (a > b),
        "<=": lambda a, b: 1 * (a <= b),
        ">=": lambda a, b: 1 * (a >= b),
    },
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": lambda a, b: _divide(a, b), "%": math.fmod},
    {"^": operator.pow},
]


def _is_array(*values: Any) -> bool:
    return any(hasattr(value, "shape") for value in values)


def _or(a: Any, b: Any) -> Any:
    return 1 * ((a != 0) | (b != 0))


def _and(a: Any, b: Any) -> Any:
    return 1 * ((a != 0) & (b != 0))


def _divide(a: Any, b: Any) -> Any:
    if _is_array(a, b):
        import numpy as np

        with np.errstate(divide="ignore", invalid="ignore"):
            return a / b
    return a / b if b else math.copysign(math.inf, a)


def _choose(test: Any, yes: Any, no: Any) -> Any:
    if _is_array(test):
        import numpy as np

        return np.where(test != 0, yes, no)
    return yes if test else no


def _numeric(plain: Callable[..., Any], array: str) -> Callable[..., Any]:
    def call(*values: Any) -> Any:
        if not _is_array(*values):
            return plain(*values)
        import numpy as np

        result = values[0]
        if len(values) == 1:
            return getattr(np, array)(result)
        for value in values[1:]:
            result = getattr(np, array)(result, value)
        return result

    return call


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "min": _numeric(min, "minimum"),
    "max": _numeric(max, "maximum"),
    "abs": _numeric(abs, "abs"),
    "floor": _numeric(math.floor, "floor"),
    "ceil": _numeric(math.ceil, "ceil"),
    "int": _numeric(int, "trunc"),
    "rint": _numeric(round, "rint"),
    "sqrt": _numeric(math.sqrt, "sqrt"),
    "pow": _numeric(math.pow, "power"),
    "exp": _numeric(math.exp, "exp"),
    "log": _numeric(math.log, "log"),
    "clamp": lambda x, low=0, high=1: FUNCTIONS["min"](FUNCTIONS["max"](x, low), high),
    "isnan": lambda x: 1 * (x != x),
}


class _Parser:
    """Recursive descent; `resolve` gives the value of a name, `tcl` that of a [command]."""

    def __init__(self, source: str, resolve: Callable[[str], Any], tcl: Callable[[str], Any]):
        self.source, self.at = source, 0
        self.resolve, self.tcl = resolve, tcl

    def fail(self) -> NameError:
        return NameError(f"cannot read {self.source!r} at {self.source[self.at :]!r}")

    def peek(self) -> tuple[str, str]:
        match = _TOKENS.match(self.source, self.at)
        if match is None:
            if self.source[self.at :].strip():
                raise self.fail()
            return "", ""
        return match.group(0), match.group(match.lastindex or 0)

    def take(self, sign: str) -> bool:
        whole, token = self.peek()
        if token != sign or not whole:
            return False
        self.at += len(whole)
        return True

    def need(self, sign: str) -> None:
        if not self.take(sign):
            raise self.fail()

    def parse(self) -> Any:
        value = self.ternary()
        if self.source[self.at :].strip():
            raise self.fail()
        return value

    def ternary(self) -> Any:
        test = self.level(0)
        if not self.take("?"):
            return test
        yes = self.ternary()
        self.need(":")
        return _choose(test, yes, self.ternary())

    def level(self, depth: int) -> Any:
        if depth == len(_LEVELS):
            return self.unary()
        value = self.level(depth + 1)
        while True:
            whole, token = self.peek()
            if not whole or token not in _LEVELS[depth]:
                return value
            self.at += len(whole)
            value = _LEVELS[depth][token](value, self.level(depth + 1))

    def unary(self) -> Any:
        if self.take("-"):
            return -self.unary()
        if self.take("!"):
            return 1 * (self.unary() == 0)
        return self.atom()

    def atom(self) -> Any:
        whole, token = self.peek()
        if not whole:
            raise self.fail()
        self.at += len(whole)
        if token == "(":
            value = self.ternary()
            self.need(")")
            return value
        if token == "[":
            return self.bracket()
        if token[0].isdigit() or token[0] == ".":
            return float(token)
        if token in FUNCTIONS and self.take("("):
            values = [self.ternary()]
            while self.take(","):
                values.append(self.ternary())
            self.need(")")
            return FUNCTIONS[token](*values)
        if not (token[0].isalpha() or token[0] == "_"):
            raise self.fail()
        return self.resolve(token)

    def bracket(self) -> Any:
        depth, start = 1, self.at
        while depth and self.at < len(self.source):
            depth += {"[": 1, "]": -1}.get(self.source[self.at], 0)
            self.at += 1
        if depth:
            raise self.fail()
        answer = self.tcl(self.source[start : self.at - 1])
        try:
            return float(answer)
        except ValueError:
            return answer


def calculate(source: str, resolve: Callable[[str], Any]) -> Any:
    """Value of an expression whose names `resolve` knows; arrays of pixels are values too."""
    return _Parser(source, resolve, _no_tcl).parse()


def _no_tcl(command: str) -> Any:
    raise NotImplementedError("Tcl in an Expression node: " + command)


def evaluate(source: str, node: Any) -> Any:
    """Value of a knob's expression. Raises NameError for a name that is not there."""
    if source.startswith("curve"):
        raise NotImplementedError("the double has no curves")
    return _Parser(source, lambda name: _named(name, node), lambda code: _tcl(code, node)).parse()


def _named(path: str, node: Any) -> Any:
    if path in ("frame", "t"):
        return current().now
    if path == "pi":
        return math.pi
    if path in ("width", "height"):
        return getattr(node, path)()
    return find_knob(path, node, _number_of)


def _number_of(owner: Any, name: str, index: int) -> Any:
    if name in owner._knobs:
        return owner._knobs[name]._number(index)
    if name in ("width", "height"):
        return getattr(owner, name)()
    raise NameError(f"{owner._name} has no knob {name}")


def find_knob(path: str, node: Any, read: Callable[[Any, str, int], Any]) -> Any:
    """Follow `parent.x`, `root.x`, `input.x`, `Node1.x` or `x` from a node and read the knob."""
    words = path.split(".")
    index = 0
    components = {"x": 0, "y": 1, "r": 0, "g": 1, "b": 2, "a": 3, "w": 0, "h": 1}
    if len(words) > 2 and words[-1] in components:
        index = components[words.pop()]
    owner = node
    for word in words[:-1]:
        owner = _step(owner, word, owner is node)
        if owner is None:
            raise NameError(f"{path}: nothing is called {word} from {node._name}")
    return read(owner, words[-1], index)


def _step(owner: Any, word: str, is_first: bool) -> Any:
    if word == "this":
        return owner
    if word == "parent":
        return owner._parent
    if word == "root":
        return current().root
    if re.match(r"^input\d*$", word):
        return owner.input(int(word[5:] or 0))
    scope = owner._parent if is_first else owner
    return scope.node(word) if scope is not None and hasattr(scope, "node") else None


def substitute(source: str, node: Any, frame: float | None = None) -> str:
    """Return a text with the Tcl in its brackets run. Raises NameError where that fails."""
    if "[" not in source:
        return source
    from tcl import interpreter

    session = current()
    session.frame_context.append(session.now if frame is None else int(frame))
    try:
        return interpreter.substitute(source, _commands(node))
    finally:
        session.frame_context.pop()


def _tcl(code: str, node: Any) -> str:
    from tcl import interpreter

    return interpreter.run(code, _commands(node))


def _commands(node: Any) -> dict[str, Callable[..., Any]]:
    import nuke

    def value(path: str, default: str | None = None) -> str:
        if path in ("frame",):
            return str(current().now)
        try:
            return find_knob(path, node or current().root, _text_of)
        except NameError:
            if default is None:
                raise
            return default

    return {
        "value": value,
        "knob": value,
        "frame": lambda: str(current().now),
        "exists": lambda path: str(int(_is_there(path, node) or nuke.exists(path))),
        "plugins": _plugins,
        "python": lambda *words: str(
            eval(" ".join(w for w in words if w != "-eval"), {"nuke": nuke})
        ),
    }


def _is_there(path: str, node: Any) -> bool:
    """Whether a path of nodes leads somewhere: `parent.input2` is what is connected there."""
    owner = node
    for word in path.split("."):
        if owner is not None:
            owner = _step(owner, word, owner is node)
    return owner is not None


def _plugins(*words: str) -> str:
    """The full names of files on the plug-in path, the first folder's first."""
    if words[:1] != ("-all",) or len(words) != 2:
        raise NotImplementedError("the double knows plugins -all NAME")
    there = (Path(folder) / words[1] for folder in current().plugin_path)
    return " ".join(path.as_posix() for path in there if path.is_file())


def _text_of(owner: Any, name: str, index: int) -> str:
    if name == "name" and owner._parent is not None:
        return owner._name  # type: ignore[no-any-return]
    if name not in owner._knobs:
        return str(_number_of(owner, name, index))
    knob = owner._knobs[name]
    if hasattr(knob, "_text"):
        return knob._text()  # type: ignore[no-any-return]
    from doubles.text import number

    return number(knob._number(index))
