"""Every published layout against the figures that were taken from the originals."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from platematte.network.published.layouts import BUILDERS, describe_layout

# Entries and float elements (with BatchNorm's means and variances) of each module of the seed.
SEED_MODULES = {
    "model_enc1": (14, 84_096),
    "model_enc2": (7, 296_192),
    "model_enc_back": (21, 380_288),
    "model_enc_seg": (21, 374_016),
    "model_enc_multi": (21, 383_424),
    "comb_back": (6, 33_024),
    "comb_seg": (6, 33_024),
    "comb_multi": (6, 33_024),
    "model_res_dec": (104, 8_391_168),
    "model_res_dec_al": (42, 3_546_624),
    "model_res_dec_fg": (42, 3_546_624),
    "model_al_out": (16, 372_737),
    "model_dec_fg1": (7, 295_552),
    "model_fg_out": (9, 157_187),
}
ENTRIES = {
    "seed": 322,
    "v2-resnet50": 394,
    "v2-resnet101": 700,
    "v2-mobilenetv2": 382,
    "v2-resnet50-base": 374,
    "v2-resnet101-base": 680,
    "v2-mobilenetv2-base": 362,
}
V2_MODULES = {
    "v2-resnet50": {"backbone": 318, "aspp": 36, "decoder": 20, "refiner": 20},
    "v2-resnet101": {"backbone": 624, "aspp": 36, "decoder": 20, "refiner": 20},
    "v2-mobilenetv2": {"backbone": 306, "aspp": 36, "decoder": 20, "refiner": 20},
}
PARAMETERS = {
    "seed": 17_908_420,
    "v2-resnet50": 40_247_703,
    "v2-resnet101": 59_239_831,
    "v2-mobilenetv2": 5_006_839,
}


def _seed_encoder(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{name}.1.weight": (64, channels, 7, 7),
        f"{name}.1.bias": (64,),
        f"{name}.2.running_mean": (64,),
        f"{name}.2.num_batches_tracked": (),
        f"{name}.4.weight": (128, 64, 3, 3),
        f"{name}.5.weight": (128,),
        f"{name}.7.weight": (256, 128, 3, 3),
        f"{name}.8.running_var": (256,),
    }


def _seed_blocks(name: str, first: int, count: int) -> dict[str, tuple[int, ...]]:
    return {
        f"{name}.{index}.conv_block.{key}": shape
        for index in range(first, first + count)
        for key, shape in {
            "1.weight": (256, 256, 3, 3),
            "1.bias": (256,),
            "2.running_mean": (256,),
            "5.weight": (256, 256, 3, 3),
            "5.bias": (256,),
            "6.weight": (256,),
        }.items()
    }


def _seed_selector(name: str) -> dict[str, tuple[int, ...]]:
    return {f"{name}.0.weight": (64, 512, 1, 1), f"{name}.1.bias": (64,)}


SEED_LANDMARKS: dict[str, tuple[int, ...]] = {
    "model_enc1.1.weight": (64, 3, 7, 7),
    "model_enc1.4.weight": (128, 64, 3, 3),
    "model_enc1.5.running_var": (128,),
    "model_enc2.0.weight": (256, 128, 3, 3),
    "model_enc2.1.weight": (256,),
    **_seed_encoder("model_enc_back", 3),
    **_seed_encoder("model_enc_seg", 1),
    **_seed_encoder("model_enc_multi", 4),
    **_seed_selector("comb_back"),
    **_seed_selector("comb_seg"),
    **_seed_selector("comb_multi"),
    "model_res_dec.0.weight": (256, 448, 1, 1),
    "model_res_dec.1.running_mean": (256,),
    **_seed_blocks("model_res_dec", 3, 7),
    **_seed_blocks("model_res_dec_al", 0, 3),
    **_seed_blocks("model_res_dec_fg", 0, 3),
    "model_al_out.1.weight": (128, 256, 3, 3),
    "model_al_out.5.weight": (64, 128, 3, 3),
    "model_al_out.9.weight": (1, 64, 7, 7),
    "model_al_out.9.bias": (1,),
    "model_dec_fg1.1.weight": (128, 256, 3, 3),
    "model_dec_fg1.2.weight": (128,),
    "model_fg_out.1.weight": (64, 256, 3, 3),
    "model_fg_out.2.weight": (64,),
    "model_fg_out.5.weight": (3, 64, 7, 7),
}
V2_LANDMARKS: dict[str, tuple[int, ...]] = {
    "aspp.project.0.weight": (256, 1280, 1, 1),
    "decoder.conv4.weight": (37, 54, 3, 3),
    "decoder.conv4.bias": (37,),
    "refiner.conv1.weight": (24, 42, 3, 3),
    "refiner.conv2.weight": (16, 24, 3, 3),
    "refiner.conv3.weight": (12, 22, 3, 3),
    "refiner.conv4.weight": (4, 12, 3, 3),
    "refiner.conv4.bias": (4,),
    "refiner.bn1.running_mean": (24,),
    "refiner.bn2.running_mean": (16,),
    "refiner.bn3.running_mean": (12,),
}
RESNET_LANDMARKS: dict[str, tuple[int, ...]] = {
    "backbone.conv1.weight": (64, 6, 7, 7),
    "aspp.convs.0.0.weight": (256, 2048, 1, 1),
    "aspp.convs.1.0.weight": (256, 2048, 3, 3),
    "aspp.convs.4.1.weight": (256, 2048, 1, 1),
    "decoder.conv1.weight": (128, 768, 3, 3),
    "decoder.conv2.weight": (64, 384, 3, 3),
    "decoder.conv3.weight": (48, 128, 3, 3),
}
MOBILENET_LANDMARKS: dict[str, tuple[int, ...]] = {
    "backbone.features.0.0.weight": (32, 6, 3, 3),
    "aspp.convs.0.0.weight": (256, 320, 1, 1),
    "aspp.convs.3.0.weight": (256, 320, 3, 3),
    "decoder.conv1.weight": (128, 288, 3, 3),
    "decoder.conv2.weight": (64, 152, 3, 3),
    "decoder.conv3.weight": (48, 80, 3, 3),
}


def _float_elements(name: str, module: str) -> int:
    total = 0
    for key, shape in describe_layout(name).items():
        if key.split(".")[0] == module and not key.endswith("num_batches_tracked"):
            total += torch.Size(shape).numel()
    return total


@pytest.mark.parametrize("name", ENTRIES)
def test_a_layout_has_the_published_number_of_entries(name: str) -> None:
    assert len(describe_layout(name)) == ENTRIES[name]


def test_every_layout_is_tested() -> None:
    assert ENTRIES.keys() == BUILDERS.keys()


@pytest.mark.parametrize("module", SEED_MODULES)
def test_a_module_of_the_seed_has_the_published_entries_and_elements(module: str) -> None:
    entries, elements = SEED_MODULES[module]
    counted = Counter(key.split(".")[0] for key in describe_layout("seed"))
    assert counted[module] == entries
    assert _float_elements("seed", module) == elements


@pytest.mark.parametrize("name", V2_MODULES)
def test_the_modules_of_v2_have_the_published_entries(name: str) -> None:
    assert Counter(key.split(".")[0] for key in describe_layout(name)) == V2_MODULES[name]
    base = {key: shape for key, shape in describe_layout(name).items() if "refiner." not in key}
    assert base == dict(describe_layout(f"{name}-base"))
    assert _float_elements(name, "refiner") == 15_548


@pytest.mark.parametrize(
    ("name", "landmarks"),
    [
        ("seed", SEED_LANDMARKS),
        ("v2-resnet50", V2_LANDMARKS | RESNET_LANDMARKS),
        ("v2-resnet101", V2_LANDMARKS | RESNET_LANDMARKS),
        ("v2-mobilenetv2", V2_LANDMARKS | MOBILENET_LANDMARKS),
    ],
)
def test_the_landmarks_have_the_published_shapes(
    name: str, landmarks: dict[str, tuple[int, ...]]
) -> None:
    layout = describe_layout(name)
    assert {key: layout.get(key) for key in landmarks} == landmarks


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_network_has_the_published_number_of_parameters(name: str) -> None:
    with torch.device("meta"):
        network = BUILDERS[name]()
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS[name]
