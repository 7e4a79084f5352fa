"""Reads checkpoints of other programs, and never runs what a file may hold besides tensors."""

from __future__ import annotations

import re
import warnings
import zipfile
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from ..errors import WeightsInvalid

_COPY_AGAIN = "Copy or download the file again and compare its checksum with the publisher's."
_TENSORS_ONLY = (
    "Ask for the file of its state dict alone: torch.save(network.state_dict(), FILE). "
    "BackgroundMattingV2's are called pytorch_*.pth, the seed's netG_epoch_*.pth."
)


def read_checkpoint(path: Path) -> object:
    """Return what a checkpoint holds, on the CPU: safetensors, or a file of `torch.save`.

    Raises WeightsInvalid for a file that is missing, damaged, of another kind, or that would have
    to run code to be read.
    """
    if not path.is_file():
        raise WeightsInvalid("there is no such file", path=path, fix="Check the path.")
    if _is_safetensors(path):
        return _read_safetensors(path)
    kind = _other_kind(path)
    if kind is not None:
        raise WeightsInvalid(f"is {kind}, not a checkpoint", path=path, fix=_TENSORS_ONLY)
    try:
        with warnings.catch_warnings():
            # Told to programmers: of a pickle protocol, of a storage class of old.
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Bytes of any kind may fail anywhere in the reader; all of it means the same to the artist.
        raise _refusal(path, error) from error


def _is_safetensors(path: Path) -> bool:
    with path.open("rb") as file:
        # Eight bytes of length, then JSON.
        return file.read(9)[8:] == b"{"


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        with safe_open(str(path), framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        told = f"is damaged: not a readable safetensors file ({error})"
        raise WeightsInvalid(told, path=path, fix=_COPY_AGAIN) from error


def _other_kind(path: Path) -> str | None:
    """Return in words what a file is when it is a network of another kind."""
    if path.suffix.lower() == ".onnx":
        return "an ONNX network"
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return None
    is_script = any(name.endswith("/constants.pkl") for name in names)
    return "a TorchScript program" if is_script else None


def _refusal(path: Path, error: Exception) -> WeightsInvalid:
    found = re.search(r"GLOBAL (\w+(?:\.\w+)+)", str(error))
    if found is not None:
        told = f"holds a Python object ({found[1]}) besides tensors; nothing of it was run"
        return WeightsInvalid(told, path=path, fix=_TENSORS_ONLY)
    return WeightsInvalid(
        f"cannot be read as a checkpoint ({type(error).__name__}): it is damaged or not of PyTorch",
        path=path,
        fix=_COPY_AGAIN,
    )
