"""The accuracy benchmark on tiny frames: every method answers, and the output says what it did."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import accuracy
import numpy as np
import pytest
import torch
from methods import Scene, load_networks, network_methods

from platematte.network.matter import Matter
from platematte.network.weights import save_weights
from platematte.training.architectures import ARCHITECTURES, FAST, save_trained


@pytest.fixture
def tiny_set(make_sample, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    """Take the place of the held-out set."""

    def load_heldout(data: Path | None, level: str, count: int, first: int = 0) -> Iterator:
        return (make_sample(n, prop=level == "hard") for n in range(first, first + count))

    def load_clips(data: Path | None, count: int, first: int = 0, frames: int = 3) -> Iterator:
        for n in range(first, first + count):
            yield [make_sample(n, moved_px=2.0 * frame) for frame in range(min(frames, 3))]

    monkeypatch.setattr(accuracy, "load_heldout", load_heldout)
    monkeypatch.setattr(accuracy, "load_clips", load_clips)


def test_a_run_prints_the_table_and_the_claims_and_writes_its_files(
    tiny_set: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "accuracy.csv"
    small = ["--count", "1", "--clips", "1", "--tuning", "1", "--methods", "ours", "difference"]
    absent = ["--networks", str(tmp_path / "absent.safetensors")]
    accuracy.main([*small, *absent, "--out", str(out), "--sheets", str(tmp_path / "sheets")])
    printed = capsys.readouterr().out
    rows = list(csv.DictReader(out.open()))
    stills = [row for row in rows if row["level"] != "clips"]
    assert len(stills) == 3 * 2
    assert {row["level"] for row in rows} == {"ideal", "casual", "hard", "clips"}
    ours = [row for row in rows if row["method"].startswith("ours (")]
    assert all(0 <= float(row["mad"]) < 0.2 for row in ours)
    assert all(row["confidence_rank_blocks"] for row in ours)
    clips = [row for row in ours if row["level"] == "clips"]
    for is_single in (False, True):
        steps = [r["dtssd"] for r in clips if r["method"].endswith("single frames") is is_single]
        assert steps[0] == "" and all(float(step) >= 0 for step in steps[1:]) and len(steps) == 3
    assert {path.name for path in (tmp_path / "sheets").iterdir()} == {
        f"{level}.png" for level in ("ideal", "casual", "hard", "clips")
    }
    assert printed.count("not measured") >= 3  # Every ratio that needs a network.
    assert "| MAD of ours: hard / ideal" in printed


def test_files_that_are_no_networks_are_named_and_left_out(tmp_path: Path) -> None:
    said: list[str] = []
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"no weights")
    assert load_networks([tmp_path / "absent.safetensors", broken], said.append) == {}
    assert "absent.safetensors: there is no such file" in said[0]
    assert "broken.safetensors" in said[1] and "safetensors file" in said[1]


def test_runs_of_the_same_name_keep_rows_of_their_own(tmp_path: Path) -> None:
    matter = Matter(FAST)
    paths = [tmp_path / name / "run" / "weights.safetensors" for name in ("one", "two")]
    for path in paths:
        path.parent.mkdir(parents=True)
        save_weights(path, matter.state_dict(), FAST, samples=5, is_temporal=False)
    assert set(load_networks(paths, print)) == {"run", str(paths[1])}


def test_our_trained_network_runs_behind_our_prepare_stage(make_sample, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "fast.safetensors"
    save_weights(path, Matter(FAST).state_dict(), FAST, samples=12345, is_temporal=False)
    (method,) = network_methods(*next(iter(load_networks([path], print).items())))
    assert (method.role, method.clean, method.samples) == ("ours-network", "prepared", 12345)
    assert method.name == "our network, 12 345 samples (fast)"
    scene = Scene([make_sample(1)])
    (answer,) = method.answers(scene)
    assert answer.confidence is not None and answer.confidence.shape == (64, 64, 1)
    # Behind our solve, what is premultiplied closes to the plate wherever the clean plate is right.
    shown = scene.prepared[0]
    closed = answer.matte.premult + (1 - answer.matte.alpha) * shown.clean
    assert np.median(np.abs(closed - shown.plate)) < 1e-3


def test_a_published_network_is_shown_with_its_own_foreground_and_with_our_solve(
    make_sample,  # type: ignore[no-untyped-def]
    tmp_path: Path,
) -> None:
    torch.manual_seed(0)  # Some untrained networks answer alpha 0 everywhere, which shows nothing.
    path = tmp_path / "v2.safetensors"
    name = "mattingv2-mobilenetv2"
    save_trained(path, name, ARCHITECTURES[name].build().network.state_dict(), 7)
    methods = network_methods("v2", load_networks([path], print)["v2"])
    assert [method.role for method in methods] == ["mattingv2", "mattingv2-solved"]
    scene = Scene([make_sample(1)])
    own, solved = (next(method.answers(scene)).matte for method in methods)
    assert abs(own.alpha - solved.alpha).max() <= 1e-3  # Ours is rounded to half floats.
    np.testing.assert_allclose(own.premult, own.alpha * own.foreground)
    assert abs(own.premult - solved.premult).max() > 1e-3
    for matte in (own, solved):
        figures = accuracy.figures_of(matte, scene.frames[0])
        assert 0 <= figures["mad"] <= 1 and 0 <= figures["foreground_mse"] <= 1


def test_a_keyer_is_tuned_on_frames_that_are_not_measured(
    tiny_set: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[int, int]] = []
    load = accuracy.load_heldout

    def spy(data: Path | None, level: str, count: int, first: int = 0) -> Iterator:
        asked.append((first, first + count))
        return load(data, level, count, first)

    monkeypatch.setattr(accuracy, "load_heldout", spy)
    accuracy.main(
        ["--count", "2", "--clips", "0", "--tuning", "3", "--levels", "hard", "--methods", "ibk"]
    )
    assert sorted(asked) == [(0, 2), (2, 5)]
    assert "IbkSettings" in capsys.readouterr().out
