"""The trace of the network is the network, or there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from platematte.live.archive import TorchUnfit
from platematte.live.network import trace_network
from platematte.network.base import Widths
from platematte.network.matter import Cues, Drawn, Matter


@pytest.mark.parametrize(
    ("shrink", "guess", "is_far", "evidence"),
    [
        (1, False, False, False),
        (1, True, False, False),
        (2, True, False, True),
        (1, True, True, True),
    ],
)
def test_a_network_of_other_widths_is_traced_as_it_is(
    shrink: int, guess: bool, is_far: bool, evidence: bool
) -> None:
    torch.manual_seed(4 + is_far)
    widths = Widths(quarter=16, eighth=24, sixteenth=32, thirty_second=48, half=8, plate=8)
    widths = replace(widths, shrink=shrink, guess=guess, reach=1 + is_far, evidence=evidence)
    matter = Matter(widths)
    if matter.refine.evidence is not None:
        torch.nn.init.normal_(matter.refine.evidence.weight, std=0.3)
    for layer in (matter.think_stage.guess8, matter.draw_stage.guess4, matter.draw_stage.lean):
        if layer is not None:
            torch.nn.init.normal_(layer.weight, std=0.1)
    traced = trace_network(matter, is_far)
    # The second is smaller than the trace's example, and no multiple of what is looked at from far.
    for height, width in ((64, 128), (32 * shrink, 96 * shrink)):
        plate, clean, hints = torch.rand(3, 1, 3, height, width)
        given = plate, clean, torch.ones(1, 1, height, width), 0 * hints
        with torch.no_grad():
            drawn = matter.eval()(Cues(*given), is_far=is_far)
            alpha, foreground, error = traced(*given)
        assert torch.allclose(alpha, drawn.alpha, atol=1e-5)
        assert torch.allclose(foreground, drawn.foreground, atol=1e-5)
        assert torch.allclose(error, drawn.error, atol=1e-5)


class Forking(Matter):
    """A network that looks at its input in Python, which a trace does not follow."""

    def forward(
        self,
        cues: Cues,
        neighbours: list[torch.Tensor | None] | None = None,
        is_far: bool | None = None,
    ) -> Drawn:
        drawn = super().forward(cues, neighbours, is_far)
        if float(cues.trust.min()) == 1:
            return Drawn(drawn.alpha + 1, drawn.coarse, drawn.foreground, drawn.error)
        return drawn


def test_a_trace_that_answers_otherwise_is_refused() -> None:
    torch.manual_seed(5)
    with pytest.raises(TorchUnfit, match="the network's answer differs by 1"):
        trace_network(Forking())
