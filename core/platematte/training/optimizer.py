"""How weights follow their gradients: Muon for the matrices of the layers, AdamW for the rest.

With Muon few samples go farther; docs/decisions/0007 has the figures.
"""

from __future__ import annotations

import torch
from torch import nn

from .muon import Muon

Tensor = torch.Tensor
Moments = dict[str, dict[str, Tensor]]
"""What the optimizer remembers: kind of moment, name of the weight, tensor as large as it."""

_DECAY = 1e-4
_LEAST_ROWS, _LEAST_COLUMNS = 5, 16
"""Smaller matrices, depthwise kernels among them, have no directions to speak of."""


class Optimizer:
    """The optimizer of a network; what it remembers can be kept and given back."""

    def __init__(self, network: nn.Module, uses_muon: bool) -> None:
        """Take the network, in the memory in which it stays, and whether Muon has its matrices."""
        self._weights = dict(network.named_parameters())
        self._matrices = {
            name: _as_matrix(weight.detach(), weight)
            for name, weight in self._weights.items()
            if uses_muon and _is_matrix(weight)
        }
        others = [w for name, w in self._weights.items() if name not in self._matrices]
        is_fused = others[0].device.type in ("cpu", "cuda")
        self._adam = torch.optim.AdamW(others, weight_decay=_DECAY, fused=is_fused)
        self._parts: list[torch.optim.Optimizer] = [self._adam]
        # torch refuses an optimizer of nothing.
        if self._matrices:
            self._muon = Muon(self._matrices.values(), _DECAY)
            self._parts.append(self._muon)
        self.rate = 1e-4

    def step(self) -> None:
        """Move the weights along their gradients, at the rate that is set."""
        for name, matrix in self._matrices.items():
            weight = self._weights[name]
            # A branch that took no part in the loss stays as it is.
            matrix.grad = None if weight.grad is None else _as_matrix(weight.grad, weight)
        for part in self._parts:
            for group in part.param_groups:
                group["lr"] = self.rate
            part.step()

    def moments(self) -> Moments:
        """Return what it remembers; nothing before the first step."""
        kept: Moments = {}
        for name, weight in self._weights.items():
            if name in self._matrices:
                found = self._muon.state[self._matrices[name]]
                found = {kind: _as_weight(value, weight) for kind, value in found.items()}
            else:
                found = self._adam.state[weight]
            for kind, value in found.items():
                if kind != "step":
                    kept.setdefault(kind, {})[name] = value
        return kept

    def load_moments(self, moments: Moments, step: int) -> None:
        """Take back what was kept; a weight whose moments are missing begins anew."""
        for name, weight in self._weights.items():
            found = {kind: of_it[name] for kind, of_it in moments.items() if name in of_it}
            # A step goes through memory as it lies: what is kept of a weight must lie as it does.
            packed = {kind: torch.empty_like(weight).copy_(v) for kind, v in found.items()}
            if name in self._matrices and set(found) == {"momentum_buffer"}:
                momentum = _as_matrix(packed["momentum_buffer"].detach(), weight)
                self._muon.state[self._matrices[name]] = {"momentum_buffer": momentum}
            elif name not in self._matrices and set(found) == {"exp_avg", "exp_avg_sq"}:
                place = weight.device if self._adam.defaults["fused"] else "cpu"
                count = torch.tensor(float(step), device=place)
                self._adam.state[weight] = {"step": count, **packed}


def _is_matrix(weight: Tensor) -> bool:
    return weight.dim() in (2, 4) and (
        weight.shape[0] >= _LEAST_ROWS and weight[0].numel() >= _LEAST_COLUMNS
    )


def _as_matrix(value: Tensor, weight: Tensor) -> Tensor:
    """Return a weight, or what is as large, with a row for each output; a weight is not copied.

    The columns follow one another as they lie in the weight's memory; Muon does not mind how.
    """
    is_packed = weight.dim() == 4 and not weight.is_contiguous()
    return (value.permute(0, 2, 3, 1) if is_packed else value).flatten(1)


def _as_weight(matrix: Tensor, weight: Tensor) -> Tensor:
    if weight.dim() == 4 and not weight.is_contiguous():
        outputs, inputs, height, width = weight.shape
        return matrix.view(outputs, height, width, inputs).permute(0, 3, 1, 2)
    return matrix.view(weight.shape)
