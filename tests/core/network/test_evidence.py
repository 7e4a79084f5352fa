"""A difference is weighed against what plate and clean plate differ by where both show the set."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from platematte.network import matter as matter_module
from platematte.network.evidence import BLOCK_PX, energy, measure_noise, weigh
from platematte.network.matter import Cues, Matter
from platematte.network.pixels import PLAIN, Pixels

MakeMatter = Callable[..., Matter]
MakeCues = Callable[..., Cues]
HEIGHT, WIDTH = 64, 96


def pair(off: float, seed: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    """A flat clean plate and a plate that lies `off` above or below it, pixel by pixel."""
    random = torch.Generator().manual_seed(seed)
    clean = torch.full((1, 3, HEIGHT, WIDTH), 0.5)
    sign = torch.randint(0, 2, (1, 1, HEIGHT, WIDTH), generator=random) * 2.0 - 1
    return clean + off * sign, clean


def noise_of(
    plate: torch.Tensor, clean: torch.Tensor, trust: float = 1, times: int = 4
) -> torch.Tensor:
    size = clean.shape[2] // BLOCK_PX, clean.shape[3] // BLOCK_PX
    return measure_noise(plate, clean, torch.full((1, 1, *size), trust), times)


@pytest.mark.parametrize("times", [4, 8])
def test_noise_is_what_the_plates_differ_by(times: int) -> None:
    noise = noise_of(*pair(0.01), times=times)
    assert noise.shape == (1, 1, HEIGHT // times, WIDTH // times)
    # The floor of 0.002 is added.
    assert torch.allclose(noise, torch.tensor(0.012), atol=1e-5)


def test_before_a_subject_noise_is_that_of_the_set_beside_it() -> None:
    plate, clean = pair(0.01)
    plate[..., :48] = 0.9
    assert torch.allclose(noise_of(plate, clean), torch.tensor(0.012), atol=1e-4)


def test_a_hair_hardly_moves_the_noise_and_bad_plates_do() -> None:
    plate, clean = pair(0.004)
    plate[..., 40] += 0.1
    assert float(noise_of(plate, clean).max()) < 0.012
    assert float(noise_of(*pair(0.04)).min()) > 0.035


def test_what_no_clean_plate_covers_says_nothing() -> None:
    plate, clean = pair(0.01)
    plate[..., :48] += 0.03
    size = HEIGHT // BLOCK_PX, WIDTH // BLOCK_PX
    trust = torch.ones(1, 1, *size)
    trust[..., :3] = 0
    assert float(measure_noise(plate, clean, torch.ones(1, 1, *size), 4)[..., :8].min()) > 0.02
    assert torch.allclose(measure_noise(plate, clean, trust, 4), torch.tensor(0.012), atol=1e-4)


def test_the_same_hair_is_evidence_on_good_plates_only() -> None:
    told = []
    for off in (0.002, 0.04):
        plate, clean = pair(off)
        plate[..., 40] -= 0.05
        apart = torch.full((1, 1, HEIGHT // 4, WIDTH // 4), 0.5)
        told.append(weigh(plate - clean, noise_of(plate, clean), apart, PLAIN))
    good, bad = told
    assert good.shape == (1, 2, HEIGHT, WIDTH)
    assert float(good[:, 0, :, 40].min()) > 1
    assert float(good[:, 0, :, :30].max()) < 0.15
    assert float(bad[:, 0, :, 40].max()) < 0.5
    # A projection from good plates is off by 0.004 / 0.5, one from bad plates by ten times that.
    error = 10 ** (2 * (torch.stack(told)[:, 0, 1, :, :30].mean((1, 2)) - 0.5))
    assert error.tolist() == pytest.approx([0.008, 0.084], rel=0.1)


def test_where_foreground_and_set_are_one_colour_a_projection_is_worth_nothing() -> None:
    noise = torch.full((1, 1, 16, 24), 0.01)
    far, same = (
        weigh(torch.zeros(1, 3, 64, 96), noise, torch.full_like(noise, apart), PLAIN)[:, 1]
        for apart in (0.5, 0.0)
    )
    assert float(far.max()) < -0.3
    assert float(same.min()) == pytest.approx(0.5)


def test_energy_is_the_mean_square_however_the_channels_lie() -> None:
    image = torch.rand(2, 3, 5, 7) - 0.5
    expected = image.square().mean(1, keepdim=True)
    packed = image.contiguous(memory_format=torch.channels_last)
    assert torch.allclose(energy(image), expected)
    assert torch.allclose(energy(packed), expected)


def test_a_network_that_learned_without_it_answers_as_before(
    make_matter: MakeMatter, make_cues: MakeCues
) -> None:
    cues = make_cues(64, 96)
    with torch.inference_mode():
        without, grown = make_matter(), make_matter(evidence=True)
        assert without.encode(cues).noise is None
        kept = without.state_dict()
        missing, unknown = grown.load_state_dict(kept, strict=False)
        assert (missing, unknown) == (["refine.evidence.weight"], [])
        assert grown.refine.evidence is not None
        torch.nn.init.zeros_(grown.refine.evidence.weight)
        assert torch.equal(grown(cues).alpha, without(cues).alpha)
        torch.nn.init.normal_(grown.refine.evidence.weight)
        assert float((grown(cues).alpha - without(cues).alpha).abs().max()) > 0.01


def test_evidence_is_told_and_not_learned(
    make_matter: MakeMatter, make_cues: MakeCues, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a colour could be moved away from the set's to make its alpha look certain."""
    told: list[torch.Tensor] = []

    def note(
        difference: torch.Tensor, noise: torch.Tensor, apart: torch.Tensor, pixels: Pixels
    ) -> torch.Tensor:
        told.append(weigh(difference, noise, apart, pixels))
        return told[-1]

    monkeypatch.setattr(matter_module, "weigh", note)
    matter = make_matter(evidence=True)
    drawn = matter(make_cues(64, 64))
    assert drawn.foreground.requires_grad
    assert not told[0].requires_grad
    drawn.alpha.sum().backward()
    grad = matter.get_parameter("refine.evidence.weight").grad
    assert grad is not None
    assert float(grad.abs().max()) > 0
