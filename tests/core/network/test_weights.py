"""Weights come back as they were saved, and what is not ours is refused with its path."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from platematte.errors import OutputExists, OutputUnwritable, WeightsInvalid
from platematte.network.base import Widths
from platematte.network.matter import Matter
from platematte.network.weights import (
    ALIASES,
    FORMAT,
    find_weights,
    hash_file,
    load_weights,
    mean_weights,
    packaged_weights,
    save_weights,
)

MakeMatter = Callable[..., Matter]


@pytest.fixture
def saved(tmp_path: Path, make_matter: MakeMatter) -> Path:
    matter, path = make_matter(is_temporal=True), tmp_path / "mine.safetensors"
    save_weights(path, matter.state_dict(), matter.widths, samples=1234, is_temporal=True)
    return path


def rewrite(path: Path, tensors: dict[str, torch.Tensor] | None = None, **header: str) -> None:
    """Change entries of a weights file's header ("" removes one), and perhaps its tensors."""
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        old = {**file.metadata(), **header}
        kept = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    new = {key: value for key, value in old.items() if value}
    save_file(kept if tensors is None else tensors, str(path), metadata=new)


def refusal(path: Path) -> WeightsInvalid:
    with pytest.raises(WeightsInvalid) as caught:
        load_weights(path)
    assert caught.value.path == str(path)
    assert caught.value.exit_status == 3
    assert "--weights" in caught.value.fix
    return caught.value


def test_weights_come_back_as_halves_of_what_was_saved(
    saved: Path, make_matter: MakeMatter
) -> None:
    matter, card = load_weights(saved)
    truth = make_matter(is_temporal=True).state_dict()
    loaded = matter.state_dict()
    assert loaded.keys() == truth.keys()
    for name, value in truth.items():
        assert torch.equal(loaded[name], value.half().float()), name
    assert not matter.training
    assert matter.is_temporal
    assert (card.name, card.licence, card.samples) == ("mine", "CC0-1.0", 1234)
    assert card.sha256 == hash_file(saved)
    assert [path.name for path in saved.parent.iterdir()] == ["mine.safetensors"]


def test_the_mean_of_two_runs_is_the_mean_of_each_weight(
    tmp_path: Path, make_matter: MakeMatter
) -> None:
    states = []
    for seed, samples, reach in ((3, 700, 1), (4, 900, 2)):
        matter = make_matter(seed=seed, reach=reach)
        path = tmp_path / f"{seed}.safetensors"
        save_weights(path, matter.state_dict(), matter.widths, samples, is_temporal=False)
        states.append(load_weights(path)[0].state_dict())
    to = tmp_path / "new" / "mean.safetensors"
    assert mean_weights([tmp_path / "3.safetensors", tmp_path / "4.safetensors"], to) == to
    matter, card = load_weights(to)
    assert (matter.widths.reach, card.name, card.samples) == (2, "mean", 900)
    for key, value in matter.state_dict().items():
        expected = ((states[0][key] + states[1][key]) / 2).half().float()
        assert torch.equal(value, expected), key


def test_a_set_from_before_there_was_evidence_counts_as_one_that_has_none(
    tmp_path: Path, make_matter: MakeMatter
) -> None:
    matters = [make_matter(seed=3), make_matter(seed=4, evidence=True)]
    paths = [tmp_path / "old.safetensors", tmp_path / "new.safetensors"]
    for matter, path in zip(matters, paths, strict=True):
        save_weights(path, matter.state_dict(), matter.widths, 700, is_temporal=False)
    for one, other in (paths, paths[::-1]):
        mean, _ = load_weights(mean_weights([one, other], tmp_path / f"mean of {one.name}"))
        assert mean.widths.evidence
        assert mean.refine.evidence is not None
        whole = load_weights(paths[1])[0].get_parameter("refine.evidence.weight")
        assert bool(whole.any())
        assert torch.equal(mean.refine.evidence.weight, (whole / 2).half().float())


def test_a_mean_is_of_one_architecture_and_overwrites_nothing(
    saved: Path, tmp_path: Path, make_matter: MakeMatter
) -> None:
    other, to = tmp_path / "other.safetensors", tmp_path / "mean.safetensors"
    for widths, is_temporal in (
        (load_weights(saved)[0].widths, False),
        (Widths(8, 8, 8, 8, 4), True),
    ):
        matter = Matter(widths, is_temporal)
        save_weights(other, matter.state_dict(), widths, 1, is_temporal)
        with pytest.raises(WeightsInvalid, match="another shape") as refused:
            mean_weights([saved, other], to)
        assert refused.value.path == str(other)
        assert not to.exists()
    to.write_bytes(b"mine")
    with pytest.raises(OutputExists):
        mean_weights([saved, saved], to)
    assert to.read_bytes() == b"mine"


def test_a_mean_that_cannot_be_written_says_where(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"no folder")
    to = tmp_path / "file" / "mean.safetensors"
    with pytest.raises(OutputUnwritable) as refused:
        mean_weights([saved, saved], to)
    assert refused.value.path == str(to)


def test_weights_may_be_read_by_whoever_may_read_other_files(saved: Path, tmp_path: Path) -> None:
    (tmp_path / "other").write_bytes(b"")
    assert saved.stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_damaged_file_is_refused_with_its_path(saved: Path) -> None:
    whole = saved.read_bytes()
    for broken in (b"", whole[:5], whole[: len(whole) // 2], b"\0" * 64, b"not weights at all"):
        saved.write_bytes(broken)
        assert "not a readable safetensors file" in refusal(saved).reason


def test_another_architecture_is_refused_by_its_name(saved: Path) -> None:
    rewrite(saved, format="platematte-matter-99")
    reason = refusal(saved).reason
    assert "platematte-matter-99" in reason
    assert FORMAT in reason
    save_file({"weight": torch.zeros(3)}, str(saved))
    assert "unknown weights" in refusal(saved).reason


@pytest.mark.parametrize(
    "header",
    [
        {"widths": ""},
        {"widths": "no json"},
        {"widths": json.dumps({"quarter": 8, "octave": 8})},
        {"widths": json.dumps({"quarter": -1})},
        {"widths": json.dumps({"quarter": "eight"})},
        {"samples": "many"},
    ],
)
def test_a_header_that_makes_no_sense_is_refused(saved: Path, header: dict[str, str]) -> None:
    rewrite(saved, **header)
    refusal(saved)


def test_a_reach_that_there_is_not_is_refused(saved: Path) -> None:
    widths = load_weights(saved)[0].widths
    rewrite(saved, widths=json.dumps({**asdict(widths), "reach": 4}))
    assert "reach is 1 or 2, not 4" in refusal(saved).reason


def test_missing_unknown_and_misshapen_tensors_are_refused(
    saved: Path, make_matter: MakeMatter
) -> None:
    truth = make_matter(is_temporal=True).state_dict()
    state = {key: value.contiguous() for key, value in truth.items()}
    name = "refine.heads.bias"
    rewrite(saved, {key: value for key, value in state.items() if key != name})
    assert name in refusal(saved).reason
    rewrite(saved, {**state, "surplus": torch.zeros(2)})
    assert "surplus" in refusal(saved).reason
    rewrite(saved, {**state, name: torch.zeros(5)})
    assert name in refusal(saved).reason


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    for name in ("best-ever", str(tmp_path / "absent.safetensors"), str(tmp_path)):
        with pytest.raises(WeightsInvalid) as caught:
            find_weights(name)
        assert caught.value.path == name
        assert ", ".join(packaged_weights()) in caught.value.reason
        assert caught.value.fix


def test_a_path_and_a_packaged_name_are_found(saved: Path) -> None:
    assert find_weights(str(saved)) == saved
    for name, path in packaged_weights().items():
        assert find_weights(name) == path


def test_an_alias_stands_for_a_numbered_set_in_the_package() -> None:
    assert {"default", "quality"} <= set(ALIASES)
    for alias, name in ALIASES.items():
        assert name in packaged_weights()
        assert find_weights(alias) == packaged_weights()[name]
