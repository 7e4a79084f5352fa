"""Each architecture learns from the same samples, and comes back from its file as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from platematte.errors import WeightsInvalid
from platematte.network.base import Widths
from platematte.network.encode import encode_view
from platematte.network.matter import Cues, Drawn, Matter
from platematte.network.published.mattingv2 import RefineDrawn
from platematte.network.published.seed import SeedDrawn
from platematte.network.weights import save_weights
from platematte.training.architectures import (
    ARCHITECTURES,
    FAST,
    MattingV2,
    Ours,
    Seed,
    Trainee,
    cues_of,
    load_trained,
    save_trained,
    segmentation_of,
)
from platematte.training.bank import empty_bank
from platematte.training.synthesise import Sample, Synthesiser

PUBLISHED = ("mattingv2-mobilenetv2", "seed")
MakeOurs = Callable[..., Ours]
ShareAsked = Callable[[Trainee, int], tuple[float, float]]


@pytest.fixture(scope="module")
def sample() -> Sample:
    return Synthesiser(empty_bank(), 1).draw(2, 64)


@pytest.fixture
def share_asked(monkeypatch: pytest.MonkeyPatch) -> ShareAsked:
    """Return in which part of 60 steps a network is asked to look far, and is shown the guess."""
    asked: list[tuple[bool, bool]] = []

    def forward(
        self: Matter, cues: Cues, neighbours: object, is_far: bool, with_guess: bool
    ) -> Drawn:
        asked.append((is_far, with_guess))
        raise InterruptedError

    def share(ours: Trainee, side: int) -> tuple[float, float]:
        blank = Sample(*(torch.zeros(1, 3, 1, side) for _ in fields(Sample)))
        torch.manual_seed(0)
        asked.clear()
        for _ in range(60):
            with pytest.raises(InterruptedError):
                ours.loss([blank])
        far, shown = (sum(answers) / len(asked) for answers in zip(*asked, strict=True))
        return far, shown

    monkeypatch.setattr(Matter, "forward", forward)
    return share


def test_half_of_the_larger_crops_are_seen_as_large_frames(share_asked: ShareAsked) -> None:
    quality, fast = (ARCHITECTURES[name].build() for name in ("quality", "fast"))
    assert 0.3 < share_asked(quality, 320)[0] < 0.7
    assert share_asked(quality, 288)[0] == share_asked(fast, 320)[0] == 0


def test_the_guess_is_hidden_in_half_of_the_steps(share_asked: ShareAsked) -> None:
    for name in ("quality", "fast"):
        assert 0.3 < share_asked(ARCHITECTURES[name].build(), 192)[1] < 0.7
    # Where there is none, nothing is drawn by lot.
    assert share_asked(Ours(Matter(Widths())), 192)[1] == 1


def test_both_ways_are_the_mean_of_what_the_coin_would_have_taken(sample: Sample) -> None:
    torch.manual_seed(0)
    matter = ARCHITECTURES["quality"].build().network
    assert isinstance(matter, Matter)
    both = Ours(matter, both_ways=True).loss([sample])
    lots = [Ours(matter).loss([sample])["total"].item() for _ in range(12)]
    shown, hidden = sorted(set(lots))
    assert lots.count(shown) != 0 != lots.count(hidden)
    assert both["total"].item() == pytest.approx((shown + hidden) / 2, rel=1e-5)


def test_both_ways_of_a_network_without_a_guess_are_one(share_asked: ShareAsked) -> None:
    assert share_asked(Ours(Matter(Widths()), both_ways=True), 192)[1] == 1


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_learns_from_a_sample_with_every_weight_that_it_uses(
    sample: Sample, name: str
) -> None:
    torch.manual_seed(0)
    trainee = ARCHITECTURES[name].build()
    # Hints are absent mostly, and their weights then learn nothing.
    shown = replace(sample, hints=torch.full_like(sample.hints, 0.3))
    trainee.network.train()
    # In half of the steps the guess is hidden from ours.
    for _ in range(6 if isinstance(trainee, Ours) else 1):
        terms = trainee.loss([shown])
        terms["total"].backward()
    values = {key: float(value.detach()) for key, value in terms.items()}
    assert all(0 <= value < 100 for value in values.values())
    assert values.pop("total") == pytest.approx(sum(values.values()), rel=1e-5)
    idle = set()
    for key, parameter in trainee.network.named_parameters():
        if parameter.grad is None:
            idle.add(key.partition(".")[0])
            continue
        assert bool(torch.isfinite(parameter.grad).all()), key
        assert bool(parameter.grad.any()), key
    # The seed's motion branch has no influence on its answer, as published.
    assert idle == ({"model_enc_multi"} if name == "seed" else set())


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_each_answers_in_scene_linear_at_full_size(sample: Sample, name: str) -> None:
    torch.manual_seed(0)
    trainee = ARCHITECTURES[name].build()
    trainee.network.eval()
    with torch.inference_mode():
        drawn = trainee.answer(cues_of(sample))
    for part, channels in (("alpha", 1), ("coarse", 1), ("foreground", 3), ("error", 1)):
        answered = getattr(drawn, part)
        assert answered.shape == (2, channels, 64, 64), part
        assert answered.dtype == torch.float32
        assert bool(torch.isfinite(answered).all()), part
    assert float(drawn.error.min()) >= 0
    assert float(drawn.foreground.min()) >= 0


def test_a_few_steps_bring_the_loss_of_a_published_architecture_down(sample: Sample) -> None:
    torch.manual_seed(0)
    trainee = MattingV2("mobilenetv2")
    trainee.network.train()
    optimizer = torch.optim.AdamW(trainee.network.parameters(), lr=1e-3)
    totals = []
    for _ in range(8):
        total = trainee.loss([sample])["total"]
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        totals.append(float(total.detach()))
    assert totals[-1] < 0.8 * totals[0]


def test_the_fast_network_has_less_to_compute() -> None:
    networks = {name: ARCHITECTURES[name].build().network for name in ("fast", "quality")}
    counts = {}
    for name, network in networks.items():
        cues = Cues(*(torch.rand(1, channels, 128, 128) for channels in (3, 3, 1, 3)))
        # Recorded: it does not count what a layer and its sum do in one sweep.
        with FlopCounterMode(display=False) as counter:
            network(cues)
        counts[name] = counter.get_total_flops()
    assert counts["fast"] < 0.4 * counts["quality"]
    assert networks["fast"].widths == FAST


def test_a_network_that_fuses_neighbours_learns_from_the_frames_beside(
    tiny_ours: MakeOurs,
) -> None:
    clip = Synthesiser(empty_bank(), 2).draw_clip(2, 64, 5)
    torch.manual_seed(0)
    trainee = tiny_ours(is_temporal=True)
    torch.nn.init.normal_(trainee.network.motion.join.weight, std=0.3)
    total = float(trainee.loss(clip)["total"].detach())
    # Another neighbour, another answer; the truth is that of the frame in the middle.
    other = [replace(clip[0], plate=1 - clip[0].plate), *clip[1:]]
    assert float(trainee.loss(other)["total"].detach()) != total
    single = tiny_ours()
    middle = float(single.loss(clip)["total"].detach())
    assert float(single.loss([clip[2]])["total"].detach()) == middle


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_saved_network_comes_back_and_gives_the_same_matte(
    sample: Sample, tmp_path: Path, name: str
) -> None:
    torch.manual_seed(0)
    trainee = ARCHITECTURES[name].build()
    network = trainee.network.train()
    with torch.no_grad():
        # What BatchNorm has seen is part of a network.
        trainee.loss([sample])
    save_trained(tmp_path / "a.safetensors", name, network.state_dict(), 1234)
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]
    loaded = load_trained(tmp_path / "a.safetensors")
    assert (loaded.name, loaded.samples) == (name, 1234)
    assert not loaded.trainee.network.training
    state = loaded.trainee.network.state_dict()
    halves = {
        key: value.half().to(value) if value.is_floating_point() else value
        for key, value in network.state_dict().items()
    }
    assert all(torch.equal(state[key], value) for key, value in halves.items())
    network.load_state_dict(halves)
    network.eval()
    alpha, foreground, error = loaded.matte(sample.plate, sample.clean, sample.trust)
    blank = replace(cues_of(sample), hints=torch.zeros_like(sample.hints))
    with torch.inference_mode():
        drawn = trainee.answer(blank)
    assert torch.equal(alpha, drawn.alpha.clamp(0, 1))
    assert torch.equal(foreground, drawn.foreground)
    if name == "seed":
        assert error is None
    else:
        assert error is not None
        assert torch.equal(error, drawn.error)


def test_our_own_weights_come_back_and_give_the_same_matte(
    sample: Sample, tmp_path: Path, tiny_ours: MakeOurs
) -> None:
    torch.manual_seed(0)
    matter = tiny_ours().network.eval()
    state = {key: value.half().float() for key, value in matter.state_dict().items()}
    matter.load_state_dict(state)
    save_weights(tmp_path / "w.safetensors", state, matter.widths, 77, False)
    loaded = load_trained(tmp_path / "w.safetensors")
    assert (loaded.name, loaded.samples) == ("ours", 77)
    alpha, _, error = loaded.matte(sample.plate, sample.clean, sample.trust)
    with torch.inference_mode():
        drawn = matter(replace(cues_of(sample), hints=torch.zeros_like(sample.hints)))
    assert torch.equal(alpha, drawn.alpha.clamp(0, 1))
    assert error is not None
    assert torch.equal(error, drawn.error)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "v2.safetensors"
    name = "mattingv2-mobilenetv2"
    save_trained(path, name, ARCHITECTURES[name].build().network.state_dict(), 5)
    return path


def test_files_that_no_training_has_written_are_refused_with_their_path(
    saved: Path, tmp_path: Path
) -> None:
    path = tmp_path / "w.safetensors"

    def refused(reason: str) -> None:
        with pytest.raises(WeightsInvalid, match=reason) as caught:
            load_trained(path)
        assert caught.value.path == str(path)
        assert caught.value.fix

    refused("not a readable")
    path.write_bytes(b"not a set of weights")
    refused("not a readable")
    path.write_bytes(saved.read_bytes()[:-1000])
    refused("not a readable")
    header = {"architecture": "mattingv2-mobilenetv2", "samples": "5"}
    tensors = load_file(saved)
    save_file({"a": torch.zeros(3)}, path)
    refused("unknown weights")
    save_file(tensors, path, {**header, "architecture": "mattingv3"})
    refused("unknown architecture 'mattingv3'.*seed")
    first = next(iter(tensors))
    save_file({key: value for key, value in tensors.items() if key != first}, path, header)
    refused(first)
    save_file({**tensors, first: torch.zeros(3)}, path, header)
    refused(first)
    save_file(tensors, path, {**header, "samples": "many"})
    refused("many")
    save_file(tensors, path, header)
    assert load_trained(path).samples == 5


def test_counts_beyond_the_range_of_half_floats_are_kept(saved: Path, tmp_path: Path) -> None:
    state = load_file(saved)
    counts = [key for key in state if key.endswith("num_batches_tracked")]
    assert counts
    for key in counts:
        state[key] = torch.tensor(70_001)
    save_trained(tmp_path / "w.safetensors", "mattingv2-mobilenetv2", state, 1)
    network = load_trained(tmp_path / "w.safetensors").trainee.network
    assert all(int(network.state_dict()[key]) == 70_001 for key in counts)


def test_the_segmentation_is_where_the_plates_differ(sample: Sample) -> None:
    clean = torch.full((1, 3, 64, 64), 0.2)
    plate = clean.clone()
    plate[..., 16:48, 16:48] = 0.6
    trust = torch.ones(1, 1, 64, 64)
    cues = replace(cues_of(sample), plate=plate, clean=clean, trust=trust)
    marks = segmentation_of(cues)
    assert marks.shape == (1, 1, 64, 64)
    assert 0 <= float(marks.min()) < float(marks.max()) <= 1
    assert float(marks[..., 28:36, 28:36].min()) > 0.9
    assert float(marks[..., :4, :4].max()) < 0.1
    assert not bool(segmentation_of(replace(cues, plate=clean)).any())
    # Beyond the clean plate nothing is known to differ.
    assert not bool(segmentation_of(replace(cues, trust=0 * trust)).any())


@pytest.mark.parametrize("make", [lambda: MattingV2("mobilenetv2"), Seed])
def test_what_lies_beyond_the_clean_plate_has_no_say(
    sample: Sample, make: Callable[[], Trainee]
) -> None:
    torch.manual_seed(0)
    trainee = make()
    trainee.network.eval()
    nowhere = replace(sample, trust=torch.zeros_like(sample.trust))
    alphas, totals = [], []
    with torch.inference_mode():
        for clean in (sample.clean, torch.full_like(sample.clean, 0.7)):
            other = replace(nowhere, clean=clean)
            alphas.append(trainee.answer(cues_of(other)).alpha)
            # In training as in use.
            totals.append(float(trainee.loss([other])["total"]))
    assert torch.equal(alphas[0], alphas[1])
    assert totals[0] == totals[1]


def test_the_losses_of_the_published_networks_are_zero_at_the_truth(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = encode_view(sample.foreground).clamp(0, 1)
    small, colour = (
        functional.interpolate(part, (32, 32), mode="bilinear") for part in (sample.alpha, true)
    )
    answer = RefineDrawn(sample.alpha, true, small, colour, torch.zeros_like(small), sample.alpha)
    trainee = MattingV2("mobilenetv2")
    monkeypatch.setattr(trainee.network, "forward", lambda plate, clean: answer)
    for name, value in trainee.loss([sample]).items():
        assert float(value) == pytest.approx(0, abs=1e-6), name


def test_the_losses_of_the_seed_are_zero_at_the_truth(
    sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It composites in the encoded view: only an alpha of 0 or 1 is then without error.
    opaque = (sample.alpha > 0.5).float()
    plate = torch.lerp(sample.set, sample.foreground, opaque)
    clear = replace(sample, alpha=opaque, plate=plate)
    answer = SeedDrawn(opaque * 2 - 1, encode_view(clear.foreground).clamp(0, 1) * 2 - 1)
    trainee = Seed()
    monkeypatch.setattr(trainee.network, "forward", lambda *images: answer)
    for name, value in trainee.loss([clear]).items():
        assert float(value) == pytest.approx(0, abs=1e-5), name
