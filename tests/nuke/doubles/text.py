"""Nuke's script text: lists of words as Tcl splits them, and values quoted as Nuke quotes them."""

from __future__ import annotations

from typing import NamedTuple

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


class Word(NamedTuple):
    """One element of a list, and whether it stood in braces: a braced number is an expression."""

    text: str
    braced: bool


def split(text: str) -> list[Word]:
    """Split a Tcl list. Raises ValueError for braces or quotes that do not close."""
    words: list[Word] = []
    at = 0
    while True:
        while at < len(text) and text[at].isspace():
            at += 1
        if at == len(text):
            return words
        if text[at] == "{":
            end = _closing_brace(text, at)
            words.append(Word(text[at + 1 : end], True))
        elif text[at] == '"':
            end = _closing_quote(text, at)
            words.append(Word(unescape(text[at + 1 : end]), False))
        else:
            end = at
            while end + 1 < len(text) and not text[end + 1].isspace():
                end += 2 if text[end + 1] == "\\" else 1
            words.append(Word(unescape(text[at : end + 1]), False))
        at = end + 1


def _closing_brace(text: str, at: int) -> int:
    depth = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == "{":
            depth += 1
        elif text[at] == "}":
            depth -= 1
            if not depth:
                return at
        at += 1
    raise ValueError(f"a brace is not closed in {text[:80]!r}")


def _closing_quote(text: str, at: int) -> int:
    at += 1
    while at < len(text):
        if text[at] == "\\":
            at += 1
        elif text[at] == '"':
            return at
        at += 1
    raise ValueError(f"a quote is not closed in {text[:80]!r}")


def unescape(text: str) -> str:
    """Take the backslashes out of a word."""
    if "\\" not in text:
        return text
    out: list[str] = []
    at = 0
    while at < len(text):
        if text[at] == "\\" and at + 1 < len(text):
            at += 1
            out.append(_ESCAPES.get(text[at], text[at]))
        else:
            out.append(text[at])
        at += 1
    return "".join(out)


def quote(text: str) -> str:
    """Return a text as one word of Nuke's script, in quotes where it needs them."""
    if text and not any(sign in text for sign in ' \t\n\r"{}[]$\\;#'):
        return text
    for plain, escaped in (
        ("\\", "\\\\"),
        ('"', '\\"'),
        ("[", "\\["),
        ("]", "\\]"),
        ("{", "\\{"),
        ("}", "\\}"),
        ("$", "\\$"),
        ("\n", "\\n"),
        ("\t", "\\t"),
        ("\r", "\\r"),
    ):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def number(value: float) -> str:
    """Return a number as Nuke writes it: whole ones without a point."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))
