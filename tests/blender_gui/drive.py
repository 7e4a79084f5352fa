"""Runs inside Blender: installs the add-on and does the steps, one after the other, by a timer.

A step is a function that yields: a number of seconds to wait. While it waits, Blender is as free as
it is between two clicks of an artist. What it says in an assertion is what a failure prints.
"""

from __future__ import annotations

import faulthandler
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy

HERE = Path(__file__).resolve().parent
WORK = Path(os.environ["PLATEMATTE_GUI_WORK"])
sys.path.insert(0, str(HERE))

Step = Callable[[], Iterator[float]]


class Run:
    """The steps that remain, and the one that is under way."""

    def __init__(self, steps: list[tuple[str, Step]]) -> None:
        self.steps = steps
        self.count = len(steps)
        self.failed: list[str] = []
        self.name = ""
        self.began = 0.0
        self.current: Iterator[float] | None = None

    def tick(self) -> float | None:
        """Go on until the step waits; the timer's next interval, None at the end."""
        if self.current is None:
            if not self.steps:
                return self.end()
            self.name, step = self.steps.pop(0)
            self.began = time.monotonic()
            self.current = step()
            print(f"STEP {self.name}", flush=True)
        try:
            return next(self.current)
        except StopIteration:
            print(f"ok {self.name} ({time.monotonic() - self.began:.1f} s)", flush=True)
        except Exception as error:
            traceback.print_exc()
            self.failed.append(self.name)
            picture(f"failed_{self.name}")
            print(f"FAILED {self.name}: {error}", flush=True)
        self.current = None
        return 0.2

    def end(self) -> None:
        """Say how it went and close Blender as its menu would."""
        if not self.failed:
            print(f"ALL STEPS PASSED ({self.count})", flush=True)
        bpy.ops.wm.quit_blender()


def picture(name: str) -> None:
    from window import picture

    picture(name)


def enable_addon() -> None:
    """Enable the extension as its tick in the preferences does."""
    import addon_utils
    from window import ADDON

    problems: list[str] = []
    module = addon_utils.enable(
        ADDON, default_set=True, handle_error=lambda error: problems.append(repr(error))
    )
    if module is None:
        raise SystemExit(f"the add-on cannot be enabled: {problems}")


def begin() -> None:
    faulthandler.enable()
    print(f"Blender {bpy.app.version_string}, Python {sys.version.split()[0]}", flush=True)
    bpy.context.preferences.view.show_splash = False
    # A factory file would bring the splash and the default add-ons' state back with each step.
    bpy.context.preferences.use_preferences_save = False
    enable_addon()
    import steps

    only = [name for name in os.environ["PLATEMATTE_GUI_ONLY"].split(",") if name]
    unknown = set(only) - {name for name, _ in steps.ALL}
    if unknown:
        raise SystemExit(f"no such step: {', '.join(sorted(unknown))}")
    chosen = [(name, step) for name, step in steps.ALL if not only or name in only]
    run = Run(chosen)
    bpy.app.timers.register(run.tick, first_interval=2.0, persistent=True)


begin()
