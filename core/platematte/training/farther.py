"""Teaches a set of weights to look far, and keeps what it answers to small frames.

Weights that artists know do not become others for HD because 4K is to be quicker. Only `think`
learns, for it alone looks farther (docs/decisions/0011).
"""

from __future__ import annotations

import copy

import torch

from ..errors import SettingsInvalid
from ..network.encode import encode_view
from ..network.matter import Cues, Drawn, Matter
from .architectures import Ours, cues_of
from .losses import ERROR_FLOOR, lean_clamp, matting_loss
from .synthesise import Sample

Tensor = torch.Tensor

_LEARNS = "think_stage."
_KEEPS = 4.0
"""How much a departure from the teacher counts beside an error against the truth."""


class Farther(Ours):
    """A network whose `think` learns; half of its crops are far, half are held to a teacher."""

    def __init__(self, taught: Matter) -> None:
        """Take the weights to begin with, which the teacher keeps.

        Raises SettingsInvalid for a network that cannot look far.
        """
        if taught.widths.reach < 2:
            raise SettingsInvalid("this network does not look far", fix="Take `quality`.")
        super().__init__(taught)
        self.teacher = copy.deepcopy(taught).eval().requires_grad_(False)
        for name, weight in taught.named_parameters():
            weight.requires_grad_(name.startswith(_LEARNS))

    def loss(self, samples: list[Sample]) -> dict[str, Tensor]:
        """Return the terms of one batch: against the truth if far, else against the teacher."""
        sample = samples[len(samples) // 2]
        cues, is_far = cues_of(sample), self._draw_far(sample.plate.shape[3])
        drawn = self.network(cues, None, is_far)
        if is_far:
            return matting_loss(drawn, sample, self.weights)
        return departure(drawn, self._taught(cues))

    def _taught(self, cues: Cues) -> Drawn:
        with torch.no_grad():
            return self.teacher.to(cues.plate.device)(cues, None, False)


def departure(drawn: Drawn, taught: Drawn) -> dict[str, Tensor]:
    """Return how far an answer is from the teacher's, weighted, and the sum under "total"."""
    ratio = (drawn.error + ERROR_FLOOR) / (taught.error + ERROR_FLOOR)
    colours = encode_view(drawn.foreground), encode_view(taught.foreground)
    terms = {
        "kept_alpha": _KEEPS * (lean_clamp(drawn.alpha) - lean_clamp(taught.alpha)).abs().mean(),
        "kept_coarse": _KEEPS * (drawn.coarse - taught.coarse).abs().mean(),
        "kept_foreground": _KEEPS * (colours[0] - colours[1]).abs().mean(),
        "kept_error": 0.02 * ratio.log().abs().mean(),
    }
    terms["total"] = torch.stack(list(terms.values())).sum()
    return terms
