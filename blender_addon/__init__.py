"""PlateMatte in Blender: a compositor node over the engine's EXR files.

The node's inputs are captured to float EXR, the engine mattes them in a process of its own, and the
node's inner tree shows the result. `api.py` is for scripts.
"""

from __future__ import annotations

from . import (
    clear_versions,
    disk_panel,
    icons,
    new_comp,
    node,
    operators,
    panels,
    preferences,
    running,
    status,
)

_MODULES = (
    icons,
    preferences,
    node,
    operators,
    status,
    running,
    new_comp,
    panels,
    disk_panel,
    clear_versions,
)
"""Each has register() and unregister(); in the order of need."""


def register() -> None:
    """Add the node, its operators and its handlers to Blender."""
    for module in _MODULES:
        module.register()


def unregister() -> None:
    """Take all of it away again, end what is under way, and end the engine."""
    for module in reversed(_MODULES):
        module.unregister()
