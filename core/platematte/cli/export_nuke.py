"""`platematte export-nuke`: the network as TorchScript for Nuke's Inference node."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes and what carries it out."""
    parser.description = (
        "Write the live model (TorchScript for torch 1.6 and later, Nuke 13 and later), a "
        "CatFileCreator that makes a .cat of it in NukeX, and a README.txt. "
        "None of it was run in a real Nuke by us."
    )
    parser.add_argument("folder", type=Path, metavar="OUT_DIR", help="folder to write into")
    parser.add_argument(
        "--weights", default="default", metavar="NAME|FILE", help="set of weights of our network"
    )
    parser.add_argument(
        "--working-space",
        metavar="NAME",
        help="linear space that the comp works in; without: linear Rec.709",
    )
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier export")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Export and print the paths of what was written; raises what `export_live` raises."""
    from platematte.live.export import export_live

    export = export_live(parsed.folder, parsed.weights, parsed.working_space, parsed.overwrite)
    for path in export.all():
        print(path)
    print(f"{export.readme.name} says what to do in Nuke.", file=sys.stderr)
    return 0
