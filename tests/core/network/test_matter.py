"""The network answers for frames of any size, alike whatever else is in a batch or beside them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from platematte.network.base import NEIGHBOURS
from platematte.network.device import Runner
from platematte.network.matter import FAR_PX, Cues, Drawn, Matter, no_hints
from platematte.network.tiles import look_in_tiles

MakeMatter = Callable[..., Matter]
MakeCues = Callable[..., Cues]
ODD_SIZES = ((1, 1), (1, 100), (97, 1), (2, 3), (31, 33), (32, 32), (37, 41), (65, 64), (99, 83))


def answer(matter: Matter, cues: Cues) -> Drawn:
    runner = Runner(matter, torch.device("cpu"), torch.float32, 512)
    return runner.answer(cues, runner.look(cues))


def parts(drawn: Drawn) -> tuple[torch.Tensor, ...]:
    return drawn.alpha, drawn.coarse, drawn.foreground, drawn.error


def largest_difference(one: Drawn, other: Drawn) -> float:
    pairs = zip(parts(one), parts(other), strict=True)
    return max(float((a - b).abs().max()) for a, b in pairs)


def features(matter: Matter, cues: Cues) -> torch.Tensor:
    """Return what a frame beside this one needs of these cues."""
    return look_in_tiles(matter, cues, 512).eighth


def item(cues: Cues, index: int) -> Cues:
    here = slice(index, index + 1)
    return Cues(cues.plate[here], cues.clean[here], cues.trust[here], cues.hints[here])


@pytest.mark.parametrize(("height", "width"), ODD_SIZES)
def test_any_height_and_width_get_a_finite_answer_of_their_size(
    make_matter: MakeMatter, make_cues: MakeCues, height: int, width: int
) -> None:
    drawn = answer(make_matter(), make_cues(height, width))
    channels = [part.shape[1] for part in parts(drawn)]
    assert channels == [1, 1, 3, 1]
    assert all(part.shape[2:] == (height, width) for part in parts(drawn))
    assert all(bool(torch.isfinite(part).all()) for part in parts(drawn))


def test_a_frame_gets_the_same_answer_alone_and_in_a_batch(
    make_matter: MakeMatter, make_cues: MakeCues
) -> None:
    matter, both = make_matter(), make_cues(64, 96, count=2)
    with torch.inference_mode():
        together = matter(both)
        for index in range(2):
            alone = matter(item(both, index))
            here = Drawn(*(part[index : index + 1] for part in parts(together)))
            # Convolutions add up in another order for another batch; nothing else may differ.
            assert largest_difference(alone, here) < 1e-4


def test_weights_that_learned_to_look_far_do_so_in_large_formats_alone(
    make_matter: MakeMatter, make_cues: MakeCues
) -> None:
    cues = make_cues(128, 192)
    whole = cues.plate.shape[2] * cues.plate.shape[3]
    for reach in (1, 2):
        runner = Runner(make_matter(reach=reach), torch.device("cpu"), torch.float32, 512)
        with torch.inference_mode():
            at_once = runner.matter(cues, is_far=reach == 2)
        formats = (None, whole, FAR_PX - 1, FAR_PX)
        near, same, below, far = (runner.answer(cues, runner.look(cues, px)) for px in formats)
        assert largest_difference(near, same) == largest_difference(near, below) == 0
        # The window is the same, the format is not.
        assert (largest_difference(near, far) > 1e-4) == (reach == 2)
        assert largest_difference(far, at_once) < 1e-4


def test_having_learned_to_look_far_changes_nothing_near(
    make_matter: MakeMatter, make_cues: MakeCues
) -> None:
    """In a size that is no multiple of what is looked at from far."""
    cues = make_cues(90, 150)
    near, far = make_matter(reach=1), make_matter(reach=2)
    assert near.align_px == far.align_px
    far.load_state_dict(near.state_dict())
    runners = (Runner(matter, torch.device("cpu"), torch.float32, 512) for matter in (near, far))
    one, other = (runner.answer(cues, runner.look(cues)) for runner in runners)
    assert largest_difference(one, other) == 0


def test_who_looks_far_sees_what_is_twice_as_far_away(make_matter: MakeMatter) -> None:
    """The mean over the frame aside, which is everywhere."""
    think = make_matter(reach=2).think_stage
    # All weights above 0 and no bias: what is nowhere 0 has been reached, in any arithmetic.
    for name, weight in think.named_parameters():
        is_mean = "everywhere" in name
        torch.nn.init.constant_(weight, 0.0 if is_mean or name.endswith("bias") else 0.1)
    features = torch.zeros(1, 8, 8, 512)
    features[..., 0] = 1
    with torch.inference_mode():
        seen = (think(features, is_far=is_far) for is_far in (False, True))
        near, far = (int(answer.amax((0, 1, 2)).nonzero().max()) for answer in seen)
    assert 40 < near < 130
    assert 1.8 * near < far < 2.2 * near


def test_a_clean_plate_that_is_not_trusted_has_no_say(
    make_matter: MakeMatter, make_cues: MakeCues
) -> None:
    cues = make_cues(64, 64)
    trust = torch.ones_like(cues.trust)
    trust[..., 20:45] = 0
    cues = replace(cues, trust=trust)
    other = replace(cues, clean=torch.where(trust > 0, cues.clean, 50 * cues.clean + 3))
    matter = make_matter()
    assert largest_difference(answer(matter, cues), answer(matter, other)) == 0
    # The same change where the clean plate is trusted is seen.
    changed = replace(cues, clean=torch.where(trust > 0, 50 * cues.clean + 3, cues.clean))
    assert largest_difference(answer(matter, cues), answer(matter, changed)) > 1e-3


def test_every_cue_changes_the_answer(make_matter: MakeMatter, make_cues: MakeCues) -> None:
    matter, cues = make_matter(), make_cues(32, 32)
    before = answer(matter, cues)
    for name in ("plate", "clean", "trust", "hints"):
        changed = replace(cues, **{name: 1 - getattr(cues, name)})
        assert largest_difference(before, answer(matter, changed)) > 1e-4, name


def test_hints_that_say_nothing_are_zeros(make_cues: MakeCues) -> None:
    plate = make_cues(32, 64, count=2).plate
    assert no_hints(plate).shape == (2, 3, 32, 64)
    assert not no_hints(plate).any()


def test_absent_neighbours_are_the_same_as_none_at_all(
    make_matter: MakeMatter, make_cues: MakeCues
) -> None:
    matter, cues = make_matter(is_temporal=True), make_cues(32, 64)
    with torch.inference_mode():
        absent: list[torch.Tensor | None] = [None] * len(NEIGHBOURS)
        assert largest_difference(matter(cues), matter(cues, absent)) == 0


@pytest.mark.parametrize("index", range(len(NEIGHBOURS)))
def test_an_absent_neighbour_adds_exactly_nothing(
    make_matter: MakeMatter, make_cues: MakeCues, index: int
) -> None:
    matter, cues = make_matter(is_temporal=True), make_cues(32, 64)
    assert matter.motion is not None
    neighbours: list[torch.Tensor | None]
    with torch.inference_mode():
        neighbours = [features(matter, make_cues(32, 64, seed=40 + n)) for n in range(4)]
        present = matter(cues, neighbours)
        without = matter(cues, [*neighbours[:index], None, *neighbours[index + 1 :]])
        assert largest_difference(present, without) > 1e-4
        # Deaf to that neighbour, the network says the same as without it.
        part = matter.motion.join.weight.shape[1] // len(NEIGHBOURS)
        matter.motion.join.weight[:, index * part : (index + 1) * part] = 0
        assert largest_difference(matter(cues, neighbours), without) < 1e-6


def test_a_new_motion_branch_changes_nothing(make_cues: MakeCues, make_matter: MakeMatter) -> None:
    still = make_matter()
    grown = Matter(still.widths, is_temporal=True).eval()
    missing, unknown = grown.load_state_dict(still.state_dict(), strict=False)
    assert all(name.startswith("motion.") for name in missing)
    assert not unknown
    cues = make_cues(32, 64)
    with torch.inference_mode():
        beside = features(still, make_cues(32, 64, seed=2))
        assert largest_difference(still(cues), grown(cues, [beside, None, beside, None])) == 0
