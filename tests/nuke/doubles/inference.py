"""CatFileCreator and Inference, with the tests' own torch in the place of Nuke's.

What a real .cat holds is Foundry's. Here it is a zip of the TorchScript and of what the creator's
knobs say. Both nodes keep the rules of Foundry's guides: one tensor in, one out, the channels in
the order of the knobs, a user's knob of the creator set as the attribute of its name. Rows go from
the top down, as trained models expect them; that Nuke does so is concluded from models that work.
"""

from __future__ import annotations

import json
import zipfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from doubles.channels import channels_of
from doubles.image import Image
from doubles.render import Render, op


def create_cat(node: Any) -> None:
    """Write the .cat of a CatFileCreator. Raises RuntimeError for a knob that cannot be right."""
    import torch

    path, model = node["catFile"].evaluate() or "", node["torchScriptFile"].evaluate() or ""
    names = {key: _channels(node, key) for key in ("channelsIn", "channelsOut")}
    if not Path(model).is_file():
        raise RuntimeError(f"{node._name}: there is no {model}")
    if not path.endswith(".cat") or not node["modelId"].value():
        raise RuntimeError(f"{node._name}: catFile must end in .cat, and modelId must be set")
    attributes = torch.jit.load(model)
    knobs = {}
    for knob in node._knobs.values():
        if knob._is_user and knob.user_id in (3, 6, 7):
            if not hasattr(attributes, knob._name):
                raise RuntimeError(f"{node._name}: the model has no attribute {knob._name}")
            knobs[knob._name] = type(getattr(attributes, knob._name))(knob.value())
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(model, "model.pt")
        archive.writestr("knobs.json", json.dumps({**names, "knobs": knobs}))


def _channels(node: Any, knob: str) -> list[str]:
    names = [name.strip() for name in node[knob].value().split(",")]
    for name in names:
        if channels_of(name) != [name]:
            raise RuntimeError(f"{node._name}: {name} of {knob} is no channel")
    return names


@lru_cache(maxsize=2)
def _load(path: str, written_ns: int) -> tuple[Any, dict[str, Any]]:
    import torch

    with zipfile.ZipFile(path) as archive:
        told = json.loads(archive.read("knobs.json"))
        with archive.open("model.pt") as file:
            model = torch.jit.load(file)
    for name, value in told["knobs"].items():
        setattr(model, name, value)
    return model, told


@op("Inference")
def inference(render: Render, node: Any, frame: int) -> Image:
    """The model's answer over the input's bounding box, in its own channels; others pass."""
    import torch

    path = node["modelFile"]._at(frame)
    if not path or not Path(path).is_file():
        raise RuntimeError(f"{node._name}: no model {path}")
    model, told = _load(path, Path(path).stat().st_mtime_ns)
    below = render.input(node, 0, frame)
    planes = np.stack([below.plane(name)[::-1] for name in told["channelsIn"]])
    with torch.no_grad():
        answer = model(torch.from_numpy(planes[None].copy()))[0].numpy()
    if len(answer) != len(told["channelsOut"]) or answer.shape[1:] != planes.shape[1:]:
        raise RuntimeError(f"{node._name}: the model answers {answer.shape}")
    return below.with_planes(
        {name: answer[index, ::-1] for index, name in enumerate(told["channelsOut"])}
    )
