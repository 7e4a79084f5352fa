"""`platematte gui`: the batch panel in a window of its own."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import asdict
from importlib import import_module

from platematte.cli.matte import add_settings_flags, read_settings
from platematte.errors import MatteError

_DESCRIPTION = """Matte many shots from a table, one after the other on one warm engine.

SHOTS: lists of shots (a text file, `plate clean first-last` a line) and folders of a plate and its
clean plate. More can be added in the window. Every run of a shot writes a new version folder."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes and what carries it out."""
    parser.description = _DESCRIPTION
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("shots", metavar="SHOTS", nargs="*", help="lists of shots, and folders")
    add_settings_flags(parser)
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Show the window until it is closed. Raises MatteError without Qt or without a screen."""
    settings = asdict(read_settings(parsed))
    try:
        import_module("platematte_panel.qt")
    except ImportError as error:
        raise MatteError(
            "the window needs Qt for Python, which cannot be loaded here",
            fix=f'pip install "platematte[gui]". {error}',
        ) from error
    check_screen()
    from platematte_panel.app import run_application

    # The engine is this very program: the window and what it runs are of one version.
    return run_application([sys.executable, "-m", "platematte.cli.main"], settings, parsed.shots)


def check_screen() -> None:
    """Raise MatteError where there is no screen, for which Qt would end the process."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return
    if not os.environ.get("DISPLAY") and not os.environ.get("WAYLAND_DISPLAY"):
        raise MatteError(
            "there is no screen to open a window on",
            fix="`platematte matte` works without one; over ssh, log in with -X.",
        )
