"""The double's Read, Write and nuke.execute, on real EXR files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

np = pytest.importorskip("numpy")
oiio = pytest.importorskip("OpenImageIO")

from doubles.image import Box  # noqa: E402
from doubles.render import pull  # noqa: E402


def _ramp(nuke: Any, overscan: int = 0) -> Any:
    """6 x 4 pixels and overscan: red is x, green is y, blue is the frame, alpha is -1.5."""
    source = nuke.nodes.Constant(channels="rgba", color=[0, 0, 0, -1.5])
    source["format"].setValue(nuke.Format(6, 4))
    grown = nuke.nodes.AdjBBox(inputs=[source], numpixels=overscan)
    ramp = nuke.nodes.Expression(inputs=[grown])
    for knob, text in (("expr0", "x"), ("expr1", "y"), ("expr2", "frame"), ("expr3", "-1.5")):
        ramp[knob].setValue(text)
    return ramp


def _write(nuke: Any, source: Any, path: Path, **knobs: Any) -> Any:
    write = nuke.nodes.Write(inputs=[source], file_type="exr", raw=True, channels="rgba")
    write["datatype"].setValue("32 bit float")
    write["file"].setValue(path.as_posix())
    for name, value in knobs.items():
        write[name].setValue(value)
    return write


def _read(nuke: Any, path: Path, **knobs: Any) -> Any:
    return nuke.nodes.Read(file=path.as_posix(), raw=True, **knobs)


def test_what_is_written_comes_back_bit_for_bit_with_overscan(nuke: Any, tmp_path: Path) -> None:
    ramp = _ramp(nuke, overscan=3)
    path = tmp_path / "plate ü.%04d.exr"
    nuke.execute(_write(nuke, ramp, path), 1001, 1002)
    read = _read(nuke, path, first=1001, last=1002)
    for frame in (1001, 1002):
        ours, theirs = pull(ramp, frame), pull(read, frame)
        assert theirs.box == ours.box == Box(-3, -3, 9, 7)
        assert (theirs.format.width(), theirs.format.height()) == (6, 4)
        for name in ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha"):
            assert np.array_equal(ours.plane(name), theirs.plane(name)), name


def test_rows_of_the_file_run_down_from_the_top(nuke: Any, tmp_path: Path) -> None:
    nuke.execute(_write(nuke, _ramp(nuke, overscan=1), tmp_path / "a.%04d.exr"), 7, 7)
    source = oiio.ImageInput.open(str(tmp_path / "a.0007.exr"))
    spec, pixels = source.spec(), source.read_image("float")
    assert (spec.x, spec.y, spec.width, spec.height) == (-1, -1, 8, 6)
    assert (spec.full_x, spec.full_y, spec.full_width, spec.full_height) == (0, 0, 6, 4)
    assert list(spec.channelnames) == ["R", "G", "B", "A"]
    assert pixels[0, 0].tolist() == [-1, 4, 7, -1.5]
    assert pixels[-1, -1].tolist() == [6, -1, 7, -1.5]
    source.close()


def test_half_files_and_compressions_are_what_the_knobs_say(nuke: Any, tmp_path: Path) -> None:
    write = _write(nuke, _ramp(nuke), tmp_path / "a.exr", datatype="16 bit half",
                   compression="PIZ Wavelet (32 scanlines)")  # fmt: skip
    nuke.execute(write, 1, 1)
    source = oiio.ImageInput.open(str(tmp_path / "a.exr"))
    assert str(source.spec().format) == "half"
    assert source.spec().get_string_attribute("compression") == "piz"
    source.close()


def test_metadata_travels_or_stays_behind(nuke: Any, tmp_path: Path, write_file: Any) -> None:
    path = write_file(tmp_path / "in.exr", (("R", 1.0),), {"camera": "A001"})
    read = _read(nuke, path)
    assert read.metadata("exr/camera") == "A001"
    for mode, expected in (("all metadata", "A001"), ("no metadata", "")):
        out = tmp_path / "out.exr"
        nuke.execute(_write(nuke, read, out, metadata=mode), 1, 1)
        source = oiio.ImageInput.open(str(out))
        assert source.spec().get_string_attribute("camera") == expected
        source.close()


@pytest.fixture
def write_file() -> Any:
    """Writer of an EXR of 2 x 2 pixels with any channels, each of one value."""

    def write(path: Path, channels: Any, attributes: Any = None) -> Path:
        spec = oiio.ImageSpec(2, 2, len(channels), "float")
        spec.channelnames = [name for name, _ in channels]
        for name, value in (attributes or {}).items():
            spec.attribute(name, value)
        target = oiio.ImageOutput.create(str(path))
        assert target.open(str(path), spec)
        pixels = np.broadcast_to(
            np.float32([value for _, value in channels]), (2, 2, len(channels))
        )
        assert target.write_image(np.ascontiguousarray(pixels)) and target.close()
        return path

    return write


def test_layers_of_a_file_have_the_names_that_nuke_gives_them(
    nuke: Any, tmp_path: Path, write_file: Any
) -> None:
    names = ["A", "Z", "foreground.R", "matte.a", "confidence.Y", "light.key.G", "1id.x"]
    path = write_file(tmp_path / "a.exr", [(name, 1.0) for name in names])
    assert sorted(_read(nuke, path).channels()) == [
        "confidence.Y", "depth.Z", "foreground.red", "id.x", "light_key.green", "matte.alpha",
        "rgba.alpha",
    ]  # fmt: skip
    assert nuke.layers()[-1] in ("confidence", "depth", "foreground", "id", "light_key", "matte")


@pytest.fixture
def gap(nuke: Any, tmp_path: Path) -> Any:
    """A Read of frames 10, 11 and 13 of which blue says which is shown."""
    write = _write(nuke, _ramp(nuke), tmp_path / "g.%04d.exr")
    nuke.execute(write, 10, 11)
    nuke.execute(write, 13, 13)
    return _read(nuke, tmp_path / "g.%04d.exr", first=10, last=13)


def _blue(node: Any, frame: int) -> float:
    return float(pull(node, frame).plane("rgba.blue")[0, 0])


@pytest.mark.parametrize(
    ("mode", "frames"),
    [("hold", (10, 13)), ("loop", (13, 10)), ("bounce", (11, 12)), ("black", (0, 0))],
)
def test_before_and_after_decide_outside_the_range(
    gap: Any, nuke: Any, mode: str, frames: tuple[int, int]
) -> None:
    gap["before"].setValue(mode)
    gap["after"].setValue(mode)
    gap["on_error"].setValue("black")
    expected = [0.0 if frame == 12 else float(frame) for frame in frames]
    assert [_blue(gap, 9), _blue(gap, 14)] == expected


def test_on_error_decides_where_a_file_is_missing(gap: Any) -> None:
    with pytest.raises(RuntimeError, match=r"g\.0012\.exr"):
        pull(gap, 12)
    gap["on_error"].setValue("black")
    black = pull(gap, 12)
    assert (black.format.width(), float(black.plane("rgba.alpha")[0, 0])) == (6, 0)
    gap["on_error"].setValue("nearest frame")
    assert _blue(gap, 12) in (11, 13)


def test_frame_mode_moves_the_frames_of_a_read(gap: Any) -> None:
    gap["frame"].setValue("1001")
    gap["frame_mode"].setValue("start at")
    assert _blue(gap, 1004) == 13
    gap["frame_mode"].setValue("offset")
    gap["frame"].setValue("-100")
    assert _blue(gap, 111) == 11
    gap["frame_mode"].setValue("expression")
    gap["frame"].setValue("frame - 5")
    assert _blue(gap, 16) == 11


def test_a_colour_conversion_is_refused_rather_than_left_out(gap: Any) -> None:
    gap["raw"].setValue(False)
    assert _blue(gap, 10) == 10
    gap["colorspace"].setValue("sRGB")
    with pytest.raises(NotImplementedError, match="colours"):
        pull(gap, 10)


def test_a_write_without_raw_is_refused_since_its_colours_are_the_studio_s_choice(
    nuke: Any, tmp_path: Path
) -> None:
    write = _write(nuke, _ramp(nuke), tmp_path / "a.exr")
    write["raw"].setValue(False)
    with pytest.raises(NotImplementedError, match="set raw"):
        nuke.execute(write, 1, 1)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_an_error(nuke: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.exr").write_bytes(b"no picture")
    with pytest.raises(RuntimeError, match=r"bad\.exr"):
        pull(_read(nuke, tmp_path / "bad.exr"), 1)


def test_a_missing_folder_fails_unless_it_shall_be_made(nuke: Any, tmp_path: Path) -> None:
    write = _write(nuke, _ramp(nuke), tmp_path / "new" / "deep" / "a.%04d.exr")
    with pytest.raises(RuntimeError, match="does not exist"):
        nuke.execute(write, 1, 1)
    write["create_directories"].setValue(True)
    nuke.execute(write, 1, 1)
    assert [p.name for p in (tmp_path / "new" / "deep").iterdir()] == ["a.0001.exr"]


def test_execute_takes_one_node_that_renders(session: Any, nuke: Any, tmp_path: Path) -> None:
    write = _write(nuke, _ramp(nuke), tmp_path / "a.%04d.exr")
    with pytest.raises(TypeError, match="executeMultiple"):
        nuke.execute([write], 1, 1)
    with pytest.raises(RuntimeError, match="not executable"):
        nuke.execute(write.input(0), 1, 1)
    with pytest.raises(RuntimeError, match="no node"):
        nuke.execute("Write9", 1, 1)
    session.violations.clear()
    nuke.execute("Write1", 3, 7, 2)
    assert [frame for _, frame, _ in session.rendered] == [3, 5, 7]


def test_execute_without_a_range_renders_the_script_s(
    session: Any, nuke: Any, tmp_path: Path
) -> None:
    nuke.root()["first_frame"].setValue(1001)
    nuke.root()["last_frame"].setValue(1003)
    nuke.execute(_write(nuke, _ramp(nuke), tmp_path / "a.%04d.exr"))
    assert [frame for _, frame, _ in session.rendered] == [1001, 1002, 1003]


def test_execute_within_execute_is_refused(session: Any, nuke: Any, tmp_path: Path) -> None:
    write = _write(nuke, _ramp(nuke), tmp_path / "a.%04d.exr")
    write["beforeRender"].setValue("nuke.execute('Write1', 1, 1)")
    with pytest.raises(RuntimeError, match="I'm already executing something else"):
        nuke.execute(write, 1, 1)
    assert session.rendered == []
    session.violations.clear()
    write["beforeRender"].setValue("")
    nuke.execute(write, 1, 1)
    assert len(session.rendered) == 1


def test_a_render_in_proxy_mode_is_refused_or_comes_out_small(
    session: Any, nuke: Any, tmp_path: Path
) -> None:
    write = _write(nuke, _ramp(nuke), tmp_path / "a.exr")
    nuke.root()["proxy"].setValue(True)
    with pytest.raises(AssertionError, match="proxy"):
        nuke.execute(write, 1, 1)
    session.violations.clear()
    session.strict_proxy = False
    nuke.execute(write, 1, 1)
    image = pull(_read(nuke, tmp_path / "a.exr"), 1)
    assert (image.format.width(), image.box) == (3, Box(0, 0, 3, 2))


def test_the_user_s_cancel_ends_a_render_between_frames(
    session: Any, nuke: Any, tmp_path: Path
) -> None:
    session.cancel_render_at = 3
    with pytest.raises(RuntimeError, match="Cancelled"):
        nuke.execute(_write(nuke, _ramp(nuke), tmp_path / "a.%04d.exr"), 1, 9)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.0001.exr", "a.0002.exr"]
    assert session.executing is None


def test_an_error_upstream_ends_a_render_with_its_reason(nuke: Any, tmp_path: Path) -> None:
    write = _write(nuke, _read(nuke, tmp_path / "gone.exr"), tmp_path / "a.exr")
    with pytest.raises(RuntimeError, match=r"gone\.exr"):
        nuke.execute(write, 1, 1)
    assert list(tmp_path.iterdir()) == []


def test_autocrop_cuts_what_is_black(nuke: Any, tmp_path: Path) -> None:
    small = nuke.nodes.Crop(inputs=[_ramp(nuke)], box=[2, 1, 5, 3])
    wide = nuke.nodes.AdjBBox(inputs=[small], numpixels=4)
    nuke.execute(_write(nuke, wide, tmp_path / "a.exr", autocrop=True), 1, 1)
    assert pull(_read(nuke, tmp_path / "a.exr"), 1).box == Box(2, 1, 5, 3)


def test_a_channel_that_is_not_there_is_written_black(nuke: Any, tmp_path: Path) -> None:
    source = nuke.nodes.Remove(inputs=[_ramp(nuke)], channels="alpha")
    nuke.execute(_write(nuke, source, tmp_path / "a.exr", channels="alpha"), 1, 1)
    image = pull(_read(nuke, tmp_path / "a.exr"), 1)
    assert list(image.planes) == ["rgba.alpha"]
    assert not image.plane("rgba.alpha").any()


def test_each_view_is_rendered_into_a_file_of_its_own(nuke: Any, tmp_path: Path) -> None:
    nuke.root()["views"].setValue("left #ff0000\nright #00ff00")
    for view, red in (("left", 1), ("right", 2)):
        source = nuke.nodes.Constant(channels="rgba", color=[red, 0, 0, 1])
        source["format"].setValue(nuke.Format(6, 4))
        path = tmp_path / f"in.{view}.%04d.exr"
        nuke.execute(_write(nuke, source, path, views="left"), 1, 1)
    read = _read(nuke, tmp_path / "in.%V.%04d.exr", first=1, last=1)
    both = _write(nuke, read, tmp_path / "out.%V.%04d.exr", views="left right")
    nuke.execute(both, 1, 1, 1, ["left", "right"])
    for view, red in (("left", 1), ("right", 2)):
        source = oiio.ImageInput.open(str(tmp_path / f"out.{view}.0001.exr"))
        assert (source.read_image("float")[..., 0] == red).all()
    assert nuke.thisView() == "left"


def test_views_that_cannot_be_rendered_apart_are_refused(nuke: Any, tmp_path: Path) -> None:
    nuke.root()["views"].setValue("left #ff0000\nright #00ff00")
    write = _write(nuke, _ramp(nuke), tmp_path / "out.%04d.exr", views="left right")
    with pytest.raises(NotImplementedError, match="%V"):
        nuke.execute(write, 1, 1)
    with pytest.raises(RuntimeError, match="no view main"):
        nuke.execute(write, 1, 1, 1, ["main"])
    write["views"].setValue("main")
    with pytest.raises(RuntimeError, match="no view main"):
        nuke.execute(write, 1, 1)
    write["views"].setValue("left")
    with pytest.raises(RuntimeError, match="no view to render"):
        nuke.execute(write, 1, 1, 1, ["right"])
    assert list(tmp_path.iterdir()) == []
