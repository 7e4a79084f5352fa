"""Colour spaces are found by the stated rule and conversions are exact or unclamped."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from platematte.errors import ColourSpaceUnknown, SettingsInvalid
from platematte.images import colour
from platematte.images.read import read_image

WriteImage = Callable[..., Path]
SRGB = "sRGB Encoded Rec.709 (sRGB)"
LINEAR_REC709 = "Linear Rec.709 (sRGB)"

SMALL_CONFIG = """ocio_profile_version: 2
roles: {scene_linear: house_linear, default: house_linear}
file_rules: [!<Rule> {name: Default, colorspace: default}]
displays: {screen: [!<View> {name: raw, colorspace: house_linear}]}
active_displays: []
active_views: []
colorspaces:
  - !<ColorSpace> {name: house_linear}
"""


@pytest.fixture(autouse=True)
def builtin_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OCIO", raising=False)


@pytest.fixture
def grey() -> np.ndarray:
    return np.full((4, 4, 3), 0.5, np.float32)


def test_without_ocio_the_builtin_studio_config_is_used() -> None:
    assert colour.config_name() == "ocio://studio-config-latest"
    assert "ARRI LogC4" in colour.load_config().getColorSpaceNames()


def test_ocio_names_the_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.ocio"
    path.write_text(SMALL_CONFIG)
    monkeypatch.setenv("OCIO", str(path))
    assert colour.config_name() == str(path)
    assert colour.resolve("scene_linear") == "house_linear"
    assert np.array_equal(colour.rec709_matrix("house_linear"), np.eye(3))


def test_a_broken_ocio_is_told_with_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OCIO", "/nowhere/config.ocio")
    with pytest.raises(SettingsInvalid, match=r"/nowhere/config\.ocio"):
        colour.load_config()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("scene_linear", "ACEScg"),
        ("lin_ap1_scene", "ACEScg"),
        ("arri logc4", "ARRI LogC4"),
        ("srgb_tx", SRGB),
        ("sRGB", SRGB),
    ],
)
def test_names_aliases_roles_and_interop_names_resolve(given: str, name: str) -> None:
    assert colour.resolve(given) == name


@pytest.mark.parametrize(("given", "near"), [("ACEScq", "ACEScg"), ("arri logc", "ARRI LogC4")])
def test_an_unknown_colour_space_names_the_nearest(given: str, near: str) -> None:
    with pytest.raises(ColourSpaceUnknown, match=near):
        colour.resolve(given)


@pytest.mark.parametrize(
    ("name", "dtype", "attributes", "space"),
    [
        ("a.exr", "half", {}, "ACEScg"),
        ("a.exr", "half", {"oiio:ColorSpace": "lin_rec709_scene"}, LINEAR_REC709),
        ("a.exr", "uint", {}, "ACEScg"),
        ("a.tif", "float", {}, "ACEScg"),
        ("a.tif", "uint16", {}, SRGB),
        ("a.png", "uint8", {}, SRGB),
        ("a.jpg", "uint8", {}, SRGB),
        ("a.dpx", "uint16", {"oiio:BitsPerSample": 10}, SRGB),
    ],
)
def test_auto_takes_the_tag_then_linear_for_float_and_srgb_for_integers(
    tmp_path: Path,
    write_exr: WriteImage,
    grey: np.ndarray,
    name: str,
    dtype: str,
    attributes: dict[str, object],
    space: str,
) -> None:
    image = read_image(write_exr(tmp_path / name, grey, dtype=dtype, attributes=attributes))
    choice = colour.choose_source_space(image, "auto")
    assert choice.name == space and choice.reason
    assert colour.source_space(image, "ACES2065-1") == "ACES2065-1"
    with pytest.raises(ColourSpaceUnknown):
        colour.source_space(image, "no such space")


@pytest.mark.parametrize(
    ("source", "working"),
    [
        ("ACEScg", "ACEScg"),
        ("Linear ARRI Wide Gamut 4", "Linear ARRI Wide Gamut 4"),
        (SRGB, LINEAR_REC709),
        ("Rec.1886 Rec.709 - Display", LINEAR_REC709),
        ("Camera Rec.709", LINEAR_REC709),
        ("sRGB Encoded P3-D65", "ACEScg"),
        ("ARRI LogC4", "ACEScg"),
        ("S-Log3 S-Gamut3.Cine", "ACEScg"),
        ("Raw", "Raw"),
    ],
)
def test_the_working_space_is_the_plates_own_linear(source: str, working: str) -> None:
    assert colour.working_space(source, "auto") == working


def test_a_working_space_that_is_not_linear_is_refused() -> None:
    assert colour.working_space(SRGB, "lin_ap1") == "ACEScg"
    with pytest.raises(SettingsInvalid, match="ACEScct"):
        colour.working_space("ACEScg", "ACEScct")


@pytest.mark.parametrize("source", ["ACEScg", "lin_ap1_scene", "scene_linear"])
def test_the_same_space_gives_the_very_same_array(source: str) -> None:
    pixels = np.array([[[65504.0, -1.0, 1e-7], [np.nan, np.inf, 0.0]]], np.float32)
    assert colour.to_working(pixels, source, "ACEScg") is pixels


def test_the_srgb_curve_is_neither_clamped_nor_wrong() -> None:
    values = np.array([-0.5, 0.0, 0.04, 0.5, 1.0, 1.5], np.float32)
    pixels = np.repeat(values.reshape(1, -1, 1), 3, axis=2)
    linear = colour.to_working(pixels, SRGB, LINEAR_REC709)[0, :, 0]
    powers = ((np.maximum(values, 0.04) + 0.055) / 1.055) ** 2.4
    # The straight foot goes on below zero: x / 12.92 (OCIO's foot differs by 2 in 10 000).
    expected = np.where(values <= 0.04, values / 12.92, powers)
    assert np.allclose(linear, expected, rtol=3e-4)
    assert linear[0] < 0 and linear[-1] > 2


def test_linear_to_linear_keeps_negatives_and_highlights() -> None:
    pixels = np.array([[[-0.5, 0.2, 60000.0], [1e-4, 2.0, -3.0]]], np.float32)
    back = colour.to_working(
        colour.to_working(pixels, "ACEScg", LINEAR_REC709), LINEAR_REC709, "ACEScg"
    )
    assert np.allclose(back, pixels, rtol=1e-5, atol=1e-6 * 60000)


def test_the_rec709_matrix_does_what_ocio_does() -> None:
    pixels = np.random.default_rng(4).random((4, 4, 3), np.float32) * 8 - 1
    matrix = colour.rec709_matrix("ACEScg")
    assert matrix.shape == (3, 3) and matrix.dtype == np.float32
    by_ocio = colour.to_working(pixels, "ACEScg", LINEAR_REC709)
    assert np.allclose(pixels @ matrix.T, by_ocio, atol=2e-5)
    # White stays white, whatever the primaries.
    assert np.allclose(matrix.sum(axis=1), 1.0, atol=1e-4)


def test_the_display_image_is_srgb_in_zero_to_one() -> None:
    pixels = np.array([[[0.18, 0.18, 0.18], [50.0, 50.0, 50.0], [-1.0, np.nan, 0.0]]], np.float32)
    shown = colour.to_display(pixels, "ACEScg")
    assert shown.shape == pixels.shape
    assert np.allclose(shown[0, 0], 0.461, atol=2e-3)
    assert np.allclose(shown[0, 1], 1.0, atol=1e-3)
    assert shown.min() >= 0.0 and shown.max() <= 1.0
