"""A row of the table, and its state in words that an artist understands. No Qt."""

from dataclasses import dataclass
from typing import Dict, Iterable, List, Optional

from platematte_client.pace import describe_seconds

NEW = "not started"
WAITING = "waiting"
RUNNING = "running"
DONE = "done"
FAILED = "failed"
CANCELLED = "cancelled"
STALE = "stale"
STATES = (NEW, WAITING, RUNNING, DONE, FAILED, CANCELLED, STALE)
UNFINISHED = (WAITING, RUNNING)
"""States of rows that something will still happen to by itself."""
TO_DO = (NEW, FAILED, CANCELLED, STALE)
"""States that Start takes up where nothing is selected."""


@dataclass(frozen=True)
class Row:
    """What the table shows of one shot or node."""

    key: str
    """Its name for the source of rows; stays the same as long as the row is there."""
    name: str
    frames: str = ""
    """The range, for people."""
    plate: str = ""
    clean: str = ""
    state: str = NEW
    stage: str = ""
    """What a running job does before its frames are counted."""
    done: int = 0
    total: int = 0
    """Frames of the newest run; 0 while they are not known."""
    seconds_left: Optional[float] = None
    """None until it was measured."""
    reason: str = ""
    """Why it failed, what changed since, or what the engine warns of; may have several lines."""
    folder: str = ""
    """Version folder of the newest run; empty when there is none."""
    thumbnail: str = ""
    """PNG of the newest finished matte; empty, or not there, when there is none."""


def describe_state(row: Row) -> str:
    """Return the state of a row on one line."""
    if row.state == RUNNING:
        return _count(row) if row.total else row.stage or "starting"
    if row.state == FAILED:
        return "failed: " + first_line(row.reason)
    if row.state == STALE:
        return "stale: " + first_line(row.reason)
    if row.state == CANCELLED and row.done:
        return "cancelled, {} kept".format(_count(row))
    if row.state == DONE and row.reason:
        return "done, with a warning"
    return row.state


def describe_left(row: Row) -> str:
    """Return the time left; empty where it is not known."""
    if row.state != RUNNING or row.seconds_left is None:
        return ""
    return describe_seconds(row.seconds_left)


def describe_details(row: Row) -> str:
    """Return all that is known of a row, for the lines below the table."""
    lines = ["{}: {}".format(row.name, row.state)]
    if row.state == RUNNING:
        lines = ["{}: {}".format(row.name, describe_state(row))]
    if row.reason:
        lines = ["{}: {}".format(row.name, _first_word(row)), row.reason]
    for label, value in (("plate", row.plate), ("clean plate", row.clean), ("folder", row.folder)):
        if value:
            lines.append("{}: {}".format(label, value))
    return "\n".join(lines)


def describe_all(rows: Iterable[Row], noun: str) -> str:
    """Return how many rows there are in which state.

    >>> describe_all([Row("a", "a", state=DONE), Row("b", "b")], "shot")
    '2 shots: 1 done, 1 not started'
    """
    counts: Dict[str, int] = {}
    total = 0
    for row in rows:
        counts[row.state] = counts.get(row.state, 0) + 1
        total += 1
    order = (RUNNING, WAITING, DONE, FAILED, CANCELLED, STALE, NEW)
    parts = ["{} {}".format(counts[state], state) for state in order if state in counts]
    heading = "{} {}{}".format(total, noun, "" if total == 1 else "s")
    return heading + (": " + ", ".join(parts) if parts else "")


def keys_in(rows: Iterable[Row], states: Iterable[str]) -> List[str]:
    """Return the keys of the rows that are in one of these states, in their order."""
    wanted = tuple(states)
    return [row.key for row in rows if row.state in wanted]


def first_line(text: str) -> str:
    """Return the first line of a text that has something on it; empty for none."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _first_word(row: Row) -> str:
    return "warning" if row.state == DONE else row.state


def _count(row: Row) -> str:
    return "{} of {} frames".format(row.done, row.total)
