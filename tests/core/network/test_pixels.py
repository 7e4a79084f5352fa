"""What torch does to pixels is what its own layers do."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from platematte.network.pixels import PLAIN

PACKINGS = (torch.contiguous_format, torch.channels_last)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("times", [4, 8])
def test_upsampling_plane_by_plane_is_bilinear(
    count: int, channels: int, packing: torch.memory_format, times: int
) -> None:
    features = torch.randn(count, channels, 7, 5).contiguous(memory_format=packing) * 100
    expected = functional.interpolate(features, scale_factor=times, mode="bilinear")
    assert PLAIN.upsample(features, times).shape == expected.shape
    assert torch.allclose(PLAIN.upsample(features, times), expected, rtol=1e-5, atol=1e-4)


def test_joined_planes_are_one_tensor_with_its_channels_together() -> None:
    planes = [torch.randn(2, 1, 6, 9) for _ in range(3)]
    joined = PLAIN.join(planes)
    assert torch.equal(joined, torch.cat(planes, 1))
    assert joined.is_contiguous(memory_format=torch.channels_last)
