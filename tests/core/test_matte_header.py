"""The header of a matte: windows, time and camera of its plate, and what it was made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import OpenImageIO as oiio
import pytest

from platematte import __version__
from platematte.images.colour import resolve
from platematte.images.read import read_image, readable_metadata
from platematte.images.window import Window
from platematte.images.write import read_attributes
from platematte.matte import matte_shot
from platematte.network.device import Runner
from platematte.network.matter import Cues
from platematte.network.tiles import Seen
from platematte.network.weights import hash_file
from platematte.settings import MatteSettings
from platematte.shot import Shot

MakeShot = Callable[..., Shot]
TinySettings = Callable[..., MatteSettings]
ReadMatte = Callable[[Path], dict[str, np.ndarray]]
WriteImage = Callable[..., Path]

ALL_LAYERS = ("foreground", "clean", "residual", "confidence")


def out_path(shot: Shot, frame: int) -> Path:
    return Path(shot.out.replace("####", f"{frame:04d}"))


@pytest.mark.parametrize("overscan_px", [0, 6])
def test_windows_time_and_camera_of_the_plate_are_in_the_matte(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, overscan_px: int
) -> None:
    attributes = {"PixelAspectRatio": 2.0, "com.studio.take": 12}
    shot = make_shot(tmp_path, overscan_px=overscan_px, attributes=attributes)
    matte_shot(shot, tiny_settings())
    for frame in (1001, 1002, 1003):
        plate = read_image(shot.plate.replace("####", str(frame)))
        written = read_image(out_path(shot, frame))
        assert written.data_window == plate.data_window
        assert written.data_window == Window(-overscan_px, -overscan_px, 64, 48)
        assert written.display_window == plate.display_window
        assert written.pixel_aspect == 2.0
        before, after = readable_metadata(plate.header), readable_metadata(written.header)
        for name in ("smpte:TimeCode", "FramesPerSecond", "camera", "com.studio.lens"):
            assert after[name] == before[name]
        assert after["com.studio.take"] == "12"
        assert after["FramesPerSecond"].startswith("24000/1001")


def test_the_network_is_told_the_format_of_the_shot_whatever_a_frames_data_window_is(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    write_exr: WriteImage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shot = make_shot(tmp_path, frames=2, overscan_px=6)
    path = Path(shot.plate.replace("####", "1002"))
    whole = read_image(path)
    windows = {"data_window": Window(2, 1, 40, 24), "display_window": whole.display_window}
    write_exr(path, whole.pixels[7:31, 8:48], **windows)
    asked: list[tuple[tuple[int, ...], int | None]] = []
    original = Runner.look

    def look(self: Runner, cues: Cues, format_px: int | None = None) -> Seen:
        asked.append((tuple(cues.plate.shape[2:]), format_px))
        return original(self, cues, format_px)

    monkeypatch.setattr(Runner, "look", look)
    assert matte_shot(shot, tiny_settings()).written == [1001, 1002]
    assert asked == [((48, 64), 52 * 36), ((24, 40), 52 * 36)]


def test_a_plate_cropped_inside_its_format_keeps_its_windows_and_meets_a_whole_clean_plate(
    tmp_path: Path,
    make_shot: MakeShot,
    tiny_settings: TinySettings,
    write_exr: WriteImage,
    read_matte: ReadMatte,
) -> None:
    shot = make_shot(tmp_path, frames=1)
    whole = read_matte_after(shot, tiny_settings(), read_matte)
    pixels = read_image(shot.plate.replace("####", "1001")).pixels
    data, display = Window(8, 4, 48, 40), Window(0, 0, 64, 48)
    path = tmp_path / "cropped" / "plate.1001.exr"
    write_exr(path, pixels[4:44, 8:56], data_window=data, display_window=display)
    cropped = replace(shot, plate=str(path), out=str(tmp_path / "cropped" / "matte.####.exr"))
    matte_shot(cropped, tiny_settings())
    written = read_image(out_path(cropped, 1001))
    assert (written.data_window, written.display_window) == (data, display)
    # The same pixels of the set lie behind it: what was opaque and what was set still is.
    alpha, before = written.pixels[..., 3], whole["A"][4:44, 8:56, 0]
    assert (np.abs(alpha - before) < 0.2).mean() > 0.95


def read_matte_after(
    shot: Shot, settings: MatteSettings, read_matte: ReadMatte
) -> dict[str, np.ndarray]:
    matte_shot(shot, settings)
    return read_matte(out_path(shot, 1001))


def test_layers_have_the_names_and_types_that_hosts_expect(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings
) -> None:
    shot = make_shot(tmp_path, frames=1)
    matte_shot(shot, tiny_settings(layers=tuple(reversed(ALL_LAYERS))))
    written = read_image(out_path(shot, 1001))
    types = dict(zip(written.channels, written.channel_types, strict=True))
    colours = [f"{layer}.{c}" for layer in ("foreground", "clean", "residual") for c in "RGB"]
    assert set(types) == {"R", "G", "B", "A", *colours, "confidence.Y"}
    floats = {name for name, kind in types.items() if kind == "float"}
    assert floats == {"residual.R", "residual.G", "residual.B"}
    assert set(types.values()) == {"half", "float"}
    assert np.isfinite(written.pixels).all()


def test_without_layers_only_the_four_channels_are_written(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings
) -> None:
    shot = make_shot(tmp_path, frames=1)
    matte_shot(shot, tiny_settings(compression="piz"))
    written = read_image(out_path(shot, 1001))
    assert written.channels == ("R", "G", "B", "A")
    assert set(written.channel_types) == {"half"}
    assert readable_metadata(written.header)["compression"] == "piz"


def test_a_frame_says_what_it_was_made_with(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings, tiny_weights: Path
) -> None:
    shot = make_shot(tmp_path, frames=2)
    matte_shot(shot, tiny_settings())
    said = [read_attributes(out_path(shot, frame)) for frame in (1001, 1002)]
    assert said[0]["platematte/version"] == __version__
    assert said[0]["platematte/weights"] == f"tiny {hash_file(tiny_weights)[:12]}"
    assert said[0]["platematte/premultiplied"] == "yes"
    assert said[0]["platematte/colorspace"] == resolve("scene_linear")
    assert said[0]["platematte/prepare"] == "raw"
    assert said[0]["platematte/settings"] == said[1]["platematte/settings"]
    assert len(str(said[0]["platematte/settings"])) == 16


def test_a_written_matte_opens_as_premultiplied_with_a_named_alpha(
    tmp_path: Path, make_shot: MakeShot, tiny_settings: TinySettings
) -> None:
    shot = make_shot(tmp_path, frames=1)
    matte_shot(shot, tiny_settings())
    spec = oiio.ImageBuf(str(out_path(shot, 1001))).spec()
    assert spec.alpha_channel == 3
    assert spec.get_int_attribute("oiio:UnassociatedAlpha", 0) == 0
