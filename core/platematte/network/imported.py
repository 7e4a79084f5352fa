"""Imported weights: published checkpoints as safetensors, with their origin and their licence."""

from __future__ import annotations

import json
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ..errors import WeightsInvalid
from .checkpoint import read_checkpoint
from .published.layouts import BUILDERS
from .published.recognise import NotRecognised, recognise
from .weights import ALIASES, WeightsCard, hash_file, packaged_weights, read_header, weights_folder

Tensor = torch.Tensor

FORMAT = "platematte-published-1"
LICENCES = {"seed": "CC BY-NC-SA 4.0", "v2": "MIT"}
"""The licences that the checkpoints were published under, by the start of the layout's name."""
_KNOWN_ONLY = (
    "Import the file as it was published; `platematte weights import --help` lists the layouts."
)


@dataclass(frozen=True)
class ImportedWeights:
    """A set of imported weights and what its header says."""

    name: str
    path: Path
    layout: str
    licence: str
    origin: str
    """Name of the file that it was imported from."""
    origin_sha256: str


def import_weights(
    source: Path,
    name: str | None = None,
    licence: str | None = None,
    folder: Path | None = None,
    replace: bool = False,
) -> ImportedWeights:
    """Convert a published checkpoint to safetensors in the folder of imported weights.

    name: by default the file's. licence: by default the one that it was published under. A set of
    that name of another origin is refused unless it may be replaced. Raises WeightsInvalid.
    """
    chosen = _checked_name(source, name)
    try:
        layout, tensors = recognise(read_checkpoint(source))
    except NotRecognised as error:
        raise WeightsInvalid(f"{error}", path=source, fix=_KNOWN_ONLY) from None
    header = {
        "format": FORMAT,
        "name": chosen,
        "layout": layout,
        "licence": licence or LICENCES[layout.partition("-")[0]],
        "origin": source.name,
        "origin_sha256": hash_file(source),
    }
    path = (folder or weights_folder()) / f"{chosen}.safetensors"
    if path.exists() and not replace:
        _refuse_other(path, header)
    _write(path, tensors, header)
    return read_imported(path)


def read_imported(path: Path) -> ImportedWeights:
    """Return what a file of imported weights says of itself; raises WeightsInvalid."""
    header = read_header(path)
    try:
        if header["format"] != FORMAT or header["layout"] not in BUILDERS:
            raise KeyError(header["format"])
        return ImportedWeights(
            name=header["name"],
            path=path,
            layout=header["layout"],
            licence=header["licence"],
            origin=header["origin"],
            origin_sha256=header["origin_sha256"],
        )
    except KeyError as error:
        raise WeightsInvalid(f"was not written by an import ({error})", path=path) from None


def load_imported(path: Path) -> tuple[torch.nn.Module, WeightsCard]:
    """Return the network of imported weights, in evaluation mode, and their card.

    Raises WeightsInvalid for a file that is damaged or does not hold what its header says.
    """
    told = read_imported(path)
    try:
        with safe_open(str(path), framework="pt") as file:
            # Copies: what the library hands out is the file itself, which may be replaced.
            held = {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
        layout, tensors = recognise(held)
    except (SafetensorError, OSError, NotRecognised) as error:
        raise WeightsInvalid(f"is damaged: {error}", path=path, fix=_import_again(told)) from error
    if layout != told.layout:
        reason = f"says that it is {told.layout} and holds {layout}"
        raise WeightsInvalid(reason, path=path, fix=_import_again(told))
    with torch.device("meta"):
        network = BUILDERS[layout]()
    network.load_state_dict(tensors, assign=True)
    card = WeightsCard(told.name, told.licence, 0, False, hash_file(path))
    return network.eval().requires_grad_(False), card


def _import_again(told: ImportedWeights) -> str:
    return f"Import {told.origin} again: platematte weights import {told.origin} --replace"


def _checked_name(source: Path, name: str | None) -> str:
    chosen = re.sub(r"[^A-Za-z0-9._-]+", "-", source.stem).strip("-.") if name is None else name
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", chosen):
        raise WeightsInvalid(
            f"weights cannot be called {chosen!r}",
            path=source,
            fix="--name takes letters, digits, dots, dashes and underscores.",
        )
    if chosen in {*ALIASES, *packaged_weights()}:
        raise WeightsInvalid(
            f"weights called {chosen!r} are in the package already",
            path=source,
            fix="Give another name: --name NAME",
        )
    return chosen


def _refuse_other(path: Path, header: dict[str, str]) -> None:
    """Refuse to take the place of anything that is not the same import."""
    try:
        is_same = read_header(path) == header
    except WeightsInvalid:
        is_same = False
    if not is_same:
        raise WeightsInvalid(
            "there are other weights of this name, or the same with another licence or origin",
            path=path,
            fix="Give another name with --name, or pass --replace.",
        )


def _write(path: Path, tensors: dict[str, Tensor], header: dict[str, str]) -> None:
    """Write tensors, floats as float32, beside and then renamed."""
    kept = {
        # BatchNorm counts its batches in whole numbers; nothing else does.
        key: value.to(torch.int64 if key.endswith(".num_batches_tracked") else torch.float32)
        .contiguous()
        .clone()
        for key, value in tensors.items()
    }
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(_with_sorted_header(save(kept, metadata=header)))
        part.replace(path)
    except OSError as error:
        raise WeightsInvalid(
            f"cannot be written: {error.strerror or error}",
            path=path,
            fix="Check the permissions and the free space, or name a folder with --to.",
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _with_sorted_header(packed: bytes) -> bytes:
    """Return a safetensors file with its header in one order: the same import, the same bytes.

    The library writes what we say of a file in an order of chance; its SHA-256 names the weights
    in every frame, and must be the same wherever the same checkpoint was imported.
    """
    (length,) = struct.unpack("<Q", packed[:8])
    header = json.loads(packed[8 : 8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    # Tensors begin at a multiple of eight bytes; spaces may follow the JSON.
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + packed[8 + length :]
