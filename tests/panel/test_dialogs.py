"""The dialogues as Qt runs them: their answers, in both bindings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def answer(application: Any, call: Callable[[Any], None]) -> None:
    """Do something to the next dialogue as soon as it is open."""
    from platematte_panel.qt import QtCore

    def act() -> None:
        dialog = application.activeModalWidget()
        if dialog is None:
            QtCore.QTimer.singleShot(5, act)
        else:
            call(dialog)

    QtCore.QTimer.singleShot(0, act)


@pytest.mark.parametrize(("word", "wanted"), [("Yes", True), ("No", False)])
def test_a_question_is_answered_by_its_buttons(application: Any, word: str, wanted: bool) -> None:
    from platematte_panel import dialogs
    from platematte_panel.qt import QtWidgets

    kind = getattr(QtWidgets.QMessageBox.StandardButton, word)
    answer(application, lambda dialog: dialog.button(kind).click())
    assert dialogs.ask(None, "Stop and close?") is wanted


def test_escape_means_no(application: Any) -> None:
    from platematte_panel import dialogs

    answer(application, lambda dialog: dialog.reject())
    assert dialogs.ask(None, "Stop and close?") is False


def test_a_message_has_its_text(application: Any) -> None:
    from platematte_panel import dialogs

    seen: list[str] = []

    def read(dialog: Any) -> None:
        seen.append(dialog.text())
        dialog.accept()

    answer(application, read)
    dialogs.tell(None, "one line\nanother")
    assert seen == ["one line\nanother"]


def test_the_dialogue_for_a_shot_returns_it_on_add_and_nothing_on_cancel(
    application: Any, tmp_path: Path
) -> None:
    from platematte_panel import dialogs

    def fill(dialog: Any) -> None:
        dialog.take("plate", str(tmp_path / "plate.mov"))
        dialog.take("clean", str(tmp_path / "clean.exr"))
        dialog.accept()

    answer(application, fill)
    order = dialogs.ask_for_shot(None)
    assert order is not None
    assert (order.plate, order.frames) == ((tmp_path / "plate.mov").as_posix(), "")
    answer(application, lambda dialog: dialog.reject())
    assert dialogs.ask_for_shot(None) is None
