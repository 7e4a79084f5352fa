"""A layer and what is done with its result: in one sweep the same as step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from platematte.network import blocks
from platematte.network.blocks import convolve, in_full_precision, mix, shrink, shrink_padded
from platematte.network.matter import Cues, Drawn, Matter

MakeMatter = Callable[..., Matter]
MakeCues = Callable[..., Cues]
Tensor = torch.Tensor

needs_fused = pytest.mark.skipif(
    not blocks._HAS_FUSED, reason="this torch does not have the operators of one sweep"
)


AVX512 = ("avx512_bw", "avx512_vl", "avx512_dq")


def packed(*shape: int, seed: int = 1) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    image = torch.randn(*shape, generator=random)
    return image.contiguous(memory_format=torch.channels_last)


def step_by_step(run: Callable[[], Tensor]) -> Tensor:
    """Return what `run` returns where everything is recorded, so that nothing is fused."""
    with torch.enable_grad():
        return run().detach()


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """A list that grows by each layer that is computed in one sweep."""
    found: list[bool] = []
    original = blocks._fused

    def fused(*arguments: Any, **others: Any) -> Tensor:
        found.append(True)
        return original(*arguments, **others)

    monkeypatch.setattr(blocks, "_fused", fused)
    return found


@needs_fused
@pytest.mark.parametrize("rectify", [False, True])
@pytest.mark.parametrize(
    ("other", "has_gain"), [(None, False), ("onto", False), ("plus", False), ("plus", True)]
)
@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(8, 12, 3, padding=1),
        nn.Conv2d(3, 12, 8, stride=4, padding=2, bias=False),
        nn.Conv2d(8, 12, 3, padding=2, dilation=2),
        nn.Conv2d(1, 12, 1),
    ],
)
def test_one_sweep_is_the_same_as_step_by_step(
    layer: nn.Conv2d, has_gain: bool, other: str | None, rectify: bool, counted: list[bool]
) -> None:
    features = packed(1, layer.in_channels, 32, 40)
    with torch.inference_mode():
        gain = packed(1, 12, 1, 1, seed=3) if has_gain else None
        added = packed(*layer(features).shape, seed=2) if other else None

        def run() -> Tensor:
            kept = {} if added is None else {str(other): added.clone()}
            return convolve(layer, features, gain=gain, rectify=rectify, **kept)

        at_once = run()
    assert len(counted) == 1
    features = features.clone()
    added = None if added is None else added.clone()
    gain = None if gain is None else gain.clone()
    assert torch.allclose(at_once, step_by_step(run), atol=1e-5)
    assert len(counted) == 1
    # With one channel there is no telling in which order the input lies.
    if layer.in_channels > 1 or other == "onto":
        assert at_once.is_contiguous(memory_format=torch.channels_last)


@needs_fused
def test_what_is_added_is_left_as_it_is_unless_it_is_given_away(counted: list[bool]) -> None:
    layer, features = nn.Conv2d(8, 8, 3, padding=1), packed(1, 8, 16, 16)
    before = features.clone()
    with torch.inference_mode():
        convolve(layer, features, plus=features, rectify=True)
    assert counted and torch.equal(features, before)


@needs_fused
@pytest.mark.parametrize("hints", [(24, 40), (1, 1)])
def test_features_in_several_tensors_are_as_if_they_were_joined(
    hints: tuple[int, int], counted: list[bool]
) -> None:
    layer = nn.Conv2d(20, 6, 1)
    parts = packed(1, 8, 24, 40), packed(1, 8, 24, 40, seed=2), packed(1, 4, *hints, seed=3)
    whole = torch.cat([*parts[:2], parts[2].expand(-1, -1, 24, 40)], 1)
    with torch.inference_mode():
        mixed = mix(layer, *parts)
        assert torch.allclose(mixed, torch.relu(layer(whole)), atol=1e-5)
    assert counted
    assert torch.allclose(step_by_step(lambda: mix(layer, *parts)), mixed, atol=1e-5)


def test_heads_are_float32_whatever_the_features_are() -> None:
    layers = [nn.Conv2d(8, 4, 3, padding=1), nn.Conv2d(8, 1, 3, padding=1)]
    features = packed(1, 8, 16, 16)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        heads = in_full_precision(layers, features)
    apart = torch.cat([layer(features) for layer in layers], 1)
    assert heads.dtype is torch.float32
    assert torch.allclose(heads, apart, atol=1e-5)


@needs_fused
@pytest.mark.parametrize("says_nothing", [False, True])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_the_network_answers_the_same_either_way(
    make_matter: MakeMatter,
    make_cues: MakeCues,
    counted: list[bool],
    precision: torch.dtype,
    says_nothing: bool,
) -> None:
    # Of a single frame the errors of bfloat16 move by a tenth with the frame.
    matter, cues = make_matter(guess=True), make_cues(64, 96, count=8)
    if says_nothing:
        nothing = torch.zeros(8, 3, 1, 1).expand(8, 3, 64, 96)
        cues = Cues(cues.plate, cues.clean, cues.trust, nothing)

    def answer() -> Drawn:
        with torch.autocast("cpu", precision, enabled=precision is torch.bfloat16):
            return matter(cues)

    with torch.inference_mode():
        at_once = answer()
    fused = len(counted)
    recorded = answer()
    assert len(counted) == fused
    assert fused > 20 if blocks.fuses(precision) else fused == 0
    with torch.inference_mode():
        exact = matter(cues)
    for name in ("alpha", "coarse", "error"):
        errors = [
            float((getattr(drawn, name) - getattr(exact, name)).abs().mean().detach())
            for drawn in (at_once, recorded)
        ]
        # In bfloat16 either is as far from float32 as the other.
        assert errors[0] <= 1.1 * errors[1] + 1e-5, name


def test_a_cpu_without_avx512_has_bfloat16_step_by_step(
    monkeypatch: pytest.MonkeyPatch,
    make_matter: MakeMatter,
    make_cues: MakeCues,
    counted: list[bool],
) -> None:
    monkeypatch.setattr(blocks, "fuses", lambda dtype: dtype is torch.float32)
    matter, cues = make_matter(guess=True), make_cues(64, 96)
    with torch.inference_mode():
        with torch.autocast("cpu", torch.bfloat16):
            imitated = matter(cues)
        assert not counted
        assert float((imitated.alpha - matter(cues).alpha).abs().mean()) < 0.005


@pytest.mark.skipif(torch.backends.cpu.get_cpu_capability() == "DEFAULT", reason="not an x86 CPU")
def test_whether_bfloat16_is_fused_is_what_the_cpu_has() -> None:
    has = torch.cpu.get_capabilities()
    needed = all(has[name] for name in AVX512) or has["avx_ne_convert"]
    assert blocks.fuses(torch.bfloat16) is (blocks._HAS_FUSED and needed)


@pytest.mark.parametrize("times", [1, 4, 8])
@pytest.mark.parametrize(
    ("size", "padded"),
    [
        ((64, 32), (64, 32)),
        ((57, 32), (64, 32)),
        ((56, 32), (64, 32)),
        ((40, 32), (64, 64)),
        ((40, 27), (64, 32)),
        ((64, 27), (64, 32)),
        ((1, 1), (32, 32)),
        ((9, 32), (32, 32)),
    ],
)
def test_means_of_an_image_that_goes_on_beyond_its_edge(
    times: int, size: tuple[int, int], padded: tuple[int, int]
) -> None:
    image = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(2))
    beyond = (0, padded[1] - size[1], 0, padded[0] - size[0])
    expected = shrink(nn.functional.pad(image, beyond, mode="replicate"), times)
    assert torch.equal(shrink_padded(image, times, padded), expected)
