"""Pixels come out of files exactly as they are in them, or the reason why not is told."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from platematte.errors import InputMissing, InputUnreadable
from platematte.images.read import count_nonfinite, read_image
from platematte.images.window import Window

WriteImage = Callable[..., Path]

# Largest error of one value stored in each format: half a step of its integers.
TOLERANCE = {"uint8": 0.5 / 255 + 1e-6, "uint16": 0.5 / 65535 + 1e-6}
# OpenImageIO passes 10 bits on as 16 bits by repeating the upper ones, which is one step of
# 16 bits off at most, and half a step of 10 bits is 5e-4.
TEN_BIT_TOLERANCE = 2e-5


@pytest.fixture
def colours() -> np.ndarray:
    return np.random.default_rng(1).random((8, 10, 4), np.float32)


def every_half(sign: int) -> np.ndarray:
    """All finite halves of one sign, as an image of 64 columns."""
    bits = np.arange(0x7C00, dtype=np.uint16) | np.uint16(0x8000 if sign < 0 else 0)
    return bits.view(np.float16).astype(np.float32).reshape(-1, 64, 1)


@pytest.mark.parametrize("sign", [1, -1])
def test_every_finite_half_is_read_bit_for_bit(
    tmp_path: Path, write_exr: WriteImage, sign: int
) -> None:
    halves = np.repeat(every_half(sign), 3, axis=2)
    image = read_image(write_exr(tmp_path / "a.exr", halves))
    assert np.array_equal(image.rgb().view(np.uint32), halves.view(np.uint32))
    assert image.is_float and image.bit_depth == 16


def test_floats_beyond_half_are_read_bit_for_bit(tmp_path: Path, write_exr: WriteImage) -> None:
    floats = np.array([1e30, -1e-30, 0.1, 65505.0], np.float32).reshape(1, 4, 1).repeat(3, 2)
    image = read_image(write_exr(tmp_path / "a.exr", floats, dtype="float"))
    assert np.array_equal(image.rgb(), floats)
    assert image.bit_depth == 32


@pytest.mark.parametrize("display", [Window(0, 0, 6, 4), Window(-20, -20, 64, 48)])
def test_overscan_and_crop_keep_their_windows(
    tmp_path: Path, write_exr: WriteImage, colours: np.ndarray, display: Window
) -> None:
    data = Window(-3, -2, 10, 8)
    path = write_exr(
        tmp_path / "a.exr",
        colours[..., :3],
        data_window=data,
        display_window=display,
        attributes={"PixelAspectRatio": 2.0},
    )
    image = read_image(path, 1001)
    assert (image.data_window, image.display_window) == (data, display)
    assert image.pixel_aspect == 2.0 and image.frame == 1001


@pytest.mark.parametrize(
    "channels",
    [
        ("B", "G", "R"),
        ("A", "B", "G", "R"),
        ("rgba.B", "rgba.G", "rgba.R", "Z"),
        ("blue", "green", "red"),
    ],
)
def test_colour_is_found_by_name_in_any_order(
    tmp_path: Path, write_exr: WriteImage, channels: tuple[str, ...]
) -> None:
    values = {"r": 0.25, "g": 0.5, "b": 0.75, "a": 2.0, "z": 3.0}
    row = [values[name.rpartition(".")[2][0].lower()] for name in channels]
    pixels = np.tile(np.array(row, np.float32), (4, 4, 1))
    image = read_image(write_exr(tmp_path / "a.exr", pixels, channels))
    assert np.array_equal(image.rgb(), np.tile(np.float32([0.25, 0.5, 0.75]), (4, 4, 1)))


def test_the_unnamed_layer_wins_over_others(tmp_path: Path, write_exr: WriteImage) -> None:
    names = ("a.R", "a.G", "a.B", "R", "G", "B")
    pixels = np.tile(np.arange(6, dtype=np.float32), (2, 2, 1))
    image = read_image(write_exr(tmp_path / "a.exr", pixels, names))
    assert image.rgb()[0, 0].tolist() == [3.0, 4.0, 5.0]


def test_grey_stands_for_all_three(tmp_path: Path, write_exr: WriteImage) -> None:
    grey = np.random.default_rng(2).random((4, 4, 1), np.float32).astype(np.float16)
    image = read_image(write_exr(tmp_path / "a.exr", grey.astype(np.float32), ("Y",)))
    assert np.array_equal(image.rgb(), np.repeat(grey, 3, 2).astype(np.float32))


def test_full_luminance_chroma_becomes_the_rgb_it_was_made_from(
    tmp_path: Path, write_exr: WriteImage, colours: np.ndarray
) -> None:
    rgb = colours[..., :3] + 0.1
    luminance = rgb @ np.float32([0.2126, 0.7152, 0.0722])
    chromas = [(rgb[..., index] - luminance) / luminance for index in (0, 2)]
    stored = np.stack([luminance, *chromas], axis=2)
    path = write_exr(tmp_path / "a.exr", stored, ("Y", "RY", "BY"), dtype="float")
    assert np.allclose(read_image(path).rgb(), rgb, atol=1e-5)


def write_parts(path: Path, parts: list[tuple[str, tuple[str, ...], float]]) -> Path:
    specs = []
    for name, channels, _ in parts:
        spec = oiio.ImageSpec(4, 4, len(channels), "half")
        spec.channelnames = channels
        spec.attribute("oiio:subimagename", name)
        specs.append(spec)
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), tuple(specs))
    for index, (spec, (_, _, value)) in enumerate(zip(specs, parts, strict=True)):
        if index:
            assert output.open(str(path), spec, "AppendSubimage")
        assert output.write_image(np.full((4, 4, spec.nchannels), value, np.float32))
    assert output.close()
    return path


def test_of_several_parts_the_one_with_colour_is_read(tmp_path: Path) -> None:
    parts = [
        ("depth", ("Z",), 9.0),
        ("left", ("R", "G", "B"), 1.0),
        ("right", ("R", "G", "B"), 2.0),
    ]
    path = write_parts(tmp_path / "a.exr", parts)
    assert np.all(read_image(path).rgb() == 1.0)
    assert np.all(read_image(path, subimage=2).rgb() == 2.0)
    with pytest.raises(InputUnreadable, match="no part 7"):
        read_image(path, subimage=7)


def test_a_file_without_colour_is_refused_with_its_channels(
    tmp_path: Path, write_exr: WriteImage
) -> None:
    path = write_exr(tmp_path / "a.exr", np.zeros((2, 2, 2), np.float32), ("Z", "id"))
    with pytest.raises(InputUnreadable, match="Z, id") as caught:
        read_image(path, 1003).rgb()
    assert caught.value.frame == 1003 and caught.value.path == str(path)


@pytest.mark.parametrize(
    ("ending", "dtype", "bits"),
    [("png", "uint8", 8), ("png", "uint16", 16), ("tif", "uint8", 8), ("tif", "uint16", 16)],
)
def test_png_and_tiff_keep_their_precision(
    tmp_path: Path,
    write_exr: WriteImage,
    colours: np.ndarray,
    ending: str,
    dtype: str,
    bits: int,
) -> None:
    image = read_image(write_exr(tmp_path / f"a.{ending}", colours[..., :3], dtype=dtype))
    assert np.abs(image.rgb() - colours[..., :3]).max() <= TOLERANCE[dtype]
    assert image.bit_depth == bits and not image.is_float


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_every_dpx_code_value_is_read_as_its_fraction(
    tmp_path: Path, write_exr: WriteImage, bits: int
) -> None:
    codes = np.linspace(0, 2**bits - 1, 64 * 64).round().reshape(64, 64, 1).repeat(3, axis=2)
    fractions = (codes / (2**bits - 1)).astype(np.float32)
    path = write_exr(
        tmp_path / "a.dpx", fractions, dtype="uint16", attributes={"oiio:BitsPerSample": bits}
    )
    image = read_image(path)
    assert np.abs(image.rgb() - fractions).max() <= TEN_BIT_TOLERANCE
    assert image.bit_depth == bits and image.format_name == "dpx"


@pytest.mark.parametrize(
    ("ending", "dtype"), [("png", "uint8"), ("png", "uint16"), ("tif", "uint16")]
)
def test_alpha_in_a_file_leaves_its_colour_alone(
    tmp_path: Path, write_exr: WriteImage, colours: np.ndarray, ending: str, dtype: str
) -> None:
    path = write_exr(
        tmp_path / f"a.{ending}",
        colours,
        ("R", "G", "B", "A"),
        dtype=dtype,
        attributes={"oiio:UnassociatedAlpha": 1},
    )
    image = read_image(path)
    assert np.abs(image.rgb() - colours[..., :3]).max() <= TOLERANCE[dtype]
    assert np.abs(image.matte() - colours[..., 3:]).max() <= TOLERANCE[dtype]


def test_jpeg_is_read_and_stands_upright(tmp_path: Path, write_exr: WriteImage) -> None:
    stored = np.zeros((16, 32, 3), np.float32)
    stored[:, :8] = 1.0
    path = write_exr(tmp_path / "a.jpg", stored, dtype="uint8", attributes={"Orientation": 6})
    image = read_image(path)
    # Orientation 6: the camera stood on its side, the first column is the top row.
    assert image.rgb().shape == (32, 16, 3)
    assert image.rgb()[:6].min() > 0.9 and image.rgb()[12:].max() < 0.1
    assert image.data_window == Window(0, 0, 16, 32)


def test_integers_in_exr_are_read_as_counts(tmp_path: Path, write_exr: WriteImage) -> None:
    counts = np.full((2, 2, 1), 7, np.uint32)
    image = read_image(write_exr(tmp_path / "a.exr", counts, ("id",), dtype="uint"))
    assert np.all(image.matte() == 7.0)


@pytest.mark.parametrize(
    ("channels", "row", "wanted"),
    [
        (("R", "G", "B", "A"), (0.1, 0.2, 0.3, 0.5), 0.5),
        (("R", "G", "B", "A"), (0.25, 0.2, 0.3, 1.0), 0.25),
        (("R", "G", "B", "A"), (0.25, 0.2, 0.3, 0.0), 0.0),
        (("R", "G", "B"), (0.25, 0.2, 0.3), 0.25),
        (("Y",), (0.75,), 0.75),
        (("A",), (1.0,), 1.0),
        (("roto.A", "roto.X"), (0.5, 0.25), 0.5),
        (("id",), (0.5,), 0.5),
    ],
)
def test_the_matte_is_alpha_unless_it_is_opaque(
    tmp_path: Path,
    write_exr: WriteImage,
    channels: tuple[str, ...],
    row: tuple[float, ...],
    wanted: float,
) -> None:
    pixels = np.tile(np.array(row, np.float32), (3, 3, 1))
    path = write_exr(tmp_path / "a.exr", pixels, channels, dtype="float")
    matte = read_image(path).matte()
    assert matte.shape == (3, 3, 1) and np.all(matte == np.float32(wanted))


def test_nan_and_inf_are_counted_and_kept(tmp_path: Path, write_exr: WriteImage) -> None:
    pixels = np.zeros((4, 4, 3), np.float32)
    pixels[0, 0, 0], pixels[1, 1, 1], pixels[2, 2, 2] = np.nan, np.inf, -np.inf
    image = read_image(write_exr(tmp_path / "a.exr", pixels))
    assert count_nonfinite(image.pixels) == 3
    assert np.isnan(image.rgb()[0, 0, 0]) and image.rgb()[2, 2, 2] == -np.inf


@pytest.mark.parametrize("kept", [0, 10, 200, 0.5, 0.98])
def test_a_truncated_exr_gives_path_frame_and_reason(
    tmp_path: Path, write_exr: WriteImage, kept: float
) -> None:
    noise = np.random.default_rng(3).random((32, 32, 3), np.float32)
    path = write_exr(tmp_path / "a.1001.exr", noise)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole)) if kept < 1 else int(kept)])
    with pytest.raises(InputUnreadable) as caught:
        read_image(path, 1001)
    assert caught.value.path == str(path) and caught.value.frame == 1001
    assert len(caught.value.reason) > 10 and "\n" not in caught.value.reason


def test_absent_unknown_and_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputMissing):
        read_image(tmp_path / "no.exr", 5)
    text = tmp_path / "a.exr"
    text.write_text("not an image")
    with pytest.raises(InputUnreadable):
        read_image(text)
    with pytest.raises(InputUnreadable, match="folder"):
        read_image(tmp_path)


def test_deep_pixels_are_refused(tmp_path: Path) -> None:
    spec = oiio.ImageSpec(2, 2, 3, "half")
    spec.deep = True
    deep = oiio.DeepData()
    deep.init(4, 3, (oiio.HALF,) * 3, ("R", "G", "B"))
    path = tmp_path / "a.exr"
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec) and output.write_deep_image(deep) and output.close()
    with pytest.raises(InputUnreadable, match="deep"):
        read_image(path)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("ScanLines_Carrots.exr", (400, 600)),
        ("Tiles_GoldenGate.exr", (860, 1262)),
        ("MultiView_Fog.exr", (672, 1000)),
        ("dpx_nuke_10bits_rgb.dpx", (512, 512)),
        ("dpx_nuke_16bits_rgba.dpx", (512, 512)),
    ],
)
def test_camera_files_of_other_programs_are_read(
    shared_data: Path, name: str, size: tuple[int, int]
) -> None:
    rgb = read_image(shared_data / "exr" / name).rgb()
    assert rgb.shape == (*size, 3) and rgb.dtype == np.float32
    assert count_nonfinite(rgb) == 0 and rgb.std() > 0.01


def test_subsampled_chroma_is_refused_with_the_way_out(shared_data: Path) -> None:
    with pytest.raises(InputUnreadable, match="lower resolution") as caught:
        read_image(shared_data / "exr" / "LuminanceChroma_Flowers.exr")
    assert "R, G and B" in caught.value.fix
