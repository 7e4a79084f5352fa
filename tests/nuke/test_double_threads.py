"""The double's threads, event loop and progress bars."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest


def _on_worker(call: Callable[[], Any]) -> list[Any]:
    """Run a call on a thread of its own; its result, or the error that it raised."""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(call())
        except Exception as error:
            found.append(error)

    worker = threading.Thread(target=run)
    worker.start()
    worker.join()
    return found


@pytest.mark.parametrize(
    "use",
    [
        lambda nuke, node: nuke.toNode("n"),
        lambda nuke, node: nuke.nodes.NoOp(),
        lambda nuke, node: nuke.createNode("NoOp"),
        lambda nuke, node: node["label"],
        lambda nuke, node: node.name(),
        lambda nuke, node: nuke.execute(node, 1, 1),
        lambda nuke, node: nuke.delete(node),
        lambda nuke, node: nuke.message("a"),
        lambda nuke, node: nuke.root(),
        lambda nuke, node: nuke.thisNode(),
        lambda nuke, node: nuke.ProgressTask("a"),
        lambda nuke, node: nuke.Undo.disable(),
        lambda nuke, node: nuke.Int_Knob("a"),
        lambda nuke, node: nuke.scriptSaveAs("/nowhere.nk"),
    ],
)
def test_nuke_is_for_the_main_thread_alone(gui_session: Any, nuke_gui: Any, use: Any) -> None:
    node = nuke_gui.nodes.NoOp(name="n")
    (error,) = _on_worker(lambda: use(nuke_gui, node))
    assert type(error).__name__ == "WrongThread"
    assert gui_session.violations == [str(error)]
    gui_session.violations.clear()


def test_a_knob_that_was_taken_along_is_for_the_main_thread_too(
    gui_session: Any, nuke_gui: Any
) -> None:
    knob = nuke_gui.nodes.NoOp()["label"]
    (error,) = _on_worker(lambda: knob.setValue("x"))
    assert type(error).__name__ == "WrongThread"
    assert knob.value() == ""
    gui_session.violations.clear()


def test_printing_to_the_terminal_is_for_all_threads(session: Any, nuke: Any) -> None:
    assert _on_worker(lambda: nuke.tprint("hello", 3)) == [None]
    assert session.log == ["hello 3"]


def test_a_worker_waits_for_the_event_loop(gui_session: Any, nuke_gui: Any) -> None:
    node = nuke_gui.nodes.NoOp()
    found: list[Any] = []

    def work() -> None:
        nuke_gui.executeInMainThread(node["label"].setValue, ("first",))

    def ask() -> None:
        found.append(nuke_gui.executeInMainThreadWithResult(lambda: node["label"].value()))

    knob = node["label"]
    worker = threading.Thread(
        target=lambda: (nuke_gui.executeInMainThread(knob.setValue, "first"), ask())
    )
    worker.start()
    gui_session.pump(lambda: bool(found), timeout_s=20)
    worker.join()
    assert found == ["first"]
    # `node["label"]` itself on the worker is the misuse that `work` would be.
    assert type(_on_worker(work)[0]).__name__ == "WrongThread"
    gui_session.violations.clear()


def test_the_main_thread_may_not_call_itself(gui_session: Any, nuke_gui: Any) -> None:
    for call in (nuke_gui.executeInMainThread, nuke_gui.executeInMainThreadWithResult):
        with pytest.raises(RuntimeError, match="hang"):
            call(lambda: 1)
    gui_session.violations.clear()


def test_nuke_t_has_no_event_loop(session: Any, nuke: Any) -> None:
    (error,) = _on_worker(lambda: nuke.executeInMainThread(lambda: 1))
    assert "no event loop" in str(error)
    with pytest.raises(RuntimeError, match="no event loop"):
        session.pump()
    session.violations.clear()


def test_an_error_in_a_queued_call_is_kept_for_the_test(gui_session: Any, nuke_gui: Any) -> None:
    def fail() -> None:
        raise KeyError("late")

    _on_worker(lambda: nuke_gui.executeInMainThread(fail))
    gui_session.pump()
    assert [repr(error) for error in gui_session.callback_errors] == ["KeyError('late')"]
    gui_session.callback_errors.clear()


def test_an_event_loop_that_waits_in_vain_gives_up(gui_session: Any) -> None:
    with pytest.raises(TimeoutError):
        gui_session.pump(lambda: False, timeout_s=0.05)


def test_a_progress_bar_takes_whole_numbers_and_goes_with_its_object(
    session: Any, nuke: Any
) -> None:
    task = nuke.ProgressTask("Matte")
    task.setMessage("frame 1001")
    task.setProgress(50)
    for wrong in (0.5, "50", True):
        with pytest.raises(TypeError):
            task.setProgress(wrong)
    assert session.open_tasks == 1
    del task
    assert session.open_tasks == 0
    assert (session.tasks[0].progress, session.tasks[0].messages) == ([50], ["frame 1001"])


def test_the_user_cancels_after_so_many_questions(session: Any, nuke: Any) -> None:
    session.cancel_after = 2
    task = nuke.ProgressTask("Matte")
    assert [task.isCancelled() for _ in range(4)] == [False, False, True, True]
