"""Asks the engine's doctor what is wrong, on a thread: it imports torch, which takes seconds.

Nothing here touches bpy.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from platematte_client import warm
from platematte_client.doctor import Finding, ask_doctor
from platematte_client.errors import EngineDied, PlateMatteError, internal_error


@dataclass(frozen=True)
class Report:
    """What was found, in the order that it is of use."""

    can_matte: bool
    headline: str
    """One sentence without a full stop."""
    program: str
    """The engine's command line; empty when none was found."""
    troubles: tuple[str, ...]
    """What is wrong and what to do about it, each in one text that may have several lines."""
    findings: tuple[Finding, ...]
    """All that the doctor looked at."""

    def __str__(self) -> str:
        """Return the headline, then a paragraph for each trouble."""
        return "\n".join((self.headline, *self.troubles))


def look_at(explicit: str) -> Report:
    """Find the engine and ask its doctor; explicit: the path of the preferences, or empty.

    Blocks for some seconds and raises nothing: what goes wrong is in the report.
    """
    try:
        command = warm.locate(explicit)
    except PlateMatteError as error:
        # Its first line says that none was found, the others where it was looked for.
        headline, _, rest = str(error).partition("\n")
        return Report(False, headline.rstrip("."), "", (rest,), ())
    program = " ".join(command)
    try:
        return _judge(program, tuple(ask_doctor(command)))
    except EngineDied as error:
        fix = "Name another program under Engine, or install PlateMatte there anew."
        return Report(False, "The engine does not answer", program, (f"{error}\n{fix}",), ())


def _judge(program: str, findings: tuple[Finding, ...]) -> Report:
    # The folder that Blender was started in is of no concern: nothing is written there.
    concern = [finding for finding in findings if finding.name != "this folder"]
    wrong = [finding for finding in concern if finding.status != "ok"]
    can_matte = all(finding.status != "error" for finding in wrong)
    # "0.1.0, Python 3.11.7, ...": the version is what matters to an artist.
    details = [found.detail for found in findings if found.name == "platematte"]
    version = f" {details[0].partition(',')[0]}" if details else ""
    headline = f"Engine{version} works" if can_matte else f"Engine{version} cannot matte"
    return Report(can_matte, headline, program, tuple(map(str, wrong)), findings)


class Checkup:
    """One look at the engine that is under way or done."""

    def __init__(self, explicit: str) -> None:
        """Take the path of the preferences."""
        self.explicit = explicit
        self.report: Report | None = None
        """What was found; None until then."""
        self._thread = threading.Thread(target=self._work, name="PlateMatte doctor", daemon=True)

    def start(self) -> None:
        """Begin on a thread of its own."""
        self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the report is there, at most so long."""
        self._thread.join(seconds)

    def _work(self) -> None:
        try:
            self.report = look_at(self.explicit)
        except Exception as error:
            # Without a report the button would stay grey for ever.
            told = str(internal_error(error))
            self.report = Report(False, "The check itself failed", "", (told,), ())
