"""The confidence of a matte: how little error of its alpha is to be expected."""

from __future__ import annotations

import numpy as np

Image = np.ndarray

SETTLED = 0.01
"""An expected error that counts as none where alpha is 0 or 1, less and less of it up to `NEAR`.

The network's answer is a mean over what may be there and never quite 0, while nearly all pixels
that came out solid are exact. Lowered by so much, the doubt about them is in the mean the error
that they have (held-out frames, `benchmarks/accuracy.py`), and solid areas have no noise in it.
"""
NEAR = 1 / 64
"""How far from 0 and 1 alpha is altogether soft. With a step in its place, what rounds alpha to 1
or to the half float below would be seen in the confidence."""


def solve_confidence(
    alpha: Image, error: Image, garbage: Image | None = None, core: Image | None = None
) -> Image:
    """Return 1 minus the absolute error of alpha that is to be expected, H x W x 1 in 0..1.

    alpha: solved, H x W x 1. error: what the network expects, likewise. Where the artist's mattes
    decide, there is nothing to doubt: garbage and core, where given, are H x W x 1.
    """
    soft = np.minimum(alpha, 1.0 - alpha) * np.float32(1 / NEAR)
    doubt = np.abs(error) - np.float32(SETTLED) * np.clip(1.0 - soft, 0.0, 1.0)
    doubt = np.clip(doubt, 0.0, 1.0)
    for matte in (garbage, core):
        if matte is not None:
            doubt = doubt * (1.0 - np.clip(matte, 0.0, 1.0))
    return np.asarray(1.0 - doubt, np.float32)
