"""A state dict is recognised by every entry, or refused with the nearest layout."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from platematte.network.published.layouts import BUILDERS, describe_layout
from platematte.network.published.recognise import NotRecognised, recognise

State = dict[str, torch.Tensor]
MakeState = Callable[..., State]


def bare(layout: str) -> State:
    """Return a state dict of zeros."""
    return {key: torch.zeros(shape) for key, shape in describe_layout(layout).items()}


def refusal(loaded: object) -> str:
    with pytest.raises(NotRecognised) as caught:
        recognise(loaded)
    return str(caught.value)


@pytest.mark.parametrize("layout", [name for name in BUILDERS if "101" not in name])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_layout_is_recognised_with_and_without_prefix(layout: str, prefix: str) -> None:
    state = bare(layout)
    found, tensors = recognise({prefix + key: value for key, value in state.items()})
    assert found == layout
    assert tensors.keys() == state.keys()


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "model_state_dict"])
def test_a_wrapped_state_dict_is_recognised(wrapper: str) -> None:
    assert recognise({wrapper: bare("v2-mobilenetv2"), "epoch": 3})[0] == "v2-mobilenetv2"


def test_missing_entries_are_told_with_the_nearest_layout() -> None:
    state = bare("seed")
    del state["comb_multi.0.weight"], state["model_enc1.1.bias"]
    told = refusal(state)
    assert "the nearest is seed (the seed's network; 322 entries)" in told
    assert "2 entries are missing, first model_enc1.1.bias, comb_multi.0.weight" in told


def test_only_the_first_missing_entries_are_told() -> None:
    state = {k: v for k, v in bare("v2-mobilenetv2").items() if not k.startswith("aspp.convs")}
    told = refusal(state)
    assert "v2-mobilenetv2 (BackgroundMattingV2, MobileNetV2; 382 entries)" in told
    assert "30 entries are missing, first aspp.convs.0.0.weight, aspp.convs.0.1.weight" in told
    assert told.count("aspp.convs") == 3


def test_a_shape_that_differs_is_told_with_both_shapes() -> None:
    state = bare("v2-mobilenetv2")
    state["refiner.conv1.weight"] = torch.zeros(24, 42, 1, 1)
    told = refusal(state)
    assert "1 entry is of another shape" in told
    assert "refiner.conv1.weight (24, 42, 1, 1) for (24, 42, 3, 3)" in told


def test_an_entry_too_many_is_told() -> None:
    assert "1 entry is unknown, first surplus" in refusal(
        {**bare("v2-mobilenetv2"), "surplus": torch.zeros(1)}
    )


def test_what_resembles_no_layout_is_told_with_its_first_entries() -> None:
    told = refusal({"net.0.weight": torch.zeros(2), "net.0.bias": torch.zeros(2)})
    assert "nor any entry of one (its first are net.0.weight, net.0.bias)" in told
    assert all(layout in told for layout in BUILDERS)


@pytest.mark.parametrize(
    "loaded", [{}, [], None, 3.0, {"epoch": 3}, {"state_dict": {}}, {3: torch.zeros(1)}]
)
def test_what_holds_no_tensors_by_name_is_refused(loaded: object) -> None:
    assert "holds" in refusal(loaded)


def test_values_that_are_no_numbers_are_refused() -> None:
    state = bare("v2-mobilenetv2")
    state["decoder.bn2.weight"][3] = float("nan")
    assert "the first of them in decoder.bn2.weight" in refusal(state)
