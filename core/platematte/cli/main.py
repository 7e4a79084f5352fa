"""`platematte`: chooses the command, and turns its errors into sentences and exit statuses."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from platematte import __version__
from platematte.errors import MatteError

# Each command is the module of its name. Only the one that was called is imported: what it needs
# of numpy, OpenImageIO and torch would make the others, and their help, slow to start.
_COMMANDS = {
    "matte": "matte a shot",
    "info": "what we see in a file",
    "gui": "matte many shots from a table",
    "serve": "run the jobs of a host program",
    "doctor": "what this install can do",
    "demo": "matte the example shot",
    "train": "train the network",
    "weights": "import and list weights",
    "export-nuke": "the network for Nuke's Inference node",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status.

    0 done, 1 anything not listed, 2 usage or settings, 3 input missing or unreadable, 4 out of
    device memory, 5 clean plate unusable, 130 and 143 cancelled.
    """
    logging.basicConfig(
        stream=sys.stderr,
        level=os.environ.get("PLATEMATTE_LOG", "WARNING").upper(),
        format="%(name)s: %(message)s",
    )
    # Threads that wait by spinning take the cores from other programs, and from each other where
    # there are more of them than cores: on a busy machine a frame took twice as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    given = list(sys.argv[1:] if arguments is None else arguments)
    called = next((name for name in given if name in _COMMANDS), None)
    parsed = make_parser(called).parse_args(given)
    return run_safely(parsed.run, parsed)


def make_parser(called: str | None) -> argparse.ArgumentParser:
    """Return the parser of all commands; the called one sets `run` to what carries it out."""
    parser = argparse.ArgumentParser(
        prog="platematte",
        description="Alpha and premultiplied foreground from a plate and its clean plate.",
    )
    parser.add_argument("--version", action="version", version=f"platematte {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, words in _COMMANDS.items():
        command = commands.add_parser(name, help=words)
        if name == called:
            import_module(f"platematte.cli.{name.replace('-', '_')}").configure(command)
    return parser


def run_safely(run: Callable[[argparse.Namespace], int], parsed: argparse.Namespace) -> int:
    """Run a command; an error becomes one sentence and its fix on stderr, and an exit status."""
    try:
        return run(parsed)
    except MatteError as error:
        print(f"platematte: {error}", file=sys.stderr)
        if error.fix:
            print(f"  {error.fix}", file=sys.stderr)
        return error.exit_status
    except BrokenPipeError:
        # Whoever read our output has gone; there is no one left to tell.
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        return 1
    except KeyboardInterrupt:
        print("platematte: cancelled", file=sys.stderr)
        return 130
    except Exception as error:
        # A fault of ours, not of the artist: said in one line, with the way to more.
        if os.environ.get("PLATEMATTE_LOG", "").upper() == "DEBUG":
            raise
        print(f"platematte: internal error: {type(error).__name__}: {error}", file=sys.stderr)
        print("  Run again with PLATEMATTE_LOG=debug for a report to send us.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
