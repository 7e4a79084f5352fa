"""The encoded view is a monotone curve, sRGB's below its knee, and can be gone back."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from platematte.network.encode import KNEE, WHITE, decode_view, encode_packed, encode_view


def srgb(value: float) -> float:
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def encode(*values: float) -> list[float]:
    return encode_view(torch.tensor(values, dtype=torch.float32)).tolist()


@given(st.floats(0, KNEE, width=32))
def test_the_view_equals_srgb_below_the_knee(value: float) -> None:
    assert encode(value)[0] == pytest.approx(srgb(value), abs=1e-6)


@given(st.floats(-0.015625, 65504, width=32))
def test_decoding_is_the_inverse_of_encoding(value: float) -> None:
    again = decode_view(encode_view(torch.tensor([value]))).item()
    assert again == pytest.approx(value, rel=1e-4, abs=1e-6)


@given(st.floats(-100, 65504, width=32), st.floats(-100, 65504, width=32))
def test_the_view_is_monotone(one: float, other: float) -> None:
    low, high = encode(min(one, other), max(one, other))
    # Sums of floats may differ in their last bit.
    assert low <= high + 2e-7


def test_the_view_rises_strictly_over_the_range_of_real_footage() -> None:
    steps = torch.logspace(-4, 4.8, 2000)
    assert (encode_view(steps).diff() > 0).all()


def test_single_precision_is_within_its_last_bits_of_double() -> None:
    linear = torch.cat([torch.linspace(-0.1, 1, 20_000), torch.logspace(0, 4.8, 5_000)])
    exact = encode_view(linear.double())
    assert torch.allclose(encode_view(linear).double(), exact, rtol=2e-7, atol=2e-7)


def test_the_slope_that_is_learned_from_is_that_of_the_curve() -> None:
    pieces = torch.tensor([-0.01, 0.001, 0.02, 0.3, 0.7, 5.0, 200.0], dtype=torch.float64)
    assert torch.autograd.gradcheck(encode_view, pieces.requires_grad_(), eps=1e-6)


def test_black_is_0_and_white_is_1() -> None:
    assert encode(0.0, WHITE) == pytest.approx([0.0, 1.0], abs=1e-6)


def test_the_shoulder_joins_without_a_kink() -> None:
    step = 1e-3
    below, at, above = encode(KNEE - step, KNEE, KNEE + step)
    assert (above - at) == pytest.approx(at - below, rel=0.02)


def test_values_far_below_black_are_held_at_the_toe() -> None:
    assert encode(-50.0) == encode(-0.02)


@pytest.mark.parametrize("size", [(1, 3, 700, 130), (2, 3, 1, 1), (1, 3, 2, 70_000)])
def test_encoding_some_rows_at_a_time_is_encoding_at_once(size: tuple[int, ...]) -> None:
    linear = torch.randn(size) * 3
    with torch.inference_mode():
        packed = encode_packed(linear)
    assert packed.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(packed, encode_view(linear), rtol=0, atol=1e-6)
    assert torch.equal(encode_packed(linear), encode_view(linear))
