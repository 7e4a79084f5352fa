"""The real window with the real engine: a queue of shots from the press of Start to the EXRs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scripted import cells, wait

from platematte_client.engine import Engine
from platematte_panel.orders import Order
from platematte_panel.rows import CANCELLED, DONE, FAILED, UNFINISHED

pytestmark = pytest.mark.slow


def test_a_queue_is_matted_a_failure_keeps_its_reason_and_only_it_is_retried(
    application: Any, real_shot: dict[str, str], tmp_path: Path
) -> None:
    from platematte_panel.app import make_window

    plate, clean = real_shot["plate"], real_shot["clean"]
    window = make_window(Engine([real_shot["engine"]], "tests"), {"network": {"device": "cpu"}}, [])
    window.show()
    panel, shots = window.panel, window.shots
    for name, chosen in (("good", clean), ("bad", clean.replace("clean.exr", "gone.exr"))):
        shots.add(Order(plate, chosen, out=str(tmp_path / name), frames="1001-1003"))

    def until_idle() -> None:
        wait(lambda: not any(row.state in UNFINISHED for row in panel.model.rows), application)

    try:
        panel.start()
        until_idle()
        good, bad = panel.model.rows
        assert (good.state, bad.state) == (DONE, FAILED)
        assert "gone.exr" in cells(panel, 1)["State"]
        assert bad.folder == "" and not list((tmp_path / "bad").iterdir())
        names = sorted(path.name for path in (tmp_path / "good" / "v001").iterdir())
        assert names == [*(f"matte.{frame}.exr" for frame in (1001, 1002, 1003)), "thumbnail.png"]
        assert good.folder == str(tmp_path / "good" / "v001")
        place = panel.table.visualRect(panel.model.index(0, 0)).center()
        assert panel.table.viewport().grab().toImage().pixelColor(place).lightness() > 200
        panel.retry_failed()
        until_idle()
        panel.table.select_keys([good.key])
        panel.start()
        until_idle()
        assert sorted(path.name for path in (tmp_path / "good").iterdir()) == ["v001", "v002"]
    finally:
        window.close()
        window.deleteLater()
    assert not window.shots._worker._engine.is_running


def test_a_cancelled_shot_keeps_its_whole_frames_and_no_other_file(
    application: Any, real_shot: dict[str, str], tmp_path: Path
) -> None:
    from platematte_panel.app import make_window

    window = make_window(Engine([real_shot["engine"]], "tests"), {"network": {"device": "cpu"}}, [])
    panel, shots = window.panel, window.shots
    shots.add(Order(real_shot["plate"], real_shot["clean"], out=str(tmp_path / "out")))
    try:
        panel.start()
        wait(lambda: panel.model.rows[0].stage, application)
        panel.stop()
        wait(lambda: panel.model.rows[0].state == CANCELLED, application)
        row = panel.model.rows[0]
        left = sorted(path.name for path in (tmp_path / "out").rglob("*") if path.is_file())
        assert len([name for name in left if name.startswith("matte.")]) == row.done < 3
        assert [name for name in left if name.startswith(".")] == []
    finally:
        window.close()
        window.deleteLater()
