"""Reads and writes lines on raw pipes; the engine's side uses it as well as the host's."""

from typing import Any, Iterator

from platematte_client.messages import LONGEST_LINE

_PIECE = 1 << 16


def read_lines(pipe: Any) -> Iterator[str]:
    """Yield the lines of an unbuffered pipe as they come, without their breaks, until its end.

    Of a line that is longer than any message only the start comes, still too long for `decode`;
    the rest is dropped. Bytes that are no UTF-8 become replacement characters. A last line that
    lacks its break comes too. A pipe that breaks or is closed has ended.
    """
    waiting, is_skipping = b"", False
    while True:
        piece = _read(pipe)
        if not piece:
            break
        lines = (waiting + piece).split(b"\n")
        waiting = lines.pop()
        for line in lines:
            if not is_skipping:
                yield _text(line)
            is_skipping = False
        if len(waiting) > LONGEST_LINE and not is_skipping:
            yield _text(waiting)
            is_skipping = True
        if is_skipping:
            waiting = b""
    if waiting:
        yield _text(waiting)


def write_line(pipe: Any, line: str) -> None:
    """Write all of a line of ASCII to an unbuffered pipe; raises OSError and ValueError (closed).

    Lines of several threads stay whole only if the caller holds a lock.
    """
    rest = memoryview(line.encode("ascii"))
    # An unbuffered pipe may take a part only.
    while rest:
        rest = rest[pipe.write(rest) :]


def _read(pipe: Any) -> bytes:
    try:
        return bytes(pipe.read(_PIECE))
    except (OSError, ValueError):
        return b""


def _text(line: bytes) -> str:
    return line[: LONGEST_LINE + 1].decode("utf-8", "replace").rstrip("\r")
