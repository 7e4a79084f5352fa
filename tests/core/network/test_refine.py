"""What the refiner's quicker forms return is what torch's own layers return."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch.nn import functional

from platematte.network import refine
from platematte.network.blocks import fuses, shrink
from platematte.network.matter import Cues, Matter
from platematte.network.refine import expected_error, project_alpha, shuffle2
from platematte.network.tiles import padded_rows

MakeMatter = Callable[..., Matter]
MakeCues = Callable[..., Cues]
PACKINGS = (torch.contiguous_format, torch.channels_last)
SIZES = ((1, 12, 6, 10), (2, 4, 3, 5), (1, 12, 1, 1))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("records", [False, True])
def test_shuffling_is_pixel_shuffle_bit_for_bit(
    size: tuple[int, ...], packing: torch.memory_format, kind: torch.dtype, records: bool
) -> None:
    features = torch.randn(size).to(kind).contiguous(memory_format=packing)
    with torch.set_grad_enabled(records):
        assert torch.equal(shuffle2(features), functional.pixel_shuffle(features, 2))


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("times", [1, 2, 4, 8])
def test_shrinking_is_the_mean_of_blocks_of_pixels(
    packing: torch.memory_format, times: int
) -> None:
    image = torch.randn(2, 3, 24, 40).contiguous(memory_format=packing)
    before = image.clone()
    assert torch.allclose(shrink(image, times), functional.avg_pool2d(image, times), atol=1e-6)
    assert torch.equal(image, before)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("height", "width"), [(64, 96), (45, 70)])
def test_hints_that_take_no_memory_are_hints_of_zeros(
    make_matter: MakeMatter, make_cues: MakeCues, height: int, width: int, precision: torch.dtype
) -> None:
    matter, cues = make_matter(), make_cues(height, width)
    # Random weights hardly let the hints through; a bias makes sure that they count.
    torch.nn.init.normal_(matter.look_stage.hints.bias, std=2.0)
    size = cues.plate.shape[2:]
    answers, exact = [], []
    for hints in (torch.zeros(1, 3, *size), torch.zeros(1, 1, 1, 1).expand(1, 3, *size)):
        whole = padded_rows(
            Cues(cues.plate, cues.clean, cues.trust, hints), 0, -(-height // 32) * 32, 32
        )
        with torch.inference_mode(), torch.autocast("cpu", precision, precision != torch.float32):
            answers.append(matter(whole).alpha)
        with torch.inference_mode():
            exact.append(matter(whole).alpha)
    assert answers[0].shape == answers[1].shape
    if fuses(precision):
        tolerance = 1e-5 if precision is torch.float32 else 1e-2
        assert torch.allclose(*answers, atol=tolerance)
    else:
        # Sums that are rounded on the way round otherwise; neither is farther from the exact ones.
        errors = [float((answer - exact[0]).abs().mean()) for answer in answers]
        assert errors[1] <= 1.1 * errors[0] + 1e-5


def test_hints_of_one_value_everywhere_are_heard(
    make_matter: MakeMatter, make_cues: MakeCues
) -> None:
    matter, cues = make_matter(), make_cues(45, 70)
    said = torch.tensor([0.0, 1.0, -1.0]).view(1, 3, 1, 1).expand(1, 3, 45, 70)
    answers = []
    for hints in (said, said.contiguous(), torch.zeros(1, 3, 45, 70)):
        whole = padded_rows(Cues(cues.plate, cues.clean, cues.trust, hints), 0, 64, 32)
        with torch.inference_mode():
            answers.append(matter(whole).alpha)
    assert torch.allclose(answers[0], answers[1], atol=1e-6)
    assert not torch.allclose(answers[0], answers[2], atol=1e-6)


def test_a_projection_in_strips_is_that_of_the_whole_frame_bit_for_bit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    images = [torch.rand(2, 3, 50, 30) for _ in range(3)]
    # Where torch notes what is done, to learn from it, nothing is cut into strips.
    whole = project_alpha(*images)
    monkeypatch.setattr(refine, "_STRIP_PX", 7 * 2 * 30)
    with torch.no_grad():
        assert torch.equal(project_alpha(*images), whole)


def test_the_expected_error_is_the_curve_that_was_learned_with() -> None:
    doubt = torch.linspace(-9, 9, 1001, dtype=torch.float64)
    curve = 0.01 * torch.exp(4.8 * torch.tanh(doubt / 1.2))
    assert torch.allclose(expected_error(doubt), curve, rtol=1e-12)
    assert torch.allclose(expected_error(doubt.float()).double(), curve, rtol=1e-5)


def test_the_expected_error_can_be_learned_from() -> None:
    doubt = torch.linspace(-2, 2, 9, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(expected_error, doubt)
