"""Writes the live model with all that a TD needs to make a .cat of it in Nuke."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from platematte.errors import OutputExists, OutputUnwritable, UsageInvalid, WeightsInvalid
from platematte.images.atomic import whole_file
from platematte.images.colour import rec709_matrix, working_space
from platematte.live.archive import save_for_old_torch
from platematte.live.model import script_live_matte
from platematte.live.preset import NAME, preset_text, readme_text
from platematte.network.weights import find_weights, load_weights

_MEANS_MORE = frozenset("[]$%#\\")


@dataclass(frozen=True)
class LiveExport:
    """The files of an export."""

    model: Path
    preset: Path
    readme: Path

    def all(self) -> tuple[Path, Path, Path]:
        """Return the files in the order in which they are needed."""
        return self.model, self.preset, self.readme


def export_live(
    folder: Path, weights: str = "default", space: str | None = None, is_overwriting: bool = False
) -> LiveExport:
    """Write TorchScript, CatFileCreator preset and README.txt into a folder, which may be new.

    space: the linear space that the comp works in, by its name in the OCIO config; None: linear
    Rec.709. Raises, before any work, OutputExists, and UsageInvalid for a path that means something
    else to Nuke; further OutputUnwritable, WeightsInvalid, TorchUnfit and, for the space,
    ColourSpaceUnknown and SettingsInvalid.
    """
    export = _free(folder, is_overwriting)
    matrix = np.eye(3) if space is None else rec709_matrix(working_space(space, space))
    matter, card = load_weights(find_weights(weights))
    if card.is_temporal:
        raise WeightsInvalid(
            "these weights look at neighbouring frames inside the network, which live does not",
            path=find_weights(weights),
            fix="Export weights of single frames; those in the package are.",
        )
    back = np.linalg.inv(matrix.astype(np.float64))
    model = script_live_matte(matter, matrix.ravel().tolist(), back.ravel().tolist())
    save_for_old_torch(model, export.model)
    cat = export.model.with_suffix(".cat")
    _write(export.preset, preset_text(export.model.as_posix(), cat.as_posix()))
    _write(export.readme, readme_text(card.name, card.sha256, space))
    return export


def _free(folder: Path, is_overwriting: bool) -> LiveExport:
    # Nuke has another working folder than this command.
    folder = folder.resolve()
    unfit = sorted(_MEANS_MORE.intersection(folder.as_posix()))
    if unfit:
        raise UsageInvalid(
            f"Nuke reads {' and '.join(unfit)} in a path as Tcl or as a frame number",
            path=folder,
            fix="Choose a folder without these characters in its path.",
        )
    if folder.exists() and not folder.is_dir():
        raise OutputUnwritable("this is a file, not a folder", path=folder)
    names = (f"{NAME}.pt", f"{NAME}_CatFileCreator.nk", "README.txt")
    export = LiveExport(*(folder / name for name in names))
    there = [path for path in export.all() if path.exists()]
    if there and not is_overwriting:
        raise OutputExists(
            "this file is there already",
            path=there[0],
            fix="Choose a new folder, or pass --overwrite to replace what an export wrote.",
        )
    return export


def _write(path: Path, text: str) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
