"""Nodes that are matted one after the other: the queue behind the panel. Main thread only.

Nuke exports a node's inputs when its turn comes and not before: the disk holds the inputs of one
node, and what the artist changes while a node waits still counts. A node that waits carries the
mark of its ticket, so that it may be renamed, and one that is deleted loses its turn.
"""

from __future__ import annotations

from typing import Any, List, Optional

from platematte_client.errors import PlateMatteError

from . import readback, running
from .edits import set_quietly
from .run import run_in_background
from .running import Run, Ticket

_waiting: List[Ticket] = []
_current: Optional[Run] = None


def put(nodes: List[Any]) -> None:
    """Queue nodes; those that wait or run already are left alone."""
    for node in nodes:
        if running.run_of(node) is None and not is_waiting(node):
            ticket = Ticket(node)
            set_quietly(node, run_id=ticket.id, last_run="", status="waiting in the panel's queue")
            _waiting.append(ticket)
    _go_on()


def cancel(node: Any) -> None:
    """Cancel a node that waits or runs; frames that are finished are kept."""
    run = running.run_of(node)
    if run is not None:
        run.cancel()
        return
    ticket = _ticket_of(node)
    if ticket is not None:
        _waiting.remove(ticket)
        set_quietly(node, run_id="", last_run=running.CANCELLED + ".")
        readback.refresh(node)


def is_waiting(node: Any) -> bool:
    """Whether a node waits for its turn."""
    return _ticket_of(node) is not None


def _ticket_of(node: Any) -> Optional[Ticket]:
    mark = node["run_id"].value()
    # A copy carries the mark until Nuke has told it that it was made; it has another name.
    return next(
        (
            t
            for t in _waiting
            if t.id == mark and _find(t) is not None and t.name == node.fullName()
        ),
        None,
    )


def _find(ticket: Ticket) -> Any:
    return running.find_node(ticket)


def _go_on() -> None:
    """Start the next node, unless one of the queue's is under way."""
    global _current
    while _current is None and _waiting:
        ticket = _waiting.pop(0)
        node = _find(ticket)
        # It was deleted, or matted by its own button meanwhile.
        if node is None:
            continue
        set_quietly(node, run_id="")
        try:
            _current = run_in_background(node, None, _on_end)
        except PlateMatteError as error:
            readback.note_error(node, error)


def _on_end(run: Run) -> None:
    # Its node's status line says how it ended; a batch does not stop for a message.
    global _current
    _current = None
    _go_on()
