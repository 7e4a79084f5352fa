"""The seed's network as published: motion is inert, and every weight but motion's learns."""

from __future__ import annotations

import pytest
import torch

from platematte.network.published.seed import SeedNetwork


@pytest.fixture(scope="module")
def network() -> SeedNetwork:
    torch.manual_seed(5)
    return SeedNetwork().eval()


def inputs(height: int = 24, width: int = 32, count: int = 1) -> tuple[torch.Tensor, ...]:
    random = torch.Generator().manual_seed(8)
    return tuple(
        torch.rand(count, channels, height, width, generator=random) * 2 - 1
        for channels in (3, 3, 1, 4)
    )


def shown_to(network: SeedNetwork, name: str) -> torch.Tensor:
    """Return the features that a module of the network is given."""
    shown: list[torch.Tensor] = []
    module = network.get_submodule(name)
    hook = module.register_forward_pre_hook(lambda _, given: shown.extend(given))
    with hook, torch.inference_mode():
        network(*inputs())
    return shown[0]


def test_alpha_and_foreground_come_out_at_the_size_of_the_plate(network: SeedNetwork) -> None:
    with torch.inference_mode():
        drawn = network(*inputs(20, 36))
    assert drawn.alpha.shape == (1, 1, 20, 36)
    assert drawn.foreground.shape == (1, 3, 20, 36)
    assert drawn.alpha.abs().max() <= 1


def test_motion_has_no_influence_on_any_output(network: SeedNetwork) -> None:
    plate, clean, marks, motion = inputs()
    with torch.inference_mode():
        answers = [network(plate, clean, marks, cue) for cue in (motion, -5 * motion, None)]
    for answer in answers[1:]:
        assert torch.equal(answer.alpha, answers[0].alpha)
        assert torch.equal(answer.foreground, answers[0].foreground)


def test_the_selector_of_motion_is_shown_what_the_selector_of_the_clean_plate_is(
    network: SeedNetwork,
) -> None:
    shown = [shown_to(network, name) for name in ("comb_back", "comb_multi", "comb_seg")]
    assert torch.equal(shown[0], shown[1])
    assert not torch.equal(shown[0], shown[2])


@pytest.mark.parametrize("index", [0, 1, 2])
def test_every_other_cue_changes_alpha_and_foreground(network: SeedNetwork, index: int) -> None:
    cues = list(inputs()[:3])
    changed = [*cues[:index], -cues[index], *cues[index + 1 :]]
    with torch.inference_mode():
        before, after = network(*cues), network(*changed)
    assert (before.alpha - after.alpha).abs().max() > 1e-3
    assert (before.foreground - after.foreground).abs().max() > 1e-3


def test_everything_but_the_motion_branch_learns() -> None:
    torch.manual_seed(1)
    network = SeedNetwork().train()
    drawn = network(*inputs(count=2))
    (drawn.alpha.square().mean() + drawn.foreground.square().mean()).backward()
    for name, parameter in network.named_parameters():
        is_inert = name.startswith("model_enc_multi.")
        assert (parameter.grad is None) == is_inert, name


def test_the_same_seed_gives_the_same_network(network: SeedNetwork) -> None:
    torch.manual_seed(5)
    again = SeedNetwork().state_dict()
    assert all(torch.equal(value, again[key]) for key, value in network.state_dict().items())


def test_weights_begin_as_published(network: SeedNetwork) -> None:
    weight = network.model_res_dec[3].conv_block[1].weight
    # Xavier uniform: sqrt(6 / (fan in + fan out)), here with gain sqrt(2).
    bound = (2 * 6 / (2 * 256 * 9)) ** 0.5
    assert 0.99 * bound < weight.abs().max() <= bound
    scales = torch.cat([m.weight for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)])
    assert scales.mean().item() == pytest.approx(1, abs=0.02)
    assert scales.std().item() == pytest.approx(0.2, abs=0.02)
