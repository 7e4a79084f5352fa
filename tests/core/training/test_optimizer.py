"""Muon has the matrices of a network and moves them where they lie; AdamW has the rest."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from platematte.training import muon
from platematte.training.optimizer import Optimizer

Tensor = torch.Tensor


def make_network(packing: torch.memory_format = torch.contiguous_format) -> nn.Sequential:
    torch.manual_seed(4)
    layers = (nn.Conv2d(6, 8, 3), nn.Conv2d(8, 8, 3, groups=8), nn.ConvTranspose2d(8, 12, 2))
    return nn.Sequential(*layers, nn.BatchNorm2d(12)).to(memory_format=packing)


def give_gradients(network: nn.Module, seed: int = 5) -> None:
    random = torch.Generator().manual_seed(seed)
    for weight in network.parameters():
        weight.grad = torch.randn(weight.shape, generator=random)


def copy_of(network: nn.Module) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in network.named_parameters()}


@pytest.mark.parametrize("packing", [torch.contiguous_format, torch.channels_last])
def test_a_step_of_a_matrix_is_as_long_in_every_direction(packing: torch.memory_format) -> None:
    network = make_network(packing)
    before, optimizer = copy_of(network), Optimizer(network, uses_muon=True)
    optimizer.rate = 0.01
    give_gradients(network)
    optimizer.step()
    for name in ("0.weight", "2.weight"):
        weight = network.get_parameter(name)
        step = (weight.detach() - before[name]).flatten(1)
        lengths = torch.linalg.svdvals(step)
        # 0.2 sqrt(the longer side) is what makes the step as large as one of AdamW; five
        # iterations of Newton and Schulz leave singular values within about 0.6 to 1.2.
        expected = 0.01 * 0.2 * max(step.shape) ** 0.5
        assert 0.5 * expected < float(lengths.min()) <= float(lengths.max()) < 1.3 * expected
        # Against the gradient, in the order in which weight and gradient both lie.
        assert weight.grad is not None
        assert float((step * weight.grad.flatten(1)).sum()) < -0.5 * float(step.norm())


def test_the_way_weights_lie_in_memory_changes_no_step() -> None:
    networks = [make_network(p) for p in (torch.contiguous_format, torch.channels_last)]
    for network in networks:
        optimizer = Optimizer(network, uses_muon=True)
        for seed in range(3):
            give_gradients(network, seed)
            optimizer.step()
    pairs = zip(*(network.parameters() for network in networks), strict=True)
    # Another order of the columns sums up otherwise.
    assert all(torch.allclose(one, other, atol=1e-5) for one, other in pairs)


def test_depthwise_kernels_biases_and_norms_are_for_adamw() -> None:
    network = make_network()
    optimizer = Optimizer(network, uses_muon=True)
    give_gradients(network)
    optimizer.step()
    kept = optimizer.moments()
    assert set(kept["momentum_buffer"]) == {"0.weight", "2.weight"}
    others = {name for name, _ in network.named_parameters()} - {"0.weight", "2.weight"}
    assert set(kept["exp_avg"]) == set(kept["exp_avg_sq"]) == others


def test_without_muon_it_is_adamw_bit_for_bit() -> None:
    ours, theirs = make_network(), make_network()
    optimizer = Optimizer(ours, uses_muon=False)
    optimizer.rate = 0.01
    plain = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=1e-4, fused=True)
    for seed in range(3):
        for network, step in ((ours, optimizer.step), (theirs, plain.step)):
            give_gradients(network, seed)
            step()
    pairs = zip(ours.parameters(), theirs.parameters(), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


@pytest.mark.parametrize("uses_muon", [True, False])
@pytest.mark.parametrize("packing", [torch.contiguous_format, torch.channels_last])
def test_what_it_remembers_can_be_given_to_another(
    uses_muon: bool, packing: torch.memory_format
) -> None:
    one, other = make_network(packing), make_network(packing)
    first, second = (Optimizer(network, uses_muon) for network in (one, other))
    assert first.moments() == {}
    give_gradients(one, 1)
    first.step()
    kept = {k: {n: v.contiguous() for n, v in m.items()} for k, m in first.moments().items()}
    other.load_state_dict(one.state_dict())
    second.load_moments(kept, 1)
    for network, optimizer in ((one, first), (other, second)):
        give_gradients(network, 2)
        optimizer.step()
    pairs = zip(one.parameters(), other.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


def test_a_branch_without_a_gradient_stays_as_it_is() -> None:
    network = make_network()
    optimizer = Optimizer(network, uses_muon=True)
    give_gradients(network)
    network.get_parameter("2.weight").grad = None
    before = copy_of(network)
    optimizer.step()
    assert torch.equal(network.get_parameter("2.weight"), before["2.weight"])
    assert not torch.equal(network.get_parameter("0.weight"), before["0.weight"])


@pytest.mark.parametrize("rate", [1e-3, 1e-2])
def test_the_rate_is_that_of_both(rate: float) -> None:
    lengths = []
    for factor in (1, 2):
        network = make_network()
        before, optimizer = copy_of(network), Optimizer(network, uses_muon=True)
        optimizer.rate = factor * rate
        give_gradients(network)
        optimizer.step()
        after = copy_of(network)
        lengths.append({name: float((after[name] - before[name]).norm()) for name in after})
    for name, length in lengths[0].items():
        assert lengths[1][name] == pytest.approx(2 * length, rel=0.01), name


def test_where_the_device_computes_bf16_a_step_is_that_of_torch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(muon, "choose_training_type", lambda _: torch.bfloat16)
    ours, theirs = make_network(), make_network()
    optimizer = Optimizer(ours, uses_muon=True)
    optimizer.rate = 0.01
    matrix = nn.Parameter(theirs.get_parameter("0.weight").detach().flatten(1))
    plain = torch.optim.Muon([matrix], lr=0.01, weight_decay=1e-4, adjust_lr_fn="match_rms_adamw")
    for seed in range(3):
        for network in (ours, theirs):
            give_gradients(network, seed)
        gradient = theirs.get_parameter("0.weight").grad
        assert gradient is not None
        matrix.grad = gradient.flatten(1)
        optimizer.step()
        plain.step()
    assert torch.allclose(ours.get_parameter("0.weight").flatten(1), matrix, atol=1e-6)


@pytest.mark.parametrize("shape", [(12, 40), (40, 12), (16, 16)])
def test_float32_and_bfloat16_point_the_same_way(
    monkeypatch: pytest.MonkeyPatch, shape: tuple[int, int]
) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(7))
    found = []
    for kind in (torch.float32, torch.bfloat16):
        monkeypatch.setattr(muon, "choose_training_type", lambda _, kind=kind: kind)
        found.append(muon.orthogonalised(matrix))
        assert found[-1].dtype is torch.float32
        lengths = torch.linalg.svdvals(found[-1])
        assert 0.5 < float(lengths.min()) <= float(lengths.max()) < 1.3
    cosine = torch.nn.functional.cosine_similarity(*(f.flatten() for f in found), dim=0)
    assert float(cosine) > 0.999
