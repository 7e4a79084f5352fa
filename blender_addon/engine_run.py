"""The engine at work on a captured job, on a thread of its own. Nothing here is Blender's."""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Iterator
from pathlib import Path

from platematte_client import versions, warm
from platematte_client.errors import Cancelled, PlateMatteError, internal_error
from platematte_client.messages import Matte, Progress

from .record import INPUTS
from .sockets import NAMES, WORDS


class EngineRun:
    """One job on the warm engine; it tidies the version folder up when it has ended."""

    def __init__(
        self, job: Matte, command: list[str], ocio: str | None, host: str, folder: Path
    ) -> None:
        """Take what `warm.run_job` takes, and the version folder; nothing is started yet."""
        self._job, self._command, self._ocio, self._host = job, command, ocio, host
        self._folder = folder
        self._told: queue.SimpleQueue[Progress] = queue.SimpleQueue()
        self._is_cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="PlateMatte engine", daemon=True)
        self.keeps_inputs = False
        self.error: Exception | None = None
        """Why it ended, when not well; to be read once `has_ended`."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask it to stop, and return at once; finished frames are kept."""
        self._is_cancelled.set()

    @property
    def has_ended(self) -> bool:
        """Whether the engine has answered and the folder is tidied up."""
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Wait so long for the end; return whether it has come."""
        self._thread.join(seconds)
        return self.has_ended

    def news(self) -> Iterator[Progress]:
        """Yield what the engine has told since the last call."""
        while True:
            try:
                told = self._told.get_nowait()
            except queue.Empty:
                return
            yield told

    def _run(self) -> None:
        try:
            warm.run_job(
                self._job,
                self._command,
                self._ocio,
                self._host,
                self._told.put,
                self._is_cancelled.is_set,
            )
        except Cancelled as error:
            self.error = error
        except PlateMatteError as error:
            self.error = PlateMatteError(name_inputs(str(error), self._folder))
        except Exception as error:
            # A fault of ours: it must not leave the node waiting for ever.
            self.error = internal_error(error)
        finally:
            tidy_up(self._folder, self.keeps_inputs)


def tidy_up(folder: Path, keeps_inputs: bool) -> None:
    """Remove the captured inputs, and a version that has no frame; what resists stays there."""
    if keeps_inputs:
        return
    if not versions.frames_in(folder):
        versions.abandon(folder)
        return
    try:
        versions.remove_inputs(folder)
    except OSError:
        # The matte is there all the same; what is left only takes space.
        return


def name_inputs(text: str, folder: Path) -> str:
    """Return a text of the engine's with inputs in the place of captured files.

    An artist knows nothing of those files, and they are gone when the text is read.
    """

    def name(match: re.Match[str]) -> str:
        role = match.group(1)
        return f"{WORDS[role]} (input {NAMES[role]})"

    inputs = re.escape((folder / INPUTS).as_posix() + "/")
    pattern = r"({})(?:\.[-\w#%]+)*?\.exr".format("|".join(WORDS))
    return re.sub(inputs + pattern, name, text)
