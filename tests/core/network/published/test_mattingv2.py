"""BackgroundMattingV2's network as published: strides, modes of refinement, and that it learns."""

from __future__ import annotations

import pytest
import torch

from platematte.network.published.mattingv2 import MattingBase, MattingRefine
from platematte.network.published.patches import RefineSettings, cut_patches, replace_patches


def images(height: int, width: int, count: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(4)
    plate, clean = (torch.rand(count, 3, height, width, generator=random) for _ in range(2))
    return plate, clean


def settle(network: torch.nn.Module, height: int = 64, width: int = 96) -> None:
    """Let BatchNorm see images once, so that random weights answer with values of a usual size."""
    network.train()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network(*images(height, width, count=2))
    network.eval()


@pytest.fixture(scope="module")
def network() -> MattingRefine:
    torch.manual_seed(6)
    network = MattingRefine("mobilenetv2")
    settle(network)
    # Away from the clamps, alpha and error take many values.
    with torch.no_grad():
        for layer, index in ((network.decoder.conv4, (0, 4)), (network.refiner.conv4, (0,))):
            layer.weight.mul_(0.05)
            layer.bias[list(index)] = 0.5
    return network


def answer(network: MattingRefine, settings: RefineSettings, height: int, width: int):
    network.refiner.settings = settings
    with torch.inference_mode():
        return network(*images(height, width))


@pytest.mark.parametrize("backbone", ["mobilenetv2", "resnet50"])
def test_a_backbone_ends_at_a_sixteenth_with_the_published_skips(backbone: str) -> None:
    with torch.device("meta"):
        body = MattingBase(backbone).backbone
        end, *skips = body(torch.empty(1, 6, 64, 96))
    widths = {"mobilenetv2": (320, 32, 24, 16), "resnet50": (2048, 512, 256, 64)}[backbone]
    assert [tuple(part.shape[1:]) for part in (end, *skips)] == [
        (widths[0], 4, 6),
        (widths[1], 8, 12),
        (widths[2], 16, 24),
        (widths[3], 32, 48),
    ]


def test_only_what_follows_the_lost_stride_is_dilated() -> None:
    with torch.device("meta"):
        mobile, resnet = MattingBase("mobilenetv2").backbone, MattingBase("resnet50").backbone
    filters = [mobile.features[index].conv[1][0] for index in (13, 14, 15, 16, 17)]
    assert [layer.dilation[0] for layer in filters] == [1, 1, 2, 2, 2]
    assert [layer.stride[0] for layer in filters] == [1, 1, 1, 1, 1]
    assert [block.conv2.dilation[0] for block in resnet.layer4] == [1, 2, 2]
    assert [block.conv2.stride[0] for block in resnet.layer4] == [1, 1, 1]


def test_outputs_have_the_published_sizes_and_ranges(network: MattingRefine) -> None:
    drawn = answer(network, RefineSettings(sample_pixels=320), 64, 96)
    shapes = [tuple(part.shape[1:]) for part in drawn]
    assert shapes == [(1, 64, 96), (3, 64, 96), (1, 16, 24), (3, 16, 24), (1, 16, 24), (1, 16, 24)]
    for part in drawn:
        assert part.min() >= 0
        assert part.max() <= 1


@pytest.mark.parametrize("size", [(64, 96), (52, 60), (36, 44)])
def test_sampling_every_patch_equals_full_refinement(
    network: MattingRefine, size: tuple[int, int]
) -> None:
    every = RefineSettings(sample_pixels=size[0] * size[1], skips_certain=False)
    sampled = answer(network, every, *size)
    full = answer(network, RefineSettings(mode="full"), *size)
    assert sampled.alpha.std() > 0.01
    assert bool(sampled.refined.all())
    assert torch.allclose(sampled.alpha, full.alpha, atol=1e-5)
    assert torch.allclose(sampled.foreground, full.foreground, atol=1e-5)


def test_sampling_refines_the_patches_that_err_most_and_leaves_the_others(
    network: MattingRefine,
) -> None:
    few = answer(network, RefineSettings(sample_pixels=16 * 50, skips_certain=False), 64, 96)
    assert int(few.refined.sum()) == 50
    chosen = few.refined.bool()
    error = few.coarse_error
    assert error[chosen].min() >= error[~chosen].max()
    full = answer(network, RefineSettings(mode="full"), 64, 96)
    coarse = torch.nn.functional.interpolate(few.coarse_alpha, (64, 96), mode="bilinear")
    inside = chosen.repeat_interleave(4, 2).repeat_interleave(4, 3)
    assert torch.allclose(few.alpha[inside], full.alpha[inside], atol=1e-5)
    assert torch.allclose(few.alpha[~inside], coarse[~inside], atol=1e-5)


def test_thresholding_refines_what_errs_more_than_the_threshold(network: MattingRefine) -> None:
    drawn = answer(network, RefineSettings(mode="thresholding", threshold=0.5), 64, 96)
    assert torch.equal(drawn.refined > 0, drawn.coarse_error > 0.5)
    assert 0 < drawn.refined.mean() < 1
    nothing = answer(network, RefineSettings(mode="thresholding", threshold=1.0), 64, 96)
    assert not nothing.refined.any()


def test_patches_without_error_are_left_out_unless_the_cost_is_to_be_fixed() -> None:
    torch.manual_seed(2)
    network = MattingRefine("mobilenetv2").eval()
    with torch.no_grad():
        network.decoder.conv4.weight[4] = 0
        network.decoder.conv4.bias[4] = -1
    assert answer(network, RefineSettings(), 32, 32).refined.sum() == 0
    fixed = RefineSettings(sample_pixels=160, skips_certain=False)
    assert answer(network, fixed, 32, 32).refined.sum() == 10


def test_patches_that_are_cut_and_put_back_leave_the_image_as_it_was() -> None:
    image = images(16, 24, count=2)[0]
    places = torch.ones(2, 4, 6).nonzero(as_tuple=True)
    copy = torch.zeros_like(image)
    replace_patches(copy, cut_patches(image, places, 4, 0), places)
    assert torch.equal(copy, image)


@pytest.mark.parametrize("scale", [0.25, 0.125, 0.5])
def test_the_coarse_answer_is_the_base_networks_at_that_scale(scale: float) -> None:
    torch.manual_seed(3)
    refine = MattingRefine("mobilenetv2", scale)
    settle(refine, 64, 64)
    base = MattingBase("mobilenetv2").eval()
    base.load_state_dict(refine.state_dict(), strict=False)
    plate, clean = images(64, 64)
    small = [
        torch.nn.functional.interpolate(part, scale_factor=scale, mode="bilinear")
        for part in (plate, clean)
    ]
    with torch.inference_mode():
        coarse, drawn = base(*small), refine(plate, clean)
    assert torch.allclose(drawn.coarse_alpha, coarse.alpha, atol=1e-5)
    assert torch.allclose(drawn.coarse_foreground, coarse.foreground, atol=1e-5)
    assert torch.allclose(drawn.coarse_error, coarse.error, atol=1e-5)


def test_every_weight_learns(network: MattingRefine) -> None:
    torch.manual_seed(9)
    learner = MattingRefine("mobilenetv2").train()
    drawn = learner(*images(64, 64, count=2))
    (drawn.alpha.sum() + drawn.foreground.sum() + drawn.coarse_error.sum()).backward()
    assert all(parameter.grad is not None for parameter in learner.parameters())
    assert learner.refiner.conv1.weight.grad.abs().max() > 0


def test_the_same_seed_gives_the_same_network() -> None:
    states = []
    for _ in range(2):
        torch.manual_seed(11)
        states.append(MattingRefine("mobilenetv2").state_dict())
    assert all(torch.equal(value, states[1][key]) for key, value in states[0].items())
