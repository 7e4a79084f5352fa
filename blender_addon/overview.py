"""What the sidebar says of each PlateMatte node of the file; drawn by panels.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import compat, running, status
from .find import our_nodes


@dataclass(frozen=True)
class Shot:
    """A node as the sidebar shows it."""

    name: str
    """Its label or name; with its tree's name where that is no scene's compositor of 4.x."""
    node: str
    tree: str
    """Names of node and tree, for the operators."""
    told: str
    """The node's own status line; of a job how far it is, and how long it will still take."""
    icon: str
    progress: float | None
    """Finished part of the job that is under way, 0 to 1; None when there is none."""
    has_folder: bool
    """Whether there is something to open."""


def list_shots() -> list[Shot]:
    """Return all nodes by name."""
    return sorted(map(_describe, our_nodes()), key=lambda shot: shot.name)


def _describe(node: Any) -> Shot:
    told = status.of(node)
    job = running.job_of(node)
    return Shot(
        name=_name(node),
        node=node.name,
        tree=node.id_data.name,
        told=told.text,
        icon=told.icon,
        progress=None if job is None else job.progress,
        has_folder=bool(node.shown),
    )


def _name(node: Any) -> str:
    name = node.label or node.name
    # In 4.x the compositors of scenes have no name of their own.
    tree = "" if node.id_data in compat.embedded_trees() else node.id_data.name
    return f"{tree}: {name}" if tree else name
