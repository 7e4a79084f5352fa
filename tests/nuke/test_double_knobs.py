"""The double's nodes and knobs: what they hold and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest


def test_an_unknown_class_is_a_runtime_error(nuke: Any) -> None:
    with pytest.raises(RuntimeError, match="Kurbel"):
        nuke.nodes.Kurbel()
    with pytest.raises(RuntimeError, match="Kurbel"):
        nuke.createNode("Kurbel")


def test_an_unknown_knob_is_a_name_error_and_knob_gives_none(nuke: Any) -> None:
    node = nuke.nodes.FrameHold()
    with pytest.raises(NameError, match="firstframe"):
        node["firstframe"]
    assert node.knob("firstframe") is None
    with pytest.raises(NameError, match="colour"):
        nuke.nodes.Constant(colour=1)


def test_an_item_that_is_not_there_is_a_name_error(nuke: Any) -> None:
    read = nuke.nodes.Read()
    with pytest.raises(NameError, match="blank"):
        read["before"].setValue("blank")
    with pytest.raises(NameError):
        read["before"].setValue(4)
    read["before"].setValue("black")
    assert (read["before"].value(), read["before"].getValue()) == ("black", 3.0)


def test_an_item_is_named_by_what_stands_before_its_tab(nuke: Any) -> None:
    policy = nuke.nodes.Read()["localizationPolicy"]
    policy.setValue("onDemand")
    assert policy.value() == "onDemand"
    assert "onDemand\ton demand" in policy.values()


@pytest.mark.parametrize(
    ("class_name", "knob", "value"),
    [
        ("Read", "first", "1001"),
        ("Read", "file", 3),
        ("Read", "raw", "true"),
        ("Read", "before", None),
        ("Crop", "box", [1, 2]),
    ],
)
def test_a_value_of_another_type_is_a_type_error(
    nuke: Any, class_name: str, knob: str, value: Any
) -> None:
    node = getattr(nuke.nodes, class_name)()
    with pytest.raises(TypeError):
        node[knob].setValue(value)


def test_a_backslash_in_a_path_is_refused(session: Any, nuke: Any) -> None:
    with pytest.raises(ValueError, match="backslash"):
        nuke.nodes.Write()["file"].setValue("C:\\plates\\a.exr")
    assert len(session.violations) == 1
    session.violations.clear()


def test_exr_knobs_of_a_write_appear_with_its_file_type(nuke: Any) -> None:
    write = nuke.nodes.Write()
    with pytest.raises(NameError, match="datatype"):
        write["datatype"].setValue("32 bit float")
    write["file_type"].setValue("exr")
    write["datatype"].setValue("32 bit float")
    assert write["datatype"].value() == "32 bit float"
    write["file_type"].setValue("png")
    assert write.knob("datatype") is None


def test_a_layer_that_nobody_declared_is_refused(nuke: Any) -> None:
    copy = nuke.nodes.Copy()
    with pytest.raises(NameError, match="add_layer"):
        copy["from0"].setValue("confidence.Y")
    nuke.Layer("confidence", ["confidence.Y"])
    copy["from0"].setValue("confidence.Y")
    assert copy["from0"].value() == "confidence.Y"


def test_an_expression_follows_what_it_names(nuke: Any) -> None:
    group = nuke.nodes.Group()
    group.addKnob(nuke.Enumeration_Knob("output", "Output", ["a", "b", "c"]))
    with group:
        switch = nuke.nodes.Switch()
        hold = nuke.nodes.FrameHold()
    switch["which"].setExpression("parent.output")
    hold["firstFrame"].setExpression("parent.output > 1 ? root.first_frame : frame * 2")
    group["output"].setValue("b")
    nuke.frame(7)
    assert (switch["which"].value(), hold["firstFrame"].value()) == (1, 14)
    nuke.root()["first_frame"].setValue(1001)
    group["output"].setValue("c")
    assert (switch["which"].value(), hold["firstFrame"].value()) == (2, 1001)


def test_an_expression_with_a_name_that_is_not_there_is_an_error(nuke: Any) -> None:
    switch = nuke.nodes.Switch()
    switch["which"].setExpression("parent.nothing")
    with pytest.raises(NameError, match="nothing"):
        switch["which"].value()


def test_a_set_value_takes_the_expression_away(nuke: Any) -> None:
    switch = nuke.nodes.Switch()
    switch["which"].setExpression("1")
    switch["which"].setValue(0)
    assert (switch["which"].value(), switch["which"].hasExpression()) == (0, False)


def test_a_file_knob_evaluates_tcl_and_frame_numbers(nuke: Any) -> None:
    pytest.importorskip("tkinter", reason="this Python has no Tcl (Debian: python3-tk)")
    nuke.root()["name"].setValue("/show/comp v2.nk")
    read = nuke.nodes.Read(name="Matte")
    read["file"].setValue("[file dirname [value root.name]]/[value name]/m.%04d.exr")
    assert read["file"].evaluate(1001) == "/show/Matte/m.1001.exr"
    nuke.frame(12)
    assert read["file"].evaluate() == "/show/Matte/m.0012.exr"
    assert read["file"].value().startswith("[file dirname")


def test_tcl_in_a_path_does_not_reach_the_machine(nuke: Any) -> None:
    pytest.importorskip("tkinter", reason="this Python has no Tcl (Debian: python3-tk)")
    read = nuke.nodes.Read(file="[exec touch /tmp/platematte]")
    with pytest.raises(NameError, match="exec"):
        read["file"].evaluate()


def test_an_empty_file_knob_evaluates_to_none(nuke: Any) -> None:
    assert nuke.nodes.Read()["file"].evaluate() is None


def test_user_text_with_a_range_sets_the_range_of_a_read(nuke: Any) -> None:
    read = nuke.nodes.Read()
    read["file"].fromUserText("/a b/m.%04d.exr 1001-1010")
    assert read["file"].value() == "/a b/m.%04d.exr"
    assert [read[k].value() for k in ("first", "last", "origfirst", "origlast")] == [
        1001, 1010, 1001, 1010,
    ]  # fmt: skip


def test_reload_of_a_read_changes_its_hash(nuke: Any) -> None:
    read = nuke.nodes.Read(file="/a.exr")
    before = read.opHashes()
    read["reload"].execute()
    assert read.opHashes() != before


def test_a_hash_knows_what_is_upstream_and_nothing_of_looks(nuke: Any) -> None:
    constant = nuke.nodes.Constant()
    node = nuke.nodes.Multiply(inputs=[constant])
    before = node.opHashes()
    node["xpos"].setValue(20)
    node["label"].setValue("warmer")
    assert node.opHashes() == before
    constant["color"].setValue(0.5)
    assert node.opHashes() != before


def test_a_button_runs_its_python_with_this_node_and_this_knob(nuke: Any) -> None:
    node = nuke.nodes.NoOp(name="here")
    node.addKnob(nuke.String_Knob("heard"))
    script = "n = nuke.thisNode()\nn['heard'].setValue(n.name() + nuke.thisKnob().name())"
    button = nuke.PyScript_Knob("press", "Press", script)
    node.addKnob(button)
    node["press"].execute()
    assert node["heard"].value() == "herepress"
    assert nuke.thisKnob() is None


def test_an_error_of_a_button_reaches_who_pressed_it(nuke: Any) -> None:
    node = nuke.nodes.NoOp()
    node.addKnob(nuke.PyScript_Knob("press", "Press", "raise RuntimeError('no plate')"))
    with pytest.raises(RuntimeError, match="no plate"):
        node["press"].execute()


def test_knob_changed_runs_for_each_change_and_not_without_one(nuke: Any) -> None:
    node = nuke.nodes.NoOp()
    node.addKnob(nuke.Int_Knob("count"))
    node.addKnob(nuke.String_Knob("seen"))
    node["knobChanged"].setValue(
        "n, k = nuke.thisNode(), nuke.thisKnob()\n"
        "if k.name() == 'count': n['seen'].setValue(n['seen'].value() + str(k.value()))"
    )
    for count in (4, 4, 5):
        node["count"].setValue(count)
    assert node["seen"].value() == "45"


def test_an_error_in_knob_changed_is_kept_for_the_test(session: Any, nuke: Any) -> None:
    node = nuke.nodes.NoOp()
    node["knobChanged"].setValue("raise ValueError('half attached')")
    node["label"].setValue("x")
    errors = [str(error) for error in session.callback_errors]
    assert errors and set(errors) == {"half attached"}
    session.callback_errors.clear()


def test_a_link_knob_is_its_target(nuke: Any) -> None:
    group = nuke.nodes.Group()
    with group:
        hold = nuke.nodes.FrameHold(name="hold")
    link = nuke.Link_Knob("frame_of_clean")
    group.addKnob(link)
    link.setLink("hold.firstFrame")
    group["frame_of_clean"].setValue(1003)
    assert hold["firstFrame"].value() == 1003
    with pytest.raises(NameError, match="gone"):
        link.setLink("gone.firstFrame")
