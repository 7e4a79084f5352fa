"""A speed claim is met by the median ratio of its rounds, and not measured where a side lacks."""

from __future__ import annotations

import math

import pytest
import torch
from speed_networks import (
    MOBILE,
    RESNET,
    Timing,
    build_theirs,
    claims_of,
    draw_cues,
    measure,
    ratio,
)
from speed_runtimes import Contender, contend

from platematte.network.base import Widths
from platematte.network.matter import Cues, Drawn, Matter


def timing(network: str, runtime: str, *wall: float, precision: str = "fp32") -> Timing:
    def run(cues: Cues) -> Drawn:
        raise AssertionError("nothing runs here")

    return Timing(Contender(network, runtime, precision, run), list(wall), list(wall))


def test_a_ratio_is_the_median_over_the_rounds_not_of_the_medians() -> None:
    # The machine was busy in the second round: both sides took ten times as long.
    theirs, ours = timing(MOBILE, "eager", 3, 30, 3.2), timing("fast", "eager", 2, 20, 2)
    assert ratio(theirs, ours) == 1.5


def test_each_runtime_and_layout_has_its_claim_and_best_stands_against_best() -> None:
    timings = [
        timing("fast", "eager", 1, 1, 1),
        timing("fast", "openvino", 2, 2, 2),
        timing(MOBILE, "eager", 2, 2, 2),
        timing(MOBILE, "eager, channels last", 1.6, 1.6, 1.6),
        timing(MOBILE, "openvino", 1.2, 1.2, 1.2),
    ]
    claims = {claim.text: claim for claim in claims_of("HD", timings, "cpu")}
    eager = claims[f"HD fp32, eager: {MOBILE} / fast"]
    assert (eager.figure, eager.verdict) == (2.0, "met")
    packed = claims[f"HD fp32, eager, channels last: {MOBILE} / fast"]
    assert (packed.figure, packed.verdict) == (1.6, "met")
    openvino = claims[f"HD fp32, openvino: {MOBILE} / fast"]
    assert (openvino.figure, openvino.verdict) == (0.6, "missed")
    best = claims[f"HD fp32, best runtime of each: {MOBILE} / fast"]
    assert (best.figure, best.verdict) == (1.2, "missed")
    absent = claims[f"HD fp32, best runtime of each: {RESNET} / quality"]
    assert math.isnan(absent.figure)
    assert absent.verdict == "not measured"


def test_a_gpu_has_to_keep_within_memory_and_fp16_near_fp32() -> None:
    half = timing("fast", "eager", 1, precision="fp16")
    half.change, half.peak_mib = 1 / 200, 4000.0
    verdicts = {claim.text: claim.verdict for claim in claims_of("4K", [half], "cuda")}
    assert verdicts["4K alpha of fast, eager: fp16 against fp32"] == "missed"
    assert verdicts["4K peak memory of fast in fp16, eager, MiB"] == "met"


@pytest.mark.parametrize("name", ["fast", MOBILE])
def test_contenders_take_turns_and_answer_at_full_size(name: str) -> None:
    torch.manual_seed(0)
    small = Widths(quarter=8, eighth=8, sixteenth=8, thirty_second=8, half=8)
    network = Matter(small) if name == "fast" else build_theirs(name)
    cues = draw_cues(72, 40, torch.device("cpu"))
    contenders = contend(name, network.eval(), "eager", "fp32", cues)
    for found in measure(contenders, cues, rounds=1):
        drawn = found.contender.run(cues)
        assert drawn.alpha.shape[2:] == drawn.foreground.shape[2:] == (40, 72)
        assert len(found.wall) == len(found.cpu) == 1
        assert found.change < 1e-5


def test_the_published_refiner_takes_all_its_patches() -> None:
    network = build_theirs(MOBILE).eval()
    counts: list[int] = []
    network.refiner.register_forward_hook(lambda _, __, drawn: counts.append(int(drawn[1].sum())))
    cues = draw_cues(192, 96, torch.device("cpu"))
    contend(MOBILE, network, "eager", "fp32", cues)[0].run(cues)
    # 80 000 pixels of an HD frame, in proportion.
    assert counts == [round(80_000 * 192 * 96 / (1920 * 1080)) // 16]
