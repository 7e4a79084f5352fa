"""Muon: a step of equal length along every direction that a layer's matrix knows.

torch has one, which iterates in bfloat16 wherever it runs: on a CPU without instructions for that
it takes most of a training step. This one iterates in what the device computes.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

from ..network.device import choose_training_type

Tensor = torch.Tensor

_MOMENTUM = 0.95
_ITERATIONS = 5
_QUINTIC = (3.4445, -4.7750, 2.0315)
"""Jordan et al. 2024: steepest at zero, so that five iterations lift small singular values to 1."""


class Muon(torch.optim.Optimizer):
    """Muon with Nesterov's momentum for matrices (Jordan et al. 2024).

    The step is scaled to the size of AdamW's (Liu et al., "Muon is Scalable for LLM Training",
    2025), so that one rate serves both.
    """

    def __init__(self, matrices: Iterable[Tensor], decay: float) -> None:
        """Take the matrices and how much of a weight goes with each step, times the rate."""
        super().__init__(matrices, {"lr": 1e-3, "decay": decay})

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]  # no closure: losses are known by then
        """Move each matrix that has a gradient."""
        for group in self.param_groups:
            rate, decay = group["lr"], group["decay"]
            for matrices in _alike(group["params"]):
                ways = [self._follow(matrix) for matrix in matrices]
                if len(ways) > 1:
                    ways = list(orthogonalised(torch.stack(ways)))
                else:
                    ways = [orthogonalised(ways[0])]
                size = 0.2 * max(matrices[0].shape) ** 0.5
                for matrix, way in zip(matrices, ways, strict=True):
                    matrix.mul_(1 - rate * decay).add_(way, alpha=-rate * size)

    def _follow(self, matrix: Tensor) -> Tensor:
        """Return where gradients up to now point, the last one counting once more."""
        state = self.state[matrix]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(matrix)
        momentum: Tensor = state["momentum_buffer"].lerp_(matrix.grad, 1 - _MOMENTUM)
        assert matrix.grad is not None
        return matrix.grad.lerp(momentum, _MOMENTUM)


def _alike(matrices: Iterable[Tensor]) -> list[list[Tensor]]:
    """Return the matrices that have a gradient: on a GPU those of one shape together, else each.

    There a step takes as long as the telling of it; the 41 matrices of `quality` have 24 shapes.
    """
    groups: dict[object, list[Tensor]] = {}
    for matrix in matrices:
        if matrix.grad is not None:
            shape = matrix.shape if matrix.device.type != "cpu" else id(matrix)
            groups.setdefault(shape, []).append(matrix)
    return list(groups.values())


def orthogonalised(matrix: Tensor) -> Tensor:
    """Return a matrix with all of its singular values near 1 (Newton and Schulz), as float32.

    Or N of them, N x R x C.
    """
    add = torch.addmm if matrix.dim() == 2 else torch.baddbmm
    is_tall = matrix.shape[-2] > matrix.shape[-1]
    wide = (matrix.mT if is_tall else matrix).to(choose_training_type(matrix.device))
    wide = wide / wide.norm(dim=(-2, -1), keepdim=True).clamp(min=1e-7)
    a, b, c = _QUINTIC
    for _ in range(_ITERATIONS):
        gram = wide @ wide.mT
        wide = add(wide, add(gram, gram, gram, beta=b, alpha=c), wide, beta=a)
    return (wide.mT if is_tall else wide).float()
