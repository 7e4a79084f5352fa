"""The engine's job and the record that lies beside its results."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import bpy

from platematte_client import versions
from platematte_client.frames import format_frames
from platematte_client.messages import Matte

from .order import Order

INPUTS = "inputs"
"""Folder of the captured inputs, inside the version folder."""


def pattern_of(role: str, order: Order, inputs: Path) -> str:
    """Return the pattern of a captured input: one file for a clean plate that is held."""
    if role == "clean" and order.clean_frame is not None:
        return (inputs / "clean.exr").as_posix()
    return (inputs / f"{role}.%04d.exr").as_posix()


def make_job(job_id: str, order: Order, folder: Path) -> Matte:
    """Return what the engine is asked for; folder: of the version."""
    shot: dict[str, Any] = {role: pattern_of(role, order, folder / INPUTS) for role in order.roles}
    shot["out"] = (folder / versions.PATTERN).as_posix()
    shot["frames"] = format_frames(order.frames)
    return Matte(
        job=job_id,
        shot=shot,
        settings=order.settings,
        thumbnail=(folder / versions.THUMBNAIL).as_posix(),
    )


def write_record(
    node_name: str, job: Matte, order: Order, folder: Path, made_with: dict[str, Any]
) -> Path:
    """Write what a version is made with, and the settings for a farm beside it; return the record.

    Raises OSError.
    """
    settings_file = folder / versions.SETTINGS
    settings_file.write_text(versions.as_json(order.settings), encoding="utf-8")
    command = _command(job, settings_file.as_posix())
    return versions.write_record(
        folder,
        {
            "node": node_name,
            "script": bpy.data.filepath,
            "host": host_name(),
            "shot": job.shot,
            "settings": order.settings,
            "ocio": order.space.config,
            "layers": list(order.layers),
            "command": command,
            "shell": " ".join(shlex.quote(word) for word in command),
            "made_with": made_with,
        },
    )


def host_name() -> str:
    """Return Blender's name and version."""
    return "Blender " + bpy.app.version_string


def _command(job: Matte, settings_file: str) -> list[str]:
    shot = job.shot
    command = ["platematte", "matte", shot["plate"], shot["clean"], "--out", shot["out"]]
    command += ["--frames=" + shot["frames"], "--settings", settings_file]
    for role in ("garbage", "core"):
        command += ["--" + role, shot[role]] if role in shot else []
    return command
