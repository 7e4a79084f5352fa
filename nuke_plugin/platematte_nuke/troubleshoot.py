"""Finds out why it does not work: Nuke's side, then the engine's own doctor."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any, List

import nuke

import platematte_client
from platematte_client import warm
from platematte_client.doctor import ask_doctor
from platematte_client.engine import EngineDied
from platematte_client.errors import PlateMatteError

from .colour import read_working_space
from .node import is_cache_temporary, read_cache

REPORT = "Please report it with the text of Troubleshoot."
"""What to do about a fault of ours."""


def show_report(node: Any) -> None:
    """Show the report in a message, when the doctor is done; without a user interface print it."""
    lines, engine = describe_nuke(node), node["engine"].evaluate() or ""
    if not nuke.GUI:
        nuke.tprint("\n".join([*lines, *describe_engine(engine)]))
        return

    def work() -> None:
        # The doctor imports torch, which takes seconds: Nuke stays usable meanwhile.
        report = "\n".join([*lines, *describe_engine(engine)])
        nuke.executeInMainThread(nuke.message, (report,))

    threading.Thread(target=work, name="PlateMatte doctor", daemon=True).start()


def describe_nuke(node: Any) -> List[str]:
    """Return what matters of Nuke and of the node, a line each. Main thread only."""
    root = nuke.root()
    proxy = (
        "on; inputs are exported at full resolution all the same"
        if root["proxy"].value()
        else "off"
    )
    return [
        "Nuke: {}, Python {}".format(nuke.NUKE_VERSION_STRING, sys.version.split()[0]),
        "plug-in: {}".format(Path(__file__).parent),
        "client: {}".format(Path(platematte_client.__file__).parent),
        "proxy mode: {}".format(proxy),
        "views: {}".format(", ".join(nuke.views())),
        "colour: " + _colour(node),
        "cache folder: " + _cache(node),
    ]


def describe_engine(explicit: str) -> List[str]:
    """Return where the engine is and what its doctor says. Any thread; takes seconds."""
    try:
        command = warm.locate(explicit.strip())
        findings = [str(finding) for finding in ask_doctor(command)]
    except (PlateMatteError, EngineDied) as error:
        return ["engine: ERROR: {}".format(error)]
    return ["engine: {}".format(" ".join(command)), *findings]


def _colour(node: Any) -> str:
    managed = nuke.root()["colorManagement"].value()
    try:
        space = read_working_space(node["plate_space"].value().strip())
    except PlateMatteError as error:
        return "{}; ERROR: {}".format(managed, error)
    return "{}; the engine is told {!r} of {}".format(
        managed, space.name, space.config or "its built-in config"
    )


def _cache(node: Any) -> str:
    try:
        folder = read_cache(node)
    except PlateMatteError as error:
        return "ERROR: {}".format(error)
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    words = (
        "" if os.access(str(there), os.W_OK) else " (ERROR: {} cannot be written to)".format(there)
    )
    if is_cache_temporary(node):
        words += " (temporary: the script was never saved)"
    return folder.as_posix() + words
