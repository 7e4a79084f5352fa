"""The state of a training on disk: small files, written beside and renamed, resumable."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from ..errors import WeightsInvalid
from .optimizer import Optimizer

log = logging.getLogger(__name__)

Tensor = torch.Tensor
_FIX_GO_ON = "Go on from a copy of the folder, or begin anew with another --out."
_FIX_BEGIN = "Give --begin-from weights that `platematte train` wrote, or leave it out."
_MOMENTS = ("exp_avg", "exp_avg_sq", "momentum_buffer")
"""What an optimizer may remember, each in a file of its own."""
_GUESS = ("think_stage.guess", "draw_stage.guess", "draw_stage.lean")
_GROWN = ("motion.", "look_stage.through", "refine.evidence", *_GUESS)
"""Branches that saved weights may not have yet; they begin by adding nothing."""


@dataclass
class Progressed:
    """How far a training is."""

    step: int = 0
    samples: int = 0
    seconds: float = 0.0


def update_average(average: dict[str, Tensor], network: nn.Module, step: int) -> None:
    """Move the running average of the weights towards the weights; faster in the beginning."""
    decay = min(0.999, (step + 1) / (step + 10))
    now = {key: value.detach() for key, value in network.state_dict().items()}
    # All at once: to tell a GPU of each would take it longer than to do it. BatchNorm counts its
    # batches in integers.
    moving = [key for key, value in now.items() if value.is_floating_point()]
    follow = get_ema_multi_avg_fn(decay)
    follow([average[key] for key in moving], [now[key] for key in moving], None)
    for key in now.keys() - moving:
        average[key].copy_(now[key])


def save_state(
    folder: Path,
    network: nn.Module,
    average: dict[str, Tensor],
    optimizer: Optimizer,
    progressed: Progressed,
) -> None:
    """Write weights, their average, the optimizer's moments and the counters; each under 16 MB."""
    folder.mkdir(parents=True, exist_ok=True)
    written = {"model": network.state_dict(), "average": average, **optimizer.moments()}
    for name, tensors in written.items():
        _replace(folder / f"{name}.safetensors", tensors)
    for name in set(_MOMENTS) - set(written):
        # Of another optimizer than this one, and older than these weights.
        (folder / f"{name}.safetensors").unlink(missing_ok=True)
    part = folder / ".progress.json.part"
    part.write_text(json.dumps(vars(progressed)))
    part.replace(folder / "progress.json")


def load_state(
    folder: Path,
    network: nn.Module,
    average: dict[str, Tensor],
    optimizer: Optimizer,
) -> Progressed:
    """Continue from a folder; moments that are not there begin anew. Missing folder: the start.

    Raises WeightsInvalid where the folder is of another network, or damaged.
    """
    if not (folder / "progress.json").is_file():
        return Progressed()
    progressed = Progressed(**json.loads((folder / "progress.json").read_text()))
    model, kept = (_read(folder / f"{name}.safetensors") for name in ("model", "average"))
    _check(network, model, folder)
    _fill(network, model)
    average.update({k: v.clone() for k, v in network.state_dict().items()})
    average.update({key: value.to(average[key]) for key, value in kept.items()})
    paths = {kind: folder / f"{kind}.safetensors" for kind in _MOMENTS}
    found = {kind: _read(path) for kind, path in paths.items() if path.is_file()}
    optimizer.load_moments(found, progressed.step)
    return progressed


def begin_from(network: nn.Module, path: Path) -> None:
    """Give a network what a set of weights has for it; layers of another size stay as they are.

    Raises WeightsInvalid where the file is unreadable, or has nothing for this network.
    """
    places = network.state_dict()
    found = {
        name: value.to(places[name])
        for name, value in _read(path, _FIX_BEGIN).items()
        if name in places and value.shape == places[name].shape
    }
    if not found:
        told = "holds nothing that this network could begin with"
        raise WeightsInvalid(told, path=path, fix=_FIX_BEGIN)
    _fill(network, found)
    log.info("%d of %d tensors are from %s", len(found), len(places), path)


def _fill(network: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Put tensors into their places; a guess that is not among them has no say at first."""
    places = network.state_dict()
    silent = {n: p.zero_() for n, p in places.items() if n.startswith(_GUESS) and n not in tensors}
    network.load_state_dict({**silent, **tensors}, strict=False)


def _read(path: Path, fix: str = _FIX_GO_ON) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsInvalid(f"cannot go on from here ({error})", path=path, fix=fix) from error


def _check(network: nn.Module, saved: dict[str, Tensor], folder: Path) -> None:
    places = network.state_dict()
    other = [n for n, value in saved.items() if n not in places or value.shape != places[n].shape]
    other += [n for n in places if n not in saved and not n.startswith(_GROWN)]
    if other:
        raise WeightsInvalid(
            f"is a training of another network; the first tensor that does not fit: {other[0]}",
            path=folder,
            fix="Give the --architecture that it began with, or another folder as --out.",
        )


def pack_state(folder: Path, to: Path) -> None:
    """Write a small copy of a state, as half floats and without the moments, to go on from."""
    to.mkdir(parents=True, exist_ok=True)
    for name in ("model", "average"):
        tensors = load_file(folder / f"{name}.safetensors")
        _replace(to / f"{name}.safetensors", {key: value.half() for key, value in tensors.items()})
    (to / "progress.json").write_text((folder / "progress.json").read_text())


def _replace(path: Path, tensors: dict[str, Tensor]) -> None:
    part = path.with_name(f".{path.name}.part")
    save_file({key: value.detach().cpu().contiguous() for key, value in tensors.items()}, str(part))
    part.replace(path)
