"""The double's pixels, node by node, against values computed by hand."""

from __future__ import annotations

from typing import Any

import pytest

np = pytest.importorskip("numpy")

from doubles.image import Box  # noqa: E402
from doubles.render import pull  # noqa: E402


def _constant(
    nuke: Any, colour: Any, width: int = 4, height: int = 2, channels: str = "rgba"
) -> Any:
    node = nuke.nodes.Constant(channels=channels, color=colour)
    node["format"].setValue(nuke.Format(width, height))
    return node


def _pixel(node: Any, frame: int = 1, x: int = 0, y: int = 0) -> list[float]:
    names = ("rgba.red", "rgba.green", "rgba.blue", "rgba.alpha")
    at = Box(x, y, x + 1, y + 1)
    return [float(pull(node, frame).plane(name, at)[0, 0]) for name in names]


def _ramp(nuke: Any) -> Any:
    """4 x 2 pixels: red is x, green is y, blue is the frame, alpha a half."""
    ramp = nuke.nodes.Expression(inputs=[_constant(nuke, [0, 0, 0, 0.5])])
    for knob, source in (("expr0", "x"), ("expr1", "y"), ("expr2", "frame")):
        ramp[knob].setValue(source)
    return ramp


def test_a_constant_is_its_colour_over_its_format(nuke: Any) -> None:
    node = _constant(nuke, [2.5, -1, 0, 1])
    assert _pixel(node, x=3, y=1) == [2.5, -1, 0, 1]
    assert _pixel(node, x=4) == [0, 0, 0, 0]
    assert pull(node, 1).box == Box(0, 0, 4, 2)
    assert sorted(pull(_constant(nuke, 1, channels="alpha"), 1).planes) == ["rgba.alpha"]


def test_an_expression_sees_place_frame_and_channels_with_y_up(nuke: Any) -> None:
    ramp = _ramp(nuke)
    assert _pixel(ramp, frame=9, x=3, y=1) == [3, 1, 9, 0.5]
    twice = nuke.nodes.Expression(inputs=[ramp], temp_name0="k", temp_expr0="r * 2")
    twice["expr3"].setValue("k > 4 ? a + rgba.green : -1")
    assert [_pixel(twice, x=x, y=1)[3] for x in (2, 3)] == [-1, 1.5]


def test_dots_and_switched_off_nodes_pass_their_input(nuke: Any) -> None:
    source = _constant(nuke, 0.25)
    off = nuke.nodes.Multiply(inputs=[source], value=9)
    off["disable"].setValue(True)
    for node in (off, nuke.nodes.Dot(inputs=[source]), nuke.nodes.NoOp(inputs=[source])):
        assert _pixel(node) == [0.25] * 4


def test_a_missing_input_is_an_error_of_the_node(nuke: Any) -> None:
    node = nuke.nodes.Premult()
    with pytest.raises(RuntimeError, match="input 0 is not connected"):
        pull(node, 1)
    assert node.hasError()


def test_a_class_whose_pixels_are_not_known_is_refused(nuke: Any) -> None:
    node = nuke.nodes.OCIOColorSpace(inputs=[_constant(nuke, 1)])
    for use in (lambda: pull(node, 1), node.hasError, node.channels, node.format):
        with pytest.raises(NotImplementedError, match="OCIOColorSpace"):
            use()


def test_switch_takes_the_input_it_names_and_pulls_no_other(nuke: Any) -> None:
    node = nuke.nodes.Switch(inputs=[nuke.nodes.Read(file="/gone.exr"), _constant(nuke, 2)])
    node["which"].setValue(1)
    assert _pixel(node) == [2] * 4
    node["which"].setValue(7)
    assert _pixel(node) == [2] * 4
    node["which"].setValue(0)
    assert node.hasError()


def test_copy_brings_a_channel_of_a_into_b(nuke: Any) -> None:
    b, a = _constant(nuke, [1, 2, 3, 4]), _constant(nuke, [5, 6, 7, 8], width=6)
    node = nuke.nodes.Copy(inputs=[b, a], from0="rgba.red", to0="rgba.alpha")
    assert _pixel(node) == [1, 2, 3, 5]
    assert _pixel(node, x=5) == [0, 0, 0, 5]
    node["bbox"].setValue("B")
    assert pull(node, 1).box == Box(0, 0, 4, 2)
    assert pull(node, 1).format.width() == 4


def test_copy_mixes_by_its_mask(nuke: Any) -> None:
    b, a, mask = (_constant(nuke, value) for value in (0, 8, [0, 0, 0, 0.25]))
    node = nuke.nodes.Copy(inputs=[b, a, mask], channels="rgba")
    node["from0"].setValue("none")
    assert _pixel(node) == [2] * 4
    node["invert_mask"].setValue(True)
    node["mix"].setValue(0.5)
    assert _pixel(node) == [3] * 4


def test_shuffle_maps_channels_of_either_input(nuke: Any) -> None:
    b, a = _constant(nuke, [1, 2, 3, 4]), _constant(nuke, [5, 6, 7, 8])
    node = nuke.nodes.Shuffle2(inputs=[b, a])
    node["fromInput2"].fromScript("{1} B A")
    node["in2"].setValue("rgba")
    node["mappings"].setValue(
        [
            (0, "rgba.blue", "rgba.red"),
            (1, "rgba.green", "rgba.green"),
            (0, "white", "rgba.blue"),
            (0, "black", "rgba.alpha"),
        ]
    )
    assert _pixel(node) == [3, 6, 1, 0]


def test_shuffle_refuses_what_nobody_knows(nuke: Any) -> None:
    nuke.Layer("clean", ["red", "green", "blue"])
    node = nuke.nodes.Shuffle2(inputs=[_constant(nuke, 1)])
    node["mappings"].setValue([(0, "rgba.red", "rgba.red")])
    with pytest.raises(RuntimeError, match="out1"):
        pull(node, 1)
    node["out1"].setValue("alpha")
    node["mappings"].setValue([(0, "clean.red", "rgba.alpha")])
    with pytest.raises(RuntimeError, match=r"clean\.red is not in in1"):
        pull(node, 1)


def test_other_channels_pass_a_shuffle(nuke: Any) -> None:
    nuke.Layer("clean", ["red", "green", "blue"])
    source = nuke.nodes.AddChannels(inputs=[_constant(nuke, 1)], channels="clean")
    source["color"].setValue([0.5, 0.25, 0.125, 0])
    node = nuke.nodes.Shuffle2(inputs=[source])
    image = pull(node, 1)
    assert [float(image.plane("clean." + c)[0, 0]) for c in ("red", "green", "blue")] == [
        0.5, 0.25, 0.125,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("over", 2 + 5 * 0.75),
        ("under", 2 * 0.5 + 5),
        ("plus", 7),
        ("minus", -3),
        ("from", 3),
        ("multiply", 10),
        ("copy", 2),
        ("mask", 5 * 0.25),
        ("stencil", 5 * 0.75),
        ("in", 1),
        ("out", 1),
        ("max", 5),
        ("min", 2),
        ("difference", 3),
    ],
)
def test_merge_computes(nuke: Any, operation: str, expected: float) -> None:
    b, a = _constant(nuke, [5, 5, 5, 0.5]), _constant(nuke, [2, 2, 2, 0.25])
    node = nuke.nodes.Merge2(inputs=[b, a], operation=operation)
    assert _pixel(node)[0] == expected


def test_merge_masks_joins_boxes_and_leaves_other_layers(nuke: Any) -> None:
    nuke.Layer("clean", ["red"])
    b = nuke.nodes.AddChannels(inputs=[_constant(nuke, [1, 1, 1, 1])], channels="clean", color=3)
    a, mask = _constant(nuke, [1, 0, 0, 0], width=8), _constant(nuke, [0, 0, 0, 0.5])
    node = nuke.nodes.Merge2(inputs=[b, a, mask], operation="plus")
    assert _pixel(node) == [1.5, 1, 1, 1]
    assert pull(node, 1).box == Box(0, 0, 8, 2)
    assert float(pull(node, 1).plane("clean.red")[0, 0]) == 3
    node["operation"].setValue("screen")
    with pytest.raises(NotImplementedError, match="screen"):
        pull(node, 1)


def test_premult_and_unpremult_spare_what_has_no_alpha(nuke: Any) -> None:
    source = _constant(nuke, [4, -2, 8, 0.5])
    node = nuke.nodes.Premult(inputs=[source])
    assert _pixel(node) == [2, -1, 4, 0.5]
    assert _pixel(nuke.nodes.Unpremult(inputs=[node])) == [4, -2, 8, 0.5]
    empty = _constant(nuke, [3, 3, 3, 0])
    assert _pixel(nuke.nodes.Unpremult(inputs=[empty])) == [3, 3, 3, 0]


def test_time_nodes_ask_for_other_frames(nuke: Any) -> None:
    ramp = _ramp(nuke)
    held = nuke.nodes.FrameHold(inputs=[ramp], firstFrame=5)
    stepped = nuke.nodes.FrameHold(inputs=[ramp], firstFrame=5, increment=3)
    later = nuke.nodes.TimeOffset(inputs=[ramp], time_offset=2)
    assert [_pixel(held, f)[2] for f in (1, 9)] == [5, 5]
    assert [_pixel(stepped, f)[2] for f in (5, 7, 8, 12)] == [5, 5, 8, 11]
    assert _pixel(later, 10)[2] == 8


def test_a_frame_expression_in_a_knob_follows_the_frame_that_is_pulled(nuke: Any) -> None:
    node = nuke.nodes.Multiply(inputs=[_constant(nuke, 1)])
    node["value"].setExpression("frame", 0)
    for channel in (1, 2, 3):
        node["value"].setExpression("1", channel)
    assert _pixel(node, frame=12)[0] == 12


def test_crop_cuts_the_box_and_moves_the_format_where_it_shall(nuke: Any) -> None:
    node = nuke.nodes.Crop(inputs=[_ramp(nuke)], box=[1, 1, 3, 2])
    assert pull(node, 1).box == Box(1, 1, 3, 2)
    assert pull(node, 1).format.width() == 4
    assert (_pixel(node, x=1, y=1)[0], _pixel(node, x=0, y=1)[0]) == (1, 0)
    node["reformat"].setValue(True)
    assert pull(node, 1).box == Box(0, 0, 2, 1)
    assert (pull(node, 1).format.width(), _pixel(node)[0]) == (2, 1)


def test_box_nodes_change_the_box_alone(nuke: Any) -> None:
    ramp, wide = _ramp(nuke), _constant(nuke, 1, width=9)
    assert pull(nuke.nodes.BlackOutside(inputs=[ramp]), 1).box == Box(-1, -1, 5, 3)
    assert pull(nuke.nodes.AdjBBox(inputs=[ramp], numpixels=[2, 3]), 1).box == Box(-2, -3, 6, 5)
    copied = nuke.nodes.CopyBBox(inputs=[ramp, wide])
    assert pull(copied, 1).box == Box(0, 0, 9, 2)
    assert (_pixel(copied, x=3)[0], _pixel(copied, x=8)[0]) == (3, 0)


def test_reformat_without_resize_keeps_pixels_and_the_box_on_wish(nuke: Any) -> None:
    node = nuke.nodes.Reformat(inputs=[_ramp(nuke)], resize="none", center=False)
    node["format"].setValue(nuke.Format(2, 8))
    assert pull(node, 1).box == Box(0, 0, 2, 2)
    assert (pull(node, 1).format.height(), _pixel(node, x=1)[0]) == (8, 1)
    node["pbb"].setValue(True)
    node["center"].setValue(True)
    assert pull(node, 1).box == Box(-1, 3, 3, 5)
    assert _pixel(node, x=2, y=3)[0] == 3


def test_reformat_resizes_by_the_nearest_pixel_or_not_at_all(nuke: Any) -> None:
    node = nuke.nodes.Reformat(inputs=[_ramp(nuke)], type="scale", scale=2)
    with pytest.raises(NotImplementedError, match="impulse"):
        pull(node, 1)
    node["filter"].setValue("impulse")
    assert pull(node, 1).box == Box(0, 0, 8, 4)
    assert [_pixel(node, x=x)[0] for x in range(8)] == [0, 0, 1, 1, 2, 2, 3, 3]
    boxed = nuke.nodes.Reformat(inputs=[_ramp(nuke)], type="to box", box_fixed=True)
    for knob, value in (("box_width", 2), ("box_height", 2), ("resize", "fit")):
        boxed[knob].setValue(value)
    boxed["filter"].setValue("impulse")
    assert (pull(boxed, 1).format.width(), pull(boxed, 1).format.height()) == (2, 2)


def test_remove_and_add_channels(nuke: Any) -> None:
    source = _constant(nuke, 1)
    removed = nuke.nodes.Remove(inputs=[source], channels="alpha")
    kept = nuke.nodes.Remove(inputs=[source], channels="rgb", operation="keep")
    assert removed.channels() == kept.channels() == ["rgba.red", "rgba.green", "rgba.blue"]
    added = nuke.nodes.AddChannels(inputs=[kept], channels="alpha")
    added["color"].setValue([0, 0, 0, 0.5])
    assert _pixel(added) == [1, 1, 1, 0.5]
    assert _pixel(nuke.nodes.AddChannels(inputs=[source], channels="rgba")) == [1] * 4


def test_colour_nodes_compute_and_clamp_only_where_they_are_told(nuke: Any) -> None:
    source = _constant(nuke, [4, -1, 0.5, 1])
    assert _pixel(nuke.nodes.Multiply(inputs=[source], value=2)) == [8, -2, 1, 2]
    assert _pixel(nuke.nodes.Add(inputs=[source], value=[1, 1, 0, 0])) == [5, 0, 0.5, 1]
    assert _pixel(nuke.nodes.Invert(inputs=[source], channels="alpha")) == [4, -1, 0.5, 0]
    assert _pixel(nuke.nodes.Clamp(inputs=[source])) == [1, 0, 0.5, 1]
    grade = nuke.nodes.Grade(inputs=[source], multiply=2, add=0.25)
    assert _pixel(grade) == [8.25, 0, 1.25, 1]
    grade["black_clamp"].setValue(False)
    grade["blackpoint"].setValue(0.5)
    assert _pixel(grade)[:3] == [4 * 4 + 0.25 - 2, -1 * 4 + 0.25 - 2, 0.25]


def test_a_mask_and_mix_limit_a_colour_node(nuke: Any) -> None:
    source, mask = _constant(nuke, 1), _constant(nuke, [0, 0, 0, 0.5])
    node = nuke.nodes.Multiply(inputs=[source, mask], value=3)
    assert _pixel(node) == [2] * 4
    node["mix"].setValue(0.5)
    assert _pixel(node) == [1.5] * 4


def test_keymix_and_channel_merge(nuke: Any) -> None:
    b, a, mask = (_constant(nuke, value) for value in (1, 3, [0, 0, 0, 0.25]))
    assert _pixel(nuke.nodes.Keymix(inputs=[b, a, mask])) == [1.5] * 4
    node = nuke.nodes.ChannelMerge(inputs=[b, a], operation="plus", A="rgba.red")
    assert _pixel(node) == [1, 1, 1, 4]


def test_assert_speaks_its_message_where_its_expression_is_0(nuke: Any) -> None:
    node = nuke.nodes.Assert(inputs=[_constant(nuke, 1)], message="no layer clean")
    assert _pixel(node) == [1] * 4
    node["expression"].setValue(0)
    with pytest.raises(RuntimeError, match="no layer clean"):
        pull(node, 1)


def test_a_group_is_what_its_output_shows_of_its_inputs(nuke: Any) -> None:
    first, second = _constant(nuke, 1), _constant(nuke, 2)
    group = nuke.nodes.Group()
    with group:
        one, two = nuke.nodes.Input(name="one"), nuke.nodes.Input(name="two", number=1)
        merged = nuke.nodes.Merge2(inputs=[one, two], operation="minus")
        nuke.nodes.Output(inputs=[merged])
    group.setInput(0, first)
    group.setInput(1, second)
    assert _pixel(group) == [1] * 4
    group["disable"].setValue(True)
    assert _pixel(group) == [1] * 4
    group.setInput(0, second)
    group["disable"].setValue(False)
    assert _pixel(group) == [0] * 4


def test_samples_and_boxes_answer_as_nodes_do(nuke: Any) -> None:
    ramp = _ramp(nuke)
    nuke.frame(3)
    assert (ramp.sample("red", 2.5, 1.5), ramp.sample("rgba.blue", 0, 0)) == (2, 3)
    assert ramp.sample("red", 99, 0) == 0
    assert (ramp.bbox().x(), ramp.bbox().w(), ramp.width(), ramp.height()) == (0, 4, 4, 2)
