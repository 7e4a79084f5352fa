"""Fixtures for the published networks: checkpoints with random weights, as they were published."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

from platematte.network.published.layouts import BUILDERS

MakeState = Callable[..., dict[str, torch.Tensor]]
SaveCheckpoint = Callable[..., Path]


@pytest.fixture(scope="session")
def make_state() -> MakeState:
    """Builder of a state dict with random weights and BatchNorm statistics: `make_state("seed")`.

    As published: the seed's keys bear `module.`, V2's are bare.
    """

    @cache
    def once(layout: str) -> dict[str, torch.Tensor]:
        torch.manual_seed(21)
        state = BUILDERS[layout]().state_dict()
        for key, value in state.items():
            if key.endswith("running_mean"):
                value.normal_(0, 0.1)
            elif key.endswith("running_var"):
                value.uniform_(0.5, 1.5)
            elif key.endswith("num_batches_tracked"):
                value.fill_(77)
        prefix = "module." if layout == "seed" else ""
        return {prefix + key: value for key, value in state.items()}

    def build(layout: str) -> dict[str, torch.Tensor]:
        return {key: value.clone() for key, value in once(layout).items()}

    return build


@pytest.fixture(scope="session")
def save_checkpoint(make_state: MakeState) -> SaveCheckpoint:
    """Builder of a checkpoint file: `save_checkpoint(folder, "v2-mobilenetv2")`."""

    def build(folder: Path, layout: str, name: str = "net_1.pth") -> Path:
        torch.save(make_state(layout), folder / name)
        return folder / name

    return build
