"""The state of a training on disk: small files, written beside and renamed, resumable."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ..errors import WeightsInvalid

Tensor = torch.Tensor


@dataclass
class Progressed:
    """How far a training is."""

    step: int = 0
    samples: int = 0
    seconds: float = 0.0


def update_average(average: dict[str, Tensor], network: nn.Module, step: int) -> None:
    """Move the running average of the weights towards the weights; faster in the beginning."""
    decay = min(0.999, (step + 1) / (step + 10))
    with torch.no_grad():
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                average[key].lerp_(value, 1 - decay)
            else:
                # BatchNorm counts its batches in integers.
                average[key].copy_(value)


def save_state(
    folder: Path,
    network: nn.Module,
    average: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
    progressed: Progressed,
) -> None:
    """Write weights, their average, both Adam moments and the counters; each under 16 MB."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [name for name, _ in network.named_parameters()]
    state = optimizer.state_dict()["state"]
    moments = {
        key: {name: state[i][key] for i, name in enumerate(names) if i in state}
        for key in ("exp_avg", "exp_avg_sq")
    }
    for name, tensors in {"model": network.state_dict(), "average": average, **moments}.items():
        _replace(folder / f"{name}.safetensors", tensors)
    part = folder / ".progress.json.part"
    part.write_text(json.dumps(vars(progressed)))
    part.replace(folder / "progress.json")


def load_state(
    folder: Path,
    network: nn.Module,
    average: dict[str, Tensor],
    optimizer: torch.optim.Optimizer,
) -> Progressed:
    """Continue from a folder; moments that are not there begin anew. Missing folder: the start.

    Raises WeightsInvalid where the folder is of another network, or damaged.
    """
    if not (folder / "progress.json").is_file():
        return Progressed()
    progressed = Progressed(**json.loads((folder / "progress.json").read_text()))
    model, kept = (_read(folder / f"{name}.safetensors") for name in ("model", "average"))
    _check(network, model, folder)
    # A motion branch that the saved weights do not have yet begins as the identity.
    network.load_state_dict(model, strict=False)
    average.update({k: v.clone() for k, v in network.state_dict().items()})
    average.update({key: value.to(average[key]) for key, value in kept.items()})
    _load_moments(folder, network, optimizer, progressed.step)
    return progressed


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        fix = "Go on from a copy of the folder, or begin anew with another --out."
        raise WeightsInvalid(f"cannot go on from here ({error})", path=path, fix=fix) from error


def _check(network: nn.Module, saved: dict[str, Tensor], folder: Path) -> None:
    places = network.state_dict()
    other = [n for n, value in saved.items() if n not in places or value.shape != places[n].shape]
    other += [n for n in places if n not in saved and not n.startswith("motion.")]
    if other:
        raise WeightsInvalid(
            f"is a training of another network; the first tensor that does not fit: {other[0]}",
            path=folder,
            fix="Give the --architecture that it began with, or another folder as --out.",
        )


def _load_moments(
    folder: Path, network: nn.Module, optimizer: torch.optim.Optimizer, step: int
) -> None:
    paths = {key: folder / f"{key}.safetensors" for key in ("exp_avg", "exp_avg_sq")}
    if not all(path.is_file() for path in paths.values()):
        return
    moments = {key: _read(path) for key, path in paths.items()}
    for name, parameter in network.named_parameters():
        if name in moments["exp_avg"]:
            # A fused step goes through memory as it lies: the moments must lie as their weight
            # does (channels last), and the count beside them.
            place = parameter.device if optimizer.defaults.get("fused") else "cpu"
            optimizer.state[parameter] = {
                "step": torch.tensor(float(step), device=place),
                **{key: torch.empty_like(parameter).copy_(moments[key][name]) for key in moments},
            }


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
