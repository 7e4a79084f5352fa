"""Starts the engine's program as a foreign process: no shell, no window, nothing of the host's own.

On Windows only the standard library's documented flags are used; this has not been run there.
"""

import os
import signal
import subprocess
import sys
from typing import Any, Dict, List, Mapping

from platematte_client.errors import EngineDied

_HOST_NAMES = frozenset(
    ("PYTHONHOME", "PYTHONPATH", "PYTHONEXECUTABLE", "__PYVENV_LAUNCHER__", "LD_LIBRARY_PATH")
)
"""What hosts set so that their own Python and libraries are found; it breaks a foreign Python."""
_HOST_PREFIXES = ("DYLD_", "QT_", "NUKE_")


def start_process(command: List[str], **pipes: Any) -> "subprocess.Popen[bytes]":
    """Start a command in a process group of its own and return it; pipes are unbuffered bytes.

    pipes: stdin, stdout, stderr as for Popen. Raises EngineDied where the system cannot start it.
    """
    options: Dict[str, Any] = {"env": engine_environment(os.environ), "bufsize": 0}
    if sys.platform == "win32":
        # Without these Ctrl-C in the host's console would reach the engine, and a console window
        # would open.
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        options["creationflags"] = flags
    else:
        options["start_new_session"] = True
    try:
        return subprocess.Popen(command, **options, **pipes)
    except (OSError, ValueError) as error:
        raise EngineDied(
            "The engine cannot be started: {}: {}\nCheck that this is PlateMatte's program and "
            "that you may run it.".format(command[0], getattr(error, "strerror", None) or error)
        ) from error


def kill_process(process: "subprocess.Popen[bytes]") -> None:
    """Kill a process of `start_process` and, where there are groups, all that it has started."""
    if process.poll() is not None:
        return
    try:
        if sys.platform == "win32":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
    except OSError:
        # It ended just now.
        return


def engine_environment(host: Mapping[str, str]) -> Dict[str, str]:
    """Return the environment of a host without what only the host's own libraries may see."""
    kept = {
        name: value
        for name, value in host.items()
        if name not in _HOST_NAMES and not name.startswith(_HOST_PREFIXES)
    }
    # So that paths in its last words can be read, whatever the system's encoding is.
    kept["PYTHONIOENCODING"] = "utf-8:backslashreplace"
    return kept


def describe_exit(status: int) -> str:
    """Return an exit status in words, as in "ended with status 3" or "was ended by signal 9"."""
    words = "was ended by signal {}" if status < 0 else "ended with status {}"
    return words.format(abs(status))
