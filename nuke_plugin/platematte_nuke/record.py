"""The jobs of a run, one for each view, and the record that lies beside their results."""

from __future__ import annotations

import shlex
from typing import Any, Dict, List

import nuke

from platematte_client import versions
from platematte_client.frames import format_frames
from platematte_client.messages import Matte

from . import stale
from .running import Run


def make_jobs(run: Run, patterns: Dict[str, str]) -> List[Matte]:
    """Return a job for each view; patterns: of the exported inputs, by role, with %V for views."""
    shot: Dict[str, Any] = dict(patterns)
    shot["out"] = (run.folder / versions.pattern_for(run.order.views)).as_posix()
    shot["frames"] = format_frames(run.order.frames)
    # One picture stands for all views: that of the first.
    thumbnail = (run.folder / versions.THUMBNAIL).as_posix()
    return [
        Matte(
            job="{}.{}".format(run.id, view),
            shot={name: text.replace("%V", view) for name, text in shot.items()},
            settings=run.order.settings,
            thumbnail=None if index else thumbnail,
        )
        for index, view in enumerate(run.order.views)
    ]


def make_record(node: nuke.Node, run: Run) -> Dict[str, Any]:
    """Return what a version is made with, and write the settings for a farm beside it.

    Raises OSError.
    """
    settings_file = run.folder / versions.SETTINGS
    settings_file.write_text(versions.as_json(run.order.settings), encoding="utf-8")
    commands = [_command(job, settings_file.as_posix()) for job in run.jobs]
    return {
        "node": run.name,
        "script": nuke.root()["name"].value(),
        "host": run.host,
        "views": list(run.order.views),
        "shots": [job.shot for job in run.jobs],
        "settings": run.order.settings,
        "ocio": run.order.space.config,
        "layers": list(run.order.layers),
        "commands": commands,
        # With several views there is no one command that mattes the shot.
        "command": commands[0] if len(commands) == 1 else None,
        "shell": " && ".join(" ".join(shlex.quote(word) for word in one) for one in commands),
        "made_with": stale.describe_making(node, run.order),
    }


def _command(job: Matte, settings_file: str) -> List[str]:
    shot = job.shot
    command = ["platematte", "matte", shot["plate"], shot["clean"], "--out", shot["out"]]
    command += ["--frames=" + shot["frames"], "--settings", settings_file]
    for role in ("garbage", "core"):
        command += ["--" + role, shot[role]] if role in shot else []
    return command
