"""Asks the engine's own `doctor` what its install can do, for a host's Troubleshoot button."""

import json
import subprocess
from dataclasses import dataclass
from typing import Any, List

from platematte_client.errors import EngineDied
from platematte_client.process import describe_exit, kill_process, start_process

DOCTOR_PATIENCE_S = 120.0
"""The doctor imports torch and looks at the GPUs, which takes long on a cold disk."""
_LAST_WORDS = 2000


@dataclass(frozen=True)
class Finding:
    """One thing that the doctor looked at."""

    name: str
    status: str
    """ok; warning: something will not work; error: nothing can be matted."""
    detail: str
    fix: str

    def __str__(self) -> str:
        """Return it as a line for people, and what to do on a second one."""
        mark = "" if self.status == "ok" else self.status.upper() + ": "
        fix = "\n  " + self.fix if self.fix else ""
        return "{}: {}{}{}".format(self.name, mark, self.detail, fix)


def ask_doctor(command: List[str], patience_s: float = DOCTOR_PATIENCE_S) -> List[Finding]:
    """Return what `doctor` finds; command is that of `find_engine`.

    Blocks the calling thread for some seconds. Raises EngineDied, with the program's last words,
    when it cannot be started, does not answer in time or is not PlateMatte's.
    """
    process = start_process(
        [*command, "doctor", "--json"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        told, words = process.communicate(timeout=patience_s)
    except subprocess.TimeoutExpired:
        kill_process(process)
        told, words = process.communicate()
        raise EngineDied(
            "{} said nothing for {:.0f} seconds\n{}".format(command[0], patience_s, _end_of(words))
        ) from None
    findings = _read(told)
    if not findings:
        raise EngineDied(
            "{} {} and is not PlateMatte's engine, or an older one\n{}".format(
                command[0], describe_exit(process.returncode), _end_of(words or told)
            )
        )
    return findings


def _read(told: bytes) -> List[Finding]:
    # Libraries may print while they are looked at; the doctor's own line is the last one.
    lines = told.decode("utf-8", "replace").split("\n")
    for line in reversed(lines):
        try:
            checks: Any = json.loads(line)["checks"]
            keys = ("name", "status", "detail", "fix")
            return [Finding(*(str(check[key]) for key in keys)) for check in checks]
        except (ValueError, KeyError, TypeError):
            continue
    return []


def _end_of(words: bytes) -> str:
    return words.decode("utf-8", "replace")[-_LAST_WORDS:].strip()
