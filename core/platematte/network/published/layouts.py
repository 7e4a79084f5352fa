"""The layouts of published checkpoints: which entries each has, and of which shape."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from types import MappingProxyType

import torch
from torch import nn

from .mattingv2 import MattingBase, MattingRefine
from .seed import SeedNetwork

BUILDERS: dict[str, Callable[[], nn.Module]] = {
    "seed": SeedNetwork,
    "v2-resnet50": partial(MattingRefine, "resnet50"),
    "v2-resnet101": partial(MattingRefine, "resnet101"),
    "v2-mobilenetv2": partial(MattingRefine, "mobilenetv2"),
    "v2-resnet50-base": partial(MattingBase, "resnet50"),
    "v2-resnet101-base": partial(MattingBase, "resnet101"),
    "v2-mobilenetv2-base": partial(MattingBase, "mobilenetv2"),
}
"""Each layout's network, with the published settings and random weights."""


@cache
def describe_layout(name: str) -> MappingProxyType[str, tuple[int, ...]]:
    """Return the shape of every entry of a layout's state dict, in its order, without prefix."""
    with torch.device("meta"):
        state = BUILDERS[name]().state_dict()
    return MappingProxyType({key: tuple(value.shape) for key, value in state.items()})
