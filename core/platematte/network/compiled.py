"""The network's stages as torch.compile makes them: the same arithmetic in fewer passes.

Half of an eager network's time goes into full-resolution images that every step reads and writes
anew; compiled, neighbouring steps become one. The price is a minute of compiling for each new size
of frame, kept by torch in its own cache for the next time, and a C++ compiler on the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar, cast

import torch

from .matter import Cues, Drawn, Matter, Views, spare_hints

Tensor = torch.Tensor
_Function = TypeVar("_Function", bound=Callable[..., object])


class CompiledMatter(Matter):
    """A network whose stages are compiled when they are first asked for, for each size.

    It has to run under `torch.no_grad`: only there are the weights made part of the code.
    """

    def __init__(self, matter: Matter) -> None:
        """Take the network, of which this is a copy."""
        super().__init__(matter.widths, matter.is_temporal)
        self.load_state_dict(matter.state_dict())
        self._encode = _compile(super().encode)
        # Whether hints say anything is asked before, where the answer is a number.
        self._look = _compile(super().look)
        self._think = _compile(super().think)
        self._draw = _compile(super().draw)

    def uncompiled(self) -> Matter:
        """Return the network as it was, for a machine that cannot compile."""
        matter = Matter(self.widths, self.is_temporal)
        matter.load_state_dict(self.state_dict())
        return matter.eval().to(next(self.parameters()).device)

    def encode(self, cues: Cues) -> Views:
        """Return what the network sees of plate and clean plate."""
        return self._encode(cues)

    def look(self, cues: Cues, views: Views) -> tuple[Tensor, Tensor]:
        """Return features at 1/4 and 1/8 of the cues, or of some rows of them."""
        return self._look(replace(cues, hints=spare_hints(cues.hints)), views)

    def think(self, eighth: Tensor, neighbours: list[Tensor | None] | None = None) -> Tensor:
        """Return features at 1/8 that know the whole frame and its neighbours in time."""
        return self._think(eighth, neighbours)

    def draw(self, cues: Cues, views: Views, quarter: Tensor, eighth: Tensor) -> Drawn:
        """Return alpha and the rest for the cues, or for some rows of them."""
        return self._draw(cues, views, quarter, eighth)


def _compile(stage: _Function) -> _Function:
    return cast(_Function, torch.compile(stage, dynamic=False, options={"freezing": True}))
