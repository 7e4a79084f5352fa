"""Finished frames are whole or absent, exact in half, and keep what is true of their plate."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO as oiio
import pytest

from platematte.errors import OutputExists, OutputUnwritable, SettingsInvalid, UsageInvalid
from platematte.images import write
from platematte.images.colour import source_space
from platematte.images.layers import MatteFrame
from platematte.images.read import read_image, readable_metadata
from platematte.images.sequence import Sequence
from platematte.images.window import Window
from platematte.images.write import check_output, read_attributes, write_matte

WriteImage = Callable[..., Path]
OURS = {"platematte/version": "0.1.0", "platematte/settings": "abc", "platematte/frames": 3}


def make_frame(
    height: int = 24, width: int = 32, layers: tuple[str, ...] = (), **values: Any
) -> MatteFrame:
    random = np.random.default_rng(5)
    sizes = {"foreground": 3, "clean": 3, "residual": 3, "confidence": 1}
    window = Window(0, 0, width, height)
    facts: dict[str, Any] = {
        "premult": random.random((height, width, 3), np.float32),
        "alpha": random.random((height, width, 1), np.float32),
        "data_window": window,
        "display_window": window,
        "layers": {
            name: random.random((height, width, sizes[name]), np.float32) for name in layers
        },
        "colorspace": "ACEScg",
        "plate_space": "ACEScg",
        "number": 1001,
    }
    return MatteFrame(**{**facts, **values})


def save(path: Path, frame: MatteFrame, plate: Path | None = None, **changes: Any) -> Any:
    header = None if plate is None else read_image(plate).header
    facts = {"attributes": OURS, "compression": "zips", "overwrite": False, **changes}
    return write_matte(path, frame, header, **facts)


def stored(path: Path) -> dict[str, np.ndarray]:
    image = read_image(path)
    return {name: image.pixels[..., index] for index, name in enumerate(image.channels)}


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("compression", ["zips", "zip", "piz", "none", "rle"])
@pytest.mark.parametrize("sign", [0, 0x8000])
def test_every_finite_half_survives_bit_for_bit(
    tmp_path: Path, compression: str, sign: int
) -> None:
    bits = np.arange(0x7C00, dtype=np.uint16) | np.uint16(sign)
    halves = bits.view(np.float16).astype(np.float32).reshape(-1, 62, 1)
    height, width = halves.shape[:2]
    frame = make_frame(height, width, premult=halves.repeat(3, axis=2))
    report = save(tmp_path / "a.exr", frame, compression=compression)
    assert (report.saturated, report.zeroed) == (0, 0)
    for name in "RGB":
        back = stored(tmp_path / "a.exr")[name]
        assert np.array_equal(back.view(np.uint32), halves[..., 0].view(np.uint32))


def test_floats_are_rounded_to_the_nearest_half(tmp_path: Path) -> None:
    frame = make_frame()
    save(tmp_path / "a.exr", frame)
    for index, name in enumerate("RGB"):
        wanted = frame.premult[..., index].astype(np.float16).astype(np.float32)
        assert np.array_equal(stored(tmp_path / "a.exr")[name], wanted)


def test_beyond_half_saturates_and_is_counted_never_inf(tmp_path: Path) -> None:
    premult = np.zeros((4, 4, 3), np.float32)
    premult[0, 0] = [65504.0, 65519.0, 70000.0]
    premult[0, 1] = [-1e9, np.inf, np.nan]
    report = save(tmp_path / "a.exr", make_frame(4, 4, premult=premult))
    assert (report.saturated, report.zeroed) == (4, 1)
    image = read_image(tmp_path / "a.exr").rgb()
    assert image[0, 0].tolist() == [65504.0] * 3
    assert image[0, 1].tolist() == [-65504.0, 65504.0, 0.0]


def test_layers_have_the_names_and_types_that_were_promised(tmp_path: Path) -> None:
    names = ("confidence", "residual", "clean", "foreground")
    frame = make_frame(layers=names)
    save(tmp_path / "a.exr", frame)
    image = read_image(tmp_path / "a.exr")
    types = dict(zip(image.channels, image.channel_types, strict=True))
    half = ["R", "G", "B", "A", "confidence.Y"]
    half += [f"{layer}.{channel}" for layer in ("foreground", "clean") for channel in "RGB"]
    wanted = dict.fromkeys(half, "half") | {f"residual.{c}": "float" for c in "RGB"}
    assert types == wanted
    for index, channel in enumerate("RGB"):
        back = stored(tmp_path / "a.exr")
        assert np.array_equal(back[f"residual.{channel}"], frame.layers["residual"][..., index])
        clean = frame.layers["clean"][..., index].astype(np.float16)
        assert np.array_equal(back[f"clean.{channel}"], clean)


def test_frames_of_wrong_shape_or_with_unknown_layers_are_refused() -> None:
    with pytest.raises(ValueError, match="alpha"):
        make_frame(alpha=np.zeros((24, 32), np.float32))
    facts = {name: getattr(make_frame(), name) for name in ("premult", "alpha", "data_window")}
    with pytest.raises(ValueError, match="shadow"):
        MatteFrame(**facts, display_window=facts["data_window"], layers={"shadow": facts["alpha"]})


@pytest.mark.parametrize("data", [Window(-4, -3, 32, 24), Window(5, 6, 32, 24)])
def test_overscan_and_crop_windows_survive(tmp_path: Path, data: Window) -> None:
    display = Window(0, 0, 40, 30)
    frame = make_frame(data_window=data, display_window=display, pixel_aspect=2.0)
    save(tmp_path / "a.exr", frame)
    image = read_image(tmp_path / "a.exr")
    assert (image.data_window, image.display_window) == (data, display)
    assert image.pixel_aspect == 2.0


def plate_with_metadata(path: Path, write_exr: WriteImage) -> Path:
    chromaticities = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)
    return write_exr(
        path,
        np.zeros((24, 32, 3), np.float32),
        attributes={
            "smpte:TimeCode": (oiio.TypeTimeCode, (0x01020304, 0)),
            "smpte:KeyCode": (oiio.TypeKeyCode, (1, 2, 3, 4, 5, 4, 64)),
            "FramesPerSecond": (oiio.TypeRational, (24000, 1001)),
            "chromaticities": (oiio.TypeDesc("float[8]"), chromaticities),
            "worldToCamera": (oiio.TypeMatrix, tuple(float(value) for value in range(16))),
            "cameraModel": "ALEXA 35",
            "isoSpeed": 800.0,
            "nuke/input/filename": "a.ari",
            "compression": "piz",
            "name": "beauty",
            "view": "left",
            "Software": "other",
            "oiio:SHA-1": "0123",
            "platematte/settings": "of another run",
        },
    )


def test_timecode_rate_and_camera_of_the_plate_survive(
    tmp_path: Path, write_exr: WriteImage
) -> None:
    plate = plate_with_metadata(tmp_path / "plate.exr", write_exr)
    save(tmp_path / "a.exr", make_frame(), plate)
    kept = readable_metadata(read_image(tmp_path / "a.exr").header)
    assert kept["smpte:TimeCode"] == "01:02:03:04"
    assert kept["FramesPerSecond"].startswith("24000/1001")
    of_plate = readable_metadata(read_image(plate).header)
    for name in ("smpte:KeyCode", "worldToCamera", "chromaticities", "cameraModel", "isoSpeed"):
        assert kept[name] == of_plate[name]
    assert kept["nuke/input/filename"] == "a.ari"


def test_what_would_be_untrue_of_the_matte_is_dropped(
    tmp_path: Path, write_exr: WriteImage
) -> None:
    plate = plate_with_metadata(tmp_path / "plate.exr", write_exr)
    save(tmp_path / "a.exr", make_frame(colorspace="ACES2065-1"), plate)
    kept = readable_metadata(read_image(tmp_path / "a.exr").header)
    assert not {"chromaticities", "name", "view", "oiio:SHA-1"} & set(kept)
    assert kept["compression"] == "zips"
    assert kept.get("Software") != "other"
    assert read_attributes(tmp_path / "a.exr")["platematte/settings"] == "abc"


@pytest.mark.parametrize(
    ("ending", "dtype"), [("dpx", "uint16"), ("png", "uint8"), ("tif", "uint16")]
)
def test_plates_of_other_formats_can_hand_on_their_header(
    tmp_path: Path, write_exr: WriteImage, ending: str, dtype: str
) -> None:
    plate = write_exr(
        tmp_path / f"p.{ending}",
        np.zeros((24, 32, 3), np.float32),
        dtype=dtype,
        attributes={"dpx:FrameRate": 23.976, "oiio:BitsPerSample": 8 if ending == "png" else 16},
    )
    save(tmp_path / "a.exr", make_frame(), plate)
    kept = readable_metadata(read_image(tmp_path / "a.exr").header)
    assert not [name for name in kept if name.startswith(("dpx:", "png:", "tiff:"))]
    if ending == "dpx":
        assert kept["FramesPerSecond"].startswith("24000/1001")


def test_header_of_nukes_dpx_can_be_carried_over(shared_data: Path, tmp_path: Path) -> None:
    plate = shared_data / "exr" / "dpx_nuke_10bits_rgb.dpx"
    save(tmp_path / "a.exr", make_frame(), plate)
    kept = readable_metadata(read_image(tmp_path / "a.exr").header)
    assert kept["smpte:TimeCode"] == "00:00:00:00"


@pytest.mark.parametrize("space", ["ACEScg", "Linear Rec.709 (sRGB)", "Linear ARRI Wide Gamut 4"])
def test_our_attributes_and_colour_space_can_be_read_back(tmp_path: Path, space: str) -> None:
    save(tmp_path / "a.exr", make_frame(colorspace=space))
    ours = read_attributes(tmp_path / "a.exr")
    assert ours == OURS | {"platematte/premultiplied": "yes", "platematte/colorspace": space}
    assert source_space(read_image(tmp_path / "a.exr"), "auto") == space


def test_the_file_is_written_in_scanlines_whatever_the_plate_was(
    shared_data: Path, tmp_path: Path
) -> None:
    save(tmp_path / "a.exr", make_frame(), shared_data / "exr" / "Tiles_GoldenGate.exr")
    header = read_image(tmp_path / "a.exr").header
    assert header.tile_width == 0
    assert not [name for name in readable_metadata(header) if name.startswith("thumbnail")]


def test_an_unknown_compression_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="zipp"):
        save(tmp_path / "a.exr", make_frame(), compression="zipp")
    assert names_in(tmp_path) == []


def test_an_existing_frame_needs_overwrite(tmp_path: Path) -> None:
    save(tmp_path / "a.exr", make_frame())
    with pytest.raises(OutputExists) as caught:
        save(tmp_path / "a.exr", make_frame())
    assert caught.value.frame == 1001
    save(tmp_path / "a.exr", make_frame(), overwrite=True)


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
def test_a_write_cut_short_leaves_neither_temp_nor_target(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    def interrupted(*_: object) -> bool:
        assert len(names_in(tmp_path)) == 1, "the temporary file is there while writing"
        raise error

    monkeypatch.setattr(write, "_write_rows", interrupted)
    with pytest.raises(error):
        save(tmp_path / "a.exr", make_frame())
    assert names_in(tmp_path) == []


def test_a_failed_overwrite_leaves_the_old_frame(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(tmp_path / "a.exr", make_frame())
    before = (tmp_path / "a.exr").read_bytes()
    monkeypatch.setattr(write, "_write_rows", lambda *_: False)
    with pytest.raises(OutputUnwritable):
        save(tmp_path / "a.exr", make_frame(), overwrite=True)
    assert names_in(tmp_path) == ["a.exr"]
    assert (tmp_path / "a.exr").read_bytes() == before


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """A real write error of the system in the middle of a file, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("compression", ["zips", "none"])
def test_a_disk_that_takes_no_more_gives_path_frame_and_free_space(
    tmp_path: Path, compression: str
) -> None:
    frame = make_frame(96, 96)
    with file_size_limit(20_000), pytest.raises(OutputUnwritable, match="GiB free") as caught:
        save(tmp_path / "a.exr", frame, compression=compression)
    assert caught.value.frame == 1001 and caught.value.path == str(tmp_path / "a.exr")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("compression", ["zips", "none"])
def test_a_disk_that_is_full_at_any_byte_takes_a_whole_frame_or_none(
    tmp_path: Path, compression: str
) -> None:
    frame = make_frame(48, 32)
    save(tmp_path / "whole.exr", frame, compression=compression)
    whole = (tmp_path / "whole.exr").read_bytes()
    # The last bytes above all: they are written when the file is closed.
    limits = [*range(256, len(whole) - 64, 509), *range(len(whole) - 64, len(whole))]
    for limit in limits:
        with file_size_limit(limit), pytest.raises(OutputUnwritable, match="GiB free") as caught:
            save(tmp_path / "a.exr", frame, compression=compression)
        assert caught.value.frame == 1001
        assert names_in(tmp_path) == ["whole.exr"]
    with file_size_limit(len(whole)):
        save(tmp_path / "a.exr", frame, compression=compression)
    assert (tmp_path / "a.exr").stat().st_size == len(whole)


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").touch()
    with pytest.raises(OutputUnwritable):
        save(tmp_path / "out" / "a.exr", make_frame())
    with pytest.raises(OutputUnwritable):
        check_output(Sequence.parse(tmp_path / "out" / "a.####.exr"), [1], "refuse")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to read-only folders")
def test_a_read_only_folder_is_told_before_any_work(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir(mode=0o500)
    with pytest.raises(OutputUnwritable, match="ermission"):
        check_output(Sequence.parse(folder / "a.####.exr"), [1], "refuse")
    with pytest.raises(OutputUnwritable):
        save(folder / "a.exr", make_frame())


@pytest.mark.parametrize("compression", ["zips", "zip", "piz", "none"])
@pytest.mark.parametrize("cut", [1, 100, 0.5, 0.99])
def test_a_truncated_frame_is_not_finished(tmp_path: Path, compression: str, cut: float) -> None:
    path = tmp_path / "a.exr"
    save(path, make_frame(64, 64), compression=compression)
    assert read_attributes(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: -int(cut if cut >= 1 else cut * len(whole))])
    assert read_attributes(path) == {}


def test_absent_and_foreign_files_are_not_finished(tmp_path: Path, write_exr: WriteImage) -> None:
    assert read_attributes(tmp_path / "no.exr") == {}
    assert read_attributes(write_exr(tmp_path / "b.exr", np.zeros((4, 4, 3), np.float32))) == {}
    (tmp_path / "c.exr").write_text("text")
    assert read_attributes(tmp_path / "c.exr") == {}


def test_existing_frames_are_refused_as_ranges_before_any_work(tmp_path: Path) -> None:
    for frame in (1001, 1002, 1003, 1007):
        (tmp_path / f"a.{frame}.exr").touch()
    out = Sequence.parse(tmp_path / "a.####.exr")
    with pytest.raises(OutputExists, match=r"3 of 6 frames exist already: 1002-1003,1007"):
        check_output(out, range(1002, 1008), "refuse")
    check_output(out, range(1004, 1007), "refuse")
    check_output(out, range(1001, 1008), "overwrite")
    check_output(out, range(1001, 1008), "resume")
    assert len(names_in(tmp_path)) == 4


def test_the_output_must_be_an_exr_sequence(tmp_path: Path) -> None:
    with pytest.raises(UsageInvalid, match="EXR"):
        check_output(Sequence.parse(tmp_path / "a.####.png"), [1], "refuse")
    with pytest.raises(UsageInvalid, match="one file"):
        check_output(Sequence.parse(tmp_path / "a.exr"), [1, 2], "refuse")
    check_output(Sequence.parse(tmp_path / "new" / "folder" / "a.exr"), [1], "refuse")
    assert (tmp_path / "new" / "folder").is_dir()
