"""`platematte weights`: imports published checkpoints, and lists the weights there are."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from platematte.errors import MatteError


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes and what carries it out."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    importer = actions.add_parser(
        "import",
        help="convert a published checkpoint, to be used as --weights NAME",
        description="Convert a published checkpoint to safetensors. Known are the seed's network "
        "(netG_epoch_*) and BackgroundMattingV2 (pytorch_resnet50.pth, _resnet101, _mobilenetv2). "
        "Only tensors are read; code in a file is never run. The weights keep their own licence.",
    )
    importer.add_argument("file", type=Path, metavar="FILE", help="the checkpoint")
    importer.add_argument("--name", help="what to call it; without: the name of the file")
    importer.add_argument(
        "--licence", metavar="TEXT", help="licence that the weights are used under"
    )
    importer.add_argument("--to", type=Path, metavar="FOLDER", help="folder; without: the user's")
    importer.add_argument(
        "--replace", action="store_true", help="take the place of other weights of that name"
    )
    importer.set_defaults(run=run_import)
    mean = actions.add_parser(
        "mean",
        help="write the mean of runs of `platematte train` that began with the same weights",
    )
    mean.add_argument("files", type=Path, nargs="+", metavar="FILE", help="their weights")
    mean.add_argument("--out", type=Path, required=True, metavar="FILE", help="a new file")
    mean.set_defaults(run=run_mean)
    lister = actions.add_parser("list", help="list the weights in the package and the imported")
    lister.set_defaults(run=run_list)


def run_import(parsed: argparse.Namespace) -> int:
    """Import one checkpoint and print what has become of it."""
    from platematte.network.imported import import_weights
    from platematte.network.weights import weights_folder

    imported = import_weights(parsed.file, parsed.name, parsed.licence, parsed.to, parsed.replace)
    print(_line(imported.name, imported.path))
    is_found = imported.path.parent == weights_folder()
    use = imported.name if is_found else imported.path
    print(f"Use it with --weights {use}. Its licence: {imported.licence}.", file=sys.stderr)
    if "NC" in imported.licence:
        print("It allows no commercial work unless the studio has cleared it.", file=sys.stderr)
    return 0


def run_mean(parsed: argparse.Namespace) -> int:
    """Write the mean and print where it is."""
    from platematte.network.weights import mean_weights

    print(mean_weights(parsed.files, parsed.out))
    return 0


def run_list(parsed: argparse.Namespace) -> int:
    """Print one line for each set of weights: name, network, licence, file."""
    from platematte.network.weights import imported_weights, packaged_weights

    for name, path in {**imported_weights(), **packaged_weights()}.items():
        print(_line(name, path))
    return 0


def _line(name: str, path: Path) -> str:
    from platematte.network import imported, weights

    try:
        header = weights.read_header(path)
        if header.get("format") == weights.FORMAT:
            network = "ours"
        else:
            network = imported.read_imported(path).layout
        if path == weights.packaged_weights().get(weights.DEFAULT):
            network += " (default)"
    except MatteError as error:
        return f"{name}  unusable: {error.reason}  unknown  {path}"
    return f"{name}  {network}  {header.get('licence', 'unknown')}  {path}"
