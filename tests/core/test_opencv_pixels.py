"""What OpenCV does to pixels is what torch does, and torch does it wherever OpenCV may not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch.nn import functional

from platematte import opencv_pixels
from platematte.network.encode import encode_packed
from platematte.opencv_pixels import OpenCVPixels

Tensor = torch.Tensor
PIXELS = OpenCVPixels()
PACKINGS = (torch.contiguous_format, torch.channels_last)


class Refused(Exception):
    """OpenCV was asked where torch has to answer."""


@pytest.fixture(autouse=True)
def few_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=["noted", "threads"])
def not_quicker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def refuse(*_: object, **__: object) -> None:
        raise Refused

    for name in ("merge", "log", "exp"):
        monkeypatch.setattr(opencv_pixels.cv2, name, refuse)
    if request.param == "threads":
        monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    with torch.set_grad_enabled(request.param == "noted"):
        yield


def room_for(planes: Tensor) -> tuple[Tensor, Tensor]:
    """Return a packed tensor with a margin, and the view of it that is as large as the planes."""
    count, channels, height, width = planes.shape
    room = torch.zeros(count, channels, height + 3, width + 2)
    room = room.contiguous(memory_format=torch.channels_last)
    return room, room[:, :, 1 : height + 1, :width]


@pytest.mark.parametrize("size", [(2, 3, 5, 7), (1, 3, 22, 64), (1, 2, 9, 4), (2, 1, 4, 4)])
@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("notes", [False, True])
def test_planes_are_laid_together_and_nothing_beside_them_changes(
    size: tuple[int, ...], packing: torch.memory_format, notes: bool
) -> None:
    planes = torch.randn(size).contiguous(memory_format=packing)
    room, place = room_for(planes)
    with torch.set_grad_enabled(notes):
        PIXELS.lay_together(planes, place)
    assert torch.equal(place, planes)
    place.zero_()
    assert not bool(room.any())


def test_some_rows_of_planes_are_laid_together() -> None:
    with torch.inference_mode():
        planes = torch.randn(1, 3, 20, 12)[:, :, 4:9]
        _, place = room_for(planes)
        PIXELS.lay_together(planes, place)
        assert torch.equal(place, planes)


def test_half_floats_are_laid_together_too() -> None:
    planes = torch.randn(1, 3, 4, 6).bfloat16()
    packed = torch.empty(1, 3, 4, 6).bfloat16().contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        PIXELS.lay_together(planes, packed)
    assert torch.equal(packed, planes)


@pytest.mark.parametrize("notes", [False, True])
def test_joined_planes_lie_together(notes: bool) -> None:
    planes = [torch.randn(2, 1, 6, 9) for _ in range(3)]
    with torch.set_grad_enabled(notes):
        joined = PIXELS.join(planes)
    assert torch.equal(joined, torch.cat(planes, 1))
    assert joined.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("own", "exact"), [(PIXELS.log_, torch.log), (PIXELS.exp_, torch.exp)])
def test_logarithms_and_powers_are_those_of_torch_to_the_last_bits(
    own: Callable[[Tensor], Tensor], exact: Callable[[Tensor], Tensor]
) -> None:
    values = torch.linspace(0.003, 6, 3 * 7 * 500).view(1, 3, 7, 500)
    with torch.inference_mode():
        given = values.clone()
        answer = own(given)
    assert answer is given
    expected = exact(values.double())
    assert torch.allclose(answer.double(), expected, rtol=4e-7, atol=4e-7)


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize("times", [4, 8])
@pytest.mark.parametrize("notes", [False, True])
def test_upsampling_is_bilinear(
    count: int, channels: int, packing: torch.memory_format, times: int, notes: bool
) -> None:
    features = torch.randn(count, channels, 7, 5).contiguous(memory_format=packing) * 100
    expected = functional.interpolate(features, scale_factor=times, mode="bilinear")
    with torch.set_grad_enabled(notes):
        larger = PIXELS.upsample(features, times)
    assert larger.shape == expected.shape
    assert torch.allclose(larger, expected, rtol=1e-5, atol=1e-4)


def test_rows_of_features_are_upsampled_as_they_are_in_the_whole() -> None:
    features = torch.randn(1, 3, 24, 33)
    with torch.inference_mode():
        whole, part = PIXELS.upsample(features, 4), PIXELS.upsample(features[:, :, 4:20], 4)
    # The first and the last two rows have no neighbour beyond.
    assert torch.equal(part[:, :, 2:-2], whole[:, :, 18:78])


@pytest.mark.usefixtures("not_quicker")
def test_torch_answers_where_it_takes_notes_or_has_many_threads() -> None:
    planes = torch.rand(1, 3, 6, 8) + 1
    _, place = room_for(planes)
    PIXELS.lay_together(planes, place)
    assert torch.equal(place, planes)
    assert torch.equal(PIXELS.join(planes.split(1, 1)), planes)
    assert torch.equal(PIXELS.log_(planes.clone()), planes.log())
    assert torch.equal(PIXELS.exp_(planes.clone()), planes.exp())


def test_opencv_is_asked_where_it_is_quicker(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise Refused

    monkeypatch.setattr(opencv_pixels.cv2, "log", refuse)
    with torch.inference_mode(), pytest.raises(Refused):
        PIXELS.log_(torch.ones(2, 2))


def test_a_view_is_encoded_as_by_torch() -> None:
    linear = torch.randn(1, 3, 50, 70).exp() * 0.2 - 0.02
    with torch.inference_mode():
        quick, plain = encode_packed(linear, None, 32, PIXELS), encode_packed(linear, None, 32)
    assert quick.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(quick, plain, rtol=0, atol=1e-6)
    assert not torch.equal(quick, linear)
