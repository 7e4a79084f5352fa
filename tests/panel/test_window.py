"""The panel alone in its window: closing with unfinished shots, and the worker's calls."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted import ScriptedEngine, wait

from platematte_panel.orders import Order
from platematte_panel.rows import CANCELLED, DONE, RUNNING


@pytest.fixture
def engine() -> ScriptedEngine:
    return ScriptedEngine()


@pytest.fixture
def window(application: Any, engine: ScriptedEngine, tmp_path: Path) -> Iterator[Any]:
    from platematte_panel.app import make_window

    window = make_window(engine, {}, [])
    for name in ("sh010", "sh020"):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("plate.1001.exr", "plate.1002.exr", "clean.exr"):
            (folder / file).write_bytes(b"1")
        plate, clean = (folder / "plate.####.exr").as_posix(), (folder / "clean.exr").as_posix()
        window.shots.add(Order(plate, clean))
    window.show()
    yield window
    window.shots.close()
    window.hide()
    window.deleteLater()
    application.processEvents()


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the artist is asked, and what the answer is."""
    from platematte_panel import dialogs

    asked: dict[str, Any] = {"texts": [], "answer": False}

    def ask(_parent: Any, text: str) -> bool:
        asked["texts"].append(text)
        return bool(asked["answer"])

    monkeypatch.setattr(dialogs, "ask", ask)
    return asked


def states(window: Any) -> list[str]:
    return [row.state for row in window.panel.model.rows]


def begin(window: Any, engine: ScriptedEngine, application: Any) -> None:
    """Start both shots and let one frame be finished."""
    window.panel.start()
    engine.gate.release()
    wait(lambda: window.panel.model.rows[0].done == 1, application)


def test_what_the_worker_tells_arrives_on_the_threads_of_the_window(
    window: Any, engine: ScriptedEngine, application: Any
) -> None:
    threads: set[int] = set()
    reload = window.panel.reload
    window.shots.watch(lambda: (threads.add(threading.get_ident()), reload()))
    window.panel.start()
    for _ in range(6):
        engine.gate.release()
    wait(lambda: states(window) == [DONE, DONE], application)
    assert threads == {threading.get_ident()}


def test_it_closes_without_a_question_when_nothing_is_unfinished(
    window: Any, engine: ScriptedEngine, questions: dict[str, Any]
) -> None:
    assert window.close()
    assert questions["texts"] == []
    assert engine.is_stopped


def test_a_no_leaves_everything_as_it_is(
    window: Any, engine: ScriptedEngine, application: Any, questions: dict[str, Any]
) -> None:
    begin(window, engine, application)
    assert not window.close()
    (text,) = questions["texts"]
    assert "1 being matted, 1 waiting" in text
    assert "finished are kept" in text
    assert window.isVisible()
    assert not engine.is_stopped
    for _ in range(5):
        engine.gate.release()
    wait(lambda: states(window) == [DONE, DONE], application)


def test_a_yes_cancels_keeps_finished_frames_and_closes(
    window: Any,
    engine: ScriptedEngine,
    application: Any,
    questions: dict[str, Any],
    tmp_path: Path,
) -> None:
    begin(window, engine, application)
    questions["answer"] = True
    window.close()
    wait(lambda: not window.isVisible(), application)
    assert states(window) == [CANCELLED, CANCELLED]
    assert engine.is_stopped
    assert [path.name for path in tmp_path.rglob("matte.*.exr")] == ["matte.1001.exr"]
    assert len(questions["texts"]) == 1


def test_a_second_close_does_not_wait_for_the_frame_in_work(
    window: Any,
    engine: ScriptedEngine,
    application: Any,
    questions: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin(window, engine, application)
    questions["answer"] = True
    # The frame in work does not end: the engine does not hear that it is cancelled.
    monkeypatch.setattr(window.shots, "stop", lambda _keys: None)
    assert not window.close()
    for _ in range(20):
        application.processEvents()
    assert window.isVisible()
    assert states(window)[0] == RUNNING
    assert window.close()
    assert engine.is_stopped
    assert len(questions["texts"]) == 1


def test_shots_of_the_command_line_are_added_once_the_window_lives(
    application: Any, engine: ScriptedEngine, tmp_path: Path
) -> None:
    from platematte_panel.app import make_window

    listed = tmp_path / "shots.txt"
    listed.write_text("a/plate.####.exr a/clean.exr 1-2\nb/plate.####.exr b/clean.exr 3-4\n")
    window = make_window(engine, {}, [str(listed)])
    wait(lambda: len(window.panel.model.rows) == 2, application)
    assert [row.frames for row in window.panel.model.rows] == ["1-2", "3-4"]
    window.close()
    window.deleteLater()
