"""Script text: what real Tcl makes of it, what it becomes in the double, and out and in again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("tkinter", reason="this Python has no Tcl (Debian: python3-tk)")

from tcl.loader import ScriptError, load

COMP = r"""#! C:/Nuke/nuke.exe -nx
version 15.1 v3
Root {
 inputs 0
 first_frame 1001
 last_frame 1010
}
add_layer {clean clean.red clean.green clean.blue}
Constant {
 inputs 0
 channels rgb
 color {0.5 0.25 2 1}
 name plate
}
set N1 [stack 0]
push $N1
push 0
push $N1
Group {
 inputs 3
 name Matte
 addUserKnob {20 tab l "The \"tab\""}
 addUserKnob {4 output l Output t "a tip" M {premult "plate x alpha" "" ""} +STARTLINE}
 output "plate x alpha"
 addUserKnob {3 shown l "" +INVISIBLE}
 shown 2
 addUserKnob {22 press l Press T "nuke.thisNode()\['shown'].setValue(\{'a': 7\}\['a'])"}
 addUserKnob {26 line l "" T " "}
 addUserKnob {7 gain R 0 4}
 gain {{"frame / 2"}}
}
 Input {
  inputs 0
  name plate
 }
 Input {
  inputs 0
  name clean
  number 1
 }
 Input {
  inputs 0
  name core
  number 2
 }
push $N1b
"""


def _comp(inside: str) -> str:
    return COMP.replace("push $N1b\n", inside) + "end_group\n"


INSIDE = """set N9 [stack 0]
push $N9
push $N9
 Switch {
  inputs 2
  which {{parent.output}}
  name choose
 }
 Output {
  name Output1
 }
"""


def test_inputs_come_from_the_stack_the_top_one_first(nuke: Any) -> None:
    nuke.scriptReadText(_comp(INSIDE))
    group = nuke.toNode("Matte")
    plate = nuke.toNode("plate")
    assert [group.input(i) for i in range(3)] == [plate, None, plate]
    choose = group.node("choose")
    assert [choose.input(i).name() for i in range(2)] == ["core", "core"]
    assert group.node("Output1").input(0) is choose


def test_a_group_s_stack_is_its_own(nuke: Any) -> None:
    nuke.scriptReadText(_comp(INSIDE) + "NoOp {\n name below\n}\n")
    assert nuke.toNode("below").input(0) is nuke.toNode("Matte")
    assert nuke.toNode("Matte").node("plate").inputs() == 0


def test_user_knobs_have_their_labels_items_flags_and_values(nuke: Any) -> None:
    nuke.scriptReadText(_comp(INSIDE))
    group = nuke.toNode("Matte")
    assert group["tab"].label() == 'The "tab"'
    assert group["output"].values() == ["premult", "plate x alpha"]
    assert (group["output"].value(), group["output"].tooltip()) == ("plate x alpha", "a tip")
    assert (group["shown"].value(), group["shown"].visible()) == (2, False)
    nuke.frame(6)
    assert group["gain"].value() == 3
    assert group.node("choose")["which"].value() == 1


def test_python_of_a_button_survives_the_quoting(nuke: Any) -> None:
    nuke.scriptReadText(_comp(INSIDE))
    group = nuke.toNode("Matte")
    group["press"].execute()
    assert group["shown"].value() == 7


def test_root_and_layers_of_a_script_are_taken(nuke: Any) -> None:
    nuke.scriptReadText(_comp(INSIDE))
    assert (nuke.root().firstFrame(), nuke.root().lastFrame()) == (1001, 1010)
    assert "clean.green" in nuke.channels()


def test_masks_find_the_input_that_is_the_mask(nuke: Any) -> None:
    nuke.scriptReadText(
        "NoOp {\n inputs 0\n name mask\n}\nNoOp {\n inputs 0\n name a\n}\n"
        "NoOp {\n inputs 0\n name b\n}\nMerge2 {\n inputs 2+1\n name merged\n}\n"
        "push 0\nNoOp {\n inputs 0\n name only\n}\nExpression {\n inputs 1+1\n name maths\n}\n"
    )
    merged, maths = nuke.toNode("merged"), nuke.toNode("maths")
    assert [merged.input(i).name() for i in range(3)] == ["b", "a", "mask"]
    assert (maths.input(0).name(), maths.input(1)) == ("only", None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("NoOp {\n name\n}\n", "without a value"),
        ("NoOp {\n name a\n", "missing close-brace"),
        ("end_group\n", "without a group"),
        ("Group {\n name a\n}\n", "no end_group"),
        ("noop {\n name a\n}\n", "noop"),
        ("NoOp {\n inputs one\n}\n", "inputs one"),
        ("push $nothing\n", "nothing"),
        ("exec touch /tmp/platematte\n", "exec"),
    ],
)
def test_a_text_that_is_no_script_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ScriptError, match=reason):
        load(text)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("Kurbel {\n name a\n}\n", RuntimeError),
        ("NoOp {\n kurbel 1\n}\n", NameError),
        ("Read {\n before blank\n}\n", NameError),
        ("Copy {\n from0 confidence.Y\n}\n", NameError),
        ("NoOp {\n addUserKnob {999 a}\n}\n", ValueError),
        ("NoOp {\n addUserKnob {3 a w 3}\n}\n", ValueError),
        ('Write {\n datatype "32 bit float"\n file_type exr\n}\n', NameError),
    ],
)
def test_a_script_with_what_nuke_does_not_have_is_refused(
    nuke: Any, text: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        nuke.scriptReadText(text)


def _without_handles(path: Path) -> str:
    return re.sub(r"N[0-9a-f]{6,}", "N", path.read_text(encoding="utf-8"))


def test_a_saved_script_loads_as_it_was(nuke: Any, tmp_path: Path) -> None:
    nuke.scriptReadText(_comp(INSIDE))
    nuke.toNode("Matte")["shown"].setValue(12)
    nuke.toNode("Matte").node("choose")["label"].setValue('a "b" [c] {d} $e\nÜ \\ #')
    first, second = tmp_path / "comp ü.nk", tmp_path / "again ü.nk"
    nuke.scriptSaveAs(first.as_posix())
    assert not nuke.root().modified()
    nuke.scriptOpen(first.as_posix())
    group = nuke.toNode("Matte")
    assert (group["shown"].value(), group["output"].value()) == (12, "plate x alpha")
    assert group.node("choose")["label"].value() == 'a "b" [c] {d} $e\nÜ \\ #'
    assert [group.input(i) and group.input(i).name() for i in range(3)] == ["plate", None, "plate"]
    nuke.scriptSaveAs(second.as_posix())
    assert _without_handles(first) == _without_handles(second).replace("again", "comp")


def test_saving_does_not_overwrite_unasked(nuke: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.nk"
    nuke.scriptSaveAs(path.as_posix())
    with pytest.raises(RuntimeError, match="exists"):
        nuke.scriptSaveAs(path.as_posix())


def test_what_is_not_for_the_script_is_not_in_it(nuke: Any, tmp_path: Path) -> None:
    node = nuke.nodes.NoOp()
    for name in ("kept", "gone"):
        node.addKnob(nuke.String_Knob(name, name, ""))
        node[name].setValue("value_of_" + name)
    node["gone"].setFlag(nuke.DO_NOT_WRITE)
    nuke.scriptSaveAs((tmp_path / "a.nk").as_posix())
    text = (tmp_path / "a.nk").read_text(encoding="utf-8")
    assert "value_of_kept" in text and "value_of_gone" not in text


def test_pasted_nodes_get_names_of_their_own_and_are_selected(nuke: Any, tmp_path: Path) -> None:
    nuke.scriptReadText(_comp(INSIDE))
    nuke.toNode("Matte").setSelected(True)
    nuke.nodeCopy((tmp_path / "copy.nk").as_posix())
    nuke.nodePaste((tmp_path / "copy.nk").as_posix())
    assert [node.name() for node in nuke.selectedNodes()] == ["Matte1"]
    assert nuke.toNode("Matte1").node("choose")["which"].value() == 1


def test_on_create_runs_when_the_inside_stands(nuke: Any) -> None:
    nuke.scriptReadText(
        _comp(INSIDE).replace(
            " name Matte\n",
            ' name Matte\n onCreate "n = nuke.thisNode()\\n'
            "n\\['shown'].setValue(len(n.nodes()) * 100 + n.inputs())\"\n",
        )
    )
    assert nuke.toNode("Matte")["shown"].value() == 503


def test_a_gizmo_whose_text_is_a_group_becomes_one(nuke: Any, tmp_path: Path) -> None:
    text = "Group {\n name Cutter\n}\n Input {\n  inputs 0\n }\n Output {\n }\nend_group\n"
    (tmp_path / "Cutter.gizmo").write_text(text, encoding="utf-8")
    with pytest.raises(RuntimeError, match="Cutter"):
        nuke.createNode("Cutter")
    nuke.pluginAddPath(str(tmp_path))
    source = nuke.createNode("NoOp")
    made = nuke.createNode("Cutter")
    assert (made.Class(), made.input(0)) == ("Group", source)
    assert nuke.createNode("Cutter").name() == "Cutter1"
