"""What shows of the clean plate's texture in the plate is 1 - alpha of a smooth foreground."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from platematte.network.transmission import halve, measure_moments, transmission

Tensor = torch.Tensor


def textured(seed: int = 1, side: int = 96) -> Tensor:
    """Return a clean plate with detail of about 8 px, scene-linear."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, side // 8, side // 8, generator=random)
    return functional.interpolate(coarse, (side, side), mode="bicubic").clamp_min(0.02) * 0.6


def said(plate: Tensor, clean: Tensor, window: int = 5) -> tuple[Tensor, ...]:
    """Return alpha, correlation and texture away from the edge of the frame."""
    answer = transmission(measure_moments(plate, clean), window)[..., 3:-3, 3:-3]
    return tuple(answer.split(1, 1))


@pytest.mark.parametrize("alpha", [0.0, 0.2, 0.5, 0.8])
@pytest.mark.parametrize("colour", [(0.9, 0.1, 0.1), (0.02, 0.02, 0.02), (0.3, 0.3, 0.3)])
def test_the_alpha_of_a_smooth_veil_is_read_off_whatever_its_colour(
    alpha: float, colour: tuple[float, ...]
) -> None:
    clean = textured()
    front = torch.tensor(colour).view(1, 3, 1, 1)
    found, correlation, _ = said(alpha * front + (1 - alpha) * clean, clean)
    assert float((found - alpha).abs().max()) < 0.05
    assert float(correlation.min()) > 0.9


def test_a_solid_subject_shows_nothing_of_the_set() -> None:
    clean = textured(1)
    found, correlation, _ = said(textured(2), clean)
    assert float((found - 1).abs().mean()) < 0.3
    assert float(correlation.abs().mean()) < 0.35


def test_a_flat_set_says_that_it_has_nothing_to_tell_by() -> None:
    flat = torch.full((1, 3, 96, 96), 0.3)
    grain = 1 + 0.002 * torch.randn(flat.shape, generator=torch.Generator().manual_seed(3))
    silent, telling = said(flat, flat * grain)[2], said(textured(), textured())[2]
    assert float(silent.max()) < -0.4
    assert float(telling.min()) > float(silent.max()) + 0.3


@pytest.mark.parametrize("gain", [0.25, 3.0])
def test_a_darker_or_brighter_shot_says_the_same(gain: float) -> None:
    clean = textured()
    plate = 0.4 * 0.2 + 0.6 * clean
    for one, other in zip(said(plate, clean), said(gain * plate, gain * clean), strict=True):
        assert float((one - other).abs().max()) < 0.08


def test_a_lamp_and_a_hole_leave_every_answer_bounded() -> None:
    clean = textured()
    clean[..., 40:48, 40:48] = 5e4
    clean[..., 60:70, :] = 0
    plate = clean.clone()
    plate[..., 10:20, 10:20] = -3
    answer = transmission(measure_moments(plate, clean), 3)
    assert bool(torch.isfinite(answer).all())
    assert float(answer[:, :1].min()) >= -1
    assert float(answer[:, :1].max()) <= 2
    assert float(answer[:, 1:].abs().max()) < 1.5


def test_moments_are_means_at_a_quarter() -> None:
    plate, clean = textured(1), textured(2)
    moments = measure_moments(plate, clean)
    assert moments.shape == (1, 9, 24, 24)
    small = [functional.avg_pool2d(image, 4) for image in (plate, clean)]
    assert torch.allclose(moments[:, :6], torch.cat(small, 1), atol=1e-6)
    mixed = (small[0] * small[1]).mean(1, keepdim=True)
    assert torch.allclose(moments[:, 6:7], mixed, atol=1e-6)


def test_halving_is_the_mean_of_two_by_two_pixels() -> None:
    image = torch.randn(2, 9, 24, 40)
    assert torch.allclose(halve(image), functional.avg_pool2d(image, 2), atol=1e-6)


@pytest.mark.parametrize("window", [3, 5])
def test_an_answer_depends_on_its_window_alone(window: int) -> None:
    plate, clean = textured(1), textured(2)
    before = transmission(measure_moments(plate, clean), window)
    plate[..., 48:52, 48:52] += 0.5
    after = transmission(measure_moments(plate, clean), window)
    changed = (before != after).any(1)[0].nonzero()
    reach = window // 2
    assert changed.min() == 12 - reach
    assert changed.max() == 12 + reach
