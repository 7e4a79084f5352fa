"""Makes the pictures of the batch panel: the real window and the real engine, on the example shot.

    python docs/panel_pictures.py FOLDER      writes FOLDER/panel_BINDING_light.png and _dark.png

Runs in every Python that has PySide6 or PySide2; the engine is found as a host finds it
($PLATEMATTE_ENGINE, PATH). Without a screen set QT_QPA_PLATFORM=offscreen. Four shots are queued:
one of four frames, one whose clean plate is missing, one that is being matted when the picture is
taken, and one that waits.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPOSITORY / "core"))

from platematte_client.engine import Engine, find_engine  # noqa: E402
from platematte_panel.app import Window, make_window  # noqa: E402
from platematte_panel.orders import Order  # noqa: E402
from platematte_panel.qt import BINDING, QtGui, QtWidgets  # noqa: E402
from platematte_panel.rows import FAILED, Row  # noqa: E402

EXAMPLE = REPOSITORY / "examples" / "shot"
FIRST, LONG = 1001, 24
PATIENCE_S = 600.0
FONT_PX = 12
"""The same in both bindings, whose offscreen screens differ in their dots an inch."""
SIZE_PX = (1240, 450)


def main() -> int:
    """Return the exit status."""
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    application = QtWidgets.QApplication(["panel_pictures"])
    application.setStyle("Fusion")
    font = QtGui.QFont("DejaVu Sans")
    font.setPixelSize(FONT_PX)
    application.setFont(font)
    folder = Path(tempfile.mkdtemp(prefix="platematte-pictures-"))
    window = make_window(Engine(find_engine(), "panel pictures"), {}, [])
    try:
        queue_shots(window, folder)
        wait(application, lambda: is_mid_way(window.panel.model.rows[2]))
        for name, palette in (("light", light()), ("dark", dark())):
            path = target / f"panel_{BINDING.lower()}_{name}.png"
            take_picture(application, window, palette, path)
            print(path)
    finally:
        window.shots.close()
        shutil.rmtree(str(folder))
    return 0


def queue_shots(window: Window, folder: Path) -> None:
    """Write the shots, add them, start them all and show the window."""
    for name, frames in (("sh010", 4), ("sh020", 4), ("sh030", LONG), ("sh040", 8)):
        shot = folder / "show" / name
        write_shot(shot, frames)
        plate, clean = (shot / "plate.####.exr").as_posix(), (shot / "clean.exr").as_posix()
        window.shots.add(Order(plate, clean))
    (folder / "show" / "sh020" / "clean.exr").unlink()
    window.resize(*SIZE_PX)
    window.show()
    window.panel.start()


def write_shot(folder: Path, frames: int) -> None:
    """Copy the example shot, its frames to and fro until there are enough."""
    folder.mkdir(parents=True)
    plates = sorted(EXAMPLE.glob("plate.*.exr"))
    there_and_back = plates + plates[-2:0:-1]
    for index in range(frames):
        source = there_and_back[index % len(there_and_back)]
        shutil.copy(str(source), str(folder / f"plate.{FIRST + index:04d}.exr"))
    shutil.copy(str(EXAMPLE / "clean.exr"), str(folder / "clean.exr"))


def is_mid_way(row: Row) -> bool:
    """Whether a shot is far enough for its time left and its matte."""
    return row.done >= LONG // 3 and row.seconds_left is not None


def wait(application: Any, until: Callable[[], bool]) -> None:
    """Let the window live until something holds."""
    end = time.monotonic() + PATIENCE_S
    while not until():
        application.processEvents()
        time.sleep(0.02)
        if time.monotonic() > end:
            raise SystemExit("the engine took too long")


def take_picture(application: Any, window: Window, palette: Any, path: Path) -> None:
    """Write the window as it looks with a palette, the failed shot selected."""
    application.setPalette(palette)
    window.panel.reload()
    rows = window.panel.model.rows
    window.panel.table.clearSelection()
    window.panel.table.select_keys([row.key for row in rows if row.state == FAILED])
    for _ in range(5):
        application.processEvents()
    # Without the channel for transparency, and packed as tightly as PNG can be.
    picture = window.grab().toImage().convertToFormat(QtGui.QImage.Format.Format_RGB888)
    if not picture.save(str(path), "PNG", 0):
        raise SystemExit(f"{path}: the picture cannot be written")


def light() -> Any:
    """Return a light palette."""
    return _palette(
        "#efefef", "#000000", "#ffffff", "#f4f4f4", "#3d7a6e", "#ffffff", "#8c8c8c", "#b0b0b0"
    )


def dark() -> Any:
    """Return a palette as dark as that of a compositing program."""
    return _palette(
        "#323232", "#d2d2d2", "#282828", "#2e2e2e", "#4f9686", "#101010", "#787878", "#1e1e1e"
    )


def _palette(window: str, text: str, base: str, other: str, chosen: str, on_chosen: str,
             off: str, edge: str) -> Any:  # fmt: skip
    role, group = QtGui.QPalette.ColorRole, QtGui.QPalette.ColorGroup
    palette = QtGui.QPalette(QtGui.QColor(window))
    for names, colour in (
        (("Window", "Button", "ToolTipBase"), window),
        (("WindowText", "Text", "ButtonText", "ToolTipText"), text),
        (("Base",), base),
        (("AlternateBase",), other),
        (("Highlight",), chosen),
        (("HighlightedText",), on_chosen),
        (("Mid",), edge),
    ):
        for name in names:
            palette.setColor(getattr(role, name), QtGui.QColor(colour))
    for name in ("WindowText", "Text", "ButtonText"):
        palette.setColor(group.Disabled, getattr(role, name), QtGui.QColor(off))
    return palette


if __name__ == "__main__":
    sys.exit(main())
