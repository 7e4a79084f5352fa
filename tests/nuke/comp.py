"""A comp in the double: a shot on disk, Reads, a PlateMatte node, and the real engine beside it."""

from __future__ import annotations

import importlib
import os
import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import OpenImageIO as oiio

REPOSITORY = Path(__file__).resolve().parents[2]
PLUGIN = REPOSITORY / "nuke_plugin"
SIZE = (64, 48)
CHANNELS = ("rgba.red", "rgba.green", "rgba.blue")


class Comp:
    """One script in one Nuke."""

    def __init__(self, folder: Path, session: Any, engine: Path) -> None:
        import nuke

        self.folder, self.session, self.engine, self.nuke = folder, session, engine, nuke
        self.plugin: Any = importlib.import_module("platematte_nuke")
        self.plate: Any = None
        self.clean: Any = None
        self.node: Any = None

    def shot(self, frames: tuple[int, ...] = (1001, 1002, 1003), **wanted: Any) -> None:
        """Write a shot, read it, and make a node for it. wanted: as for `write_shot`."""
        write_shot(self.folder / "shot", frames, **wanted)
        self.plate = self.read("shot/plate.%04d.exr", frames[0], frames[-1])
        self.clean = self.read("shot/clean.exr", 1, 1)
        self.node = self.make()

    def read(self, name: str, first: int, last: int) -> Any:
        """Return a Read of a file in the comp's folder."""
        read = self.nuke.nodes.Read(raw=True, first=first, last=last, before="black", after="black")
        read["file"].setValue((self.folder / name).as_posix())
        return read

    def make(self, **knobs: Any) -> Any:
        """Return a new PlateMatte node on plate and clean plate."""
        knobs.setdefault("cache_dir", (self.folder / "cache").as_posix())
        knobs.setdefault("engine", self.engine.as_posix())
        return self.plugin.create(self.plate, self.clean, device="cpu", **knobs)

    def press(self, button: str, node: Any = None) -> None:
        """Press a button as an artist does."""
        (node or self.node)[button].execute()

    def pump(self, node: Any = None) -> None:
        """Let Nuke's event loop run until the node's matte has ended."""
        running = importlib.import_module("platematte_nuke.running")
        self.session.pump(lambda: not running._runs)

    def status(self, node: Any = None) -> str:
        """Return the status line."""
        return str((node or self.node)["status"].value())

    def versions(self) -> list[str]:
        """Return the names of the version folders."""
        return sorted(path.name for path in (self.folder / "cache").glob("v*"))


@contextmanager
def open_comp(folder: Path, engine: Path, gui: bool = False) -> Iterator[Comp]:
    """Start the double with the plug-in in it; what it refused or lost fails the test."""
    import doubles

    # The plug-in begins anew, with this double's `nuke`. The client stays, and with it the warm
    # engine and the class of its errors: it does not know Nuke.
    for name in [name for name in sys.modules if name.partition(".")[0] == "platematte_nuke"]:
        del sys.modules[name]
    session = doubles.install(gui=gui)
    try:
        runpy.run_path(str(PLUGIN / "init.py"))
        yield Comp(folder, session, engine)
        assert session.violations == []
        assert session.callback_errors == []
        assert session.undo_disabled == 0
        assert session.open_tasks == 0
    finally:
        doubles.remove()


def write_engine(folder: Path) -> Path:
    """Write a program that is the real engine of this repository, and notes each of its starts."""
    path = folder / "platematte"
    lines = [
        "#!" + sys.executable,
        "import os, sys",
        f"open({str(starts_file(path))!r}, 'a').write(' '.join(sys.argv[1:]) + '\\n')",
        "os.environ['OMP_NUM_THREADS'] = '1'",
        f"sys.path.insert(0, {str(REPOSITORY / 'core')!r})",
        "from platematte.cli.main import main",
        "sys.exit(main())",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def starts_file(engine: Path) -> Path:
    """Return the file that has a line for each start of the engine's program."""
    return engine.with_name("starts.txt")


def starts_of(engine: Path) -> list[str]:
    """Return the arguments of each start of the engine's program."""
    path = starts_file(engine)
    return path.read_text(encoding="utf-8").splitlines() if path.is_file() else []


def stop_engine() -> None:
    """End the warm engine."""
    if "platematte_client.warm" in sys.modules:
        sys.modules["platematte_client.warm"].stop_engine()


def write_shot(
    folder: Path,
    frames: tuple[int, ...],
    overscan_px: int = 0,
    clean_overscan_px: int | None = None,
    clean: str = "still",
) -> None:
    """Write plate.####.exr and a clean plate, float, with values above 1 and below 0.

    clean: still (clean.exr) or sequence (clean.####.exr). The display window is SIZE; overscan goes
    beyond it on all sides.
    """
    most = max(overscan_px, clean_overscan_px or 0)
    the_set = _draw_set(most)
    clean_px = overscan_px if clean_overscan_px is None else clean_overscan_px
    for index, frame in enumerate(frames):
        plate = _draw_plate(the_set, index, most)
        write_exr(folder / f"plate.{frame:04d}.exr", _crop(plate, most - overscan_px), overscan_px)
        if clean == "sequence":
            path = folder / f"clean.{frame:04d}.exr"
            write_exr(path, _crop(the_set, most - clean_px), clean_px)
    if clean == "still":
        write_exr(folder / "clean.exr", _crop(the_set, most - clean_px), clean_px)


def write_exr(path: Path, pixels: np.ndarray, overscan_px: int = 0, channels: str = "RGB") -> None:
    """Write H x W x C float32."""
    import OpenImageIO as oiio  # late: Python 3.7 has none, and opens comps all the same

    height, width = pixels.shape[:2]
    spec = oiio.ImageSpec(width, height, len(channels), "float")
    spec.channelnames = list(channels)
    spec.x = spec.y = -overscan_px
    spec.full_x = spec.full_y = 0
    spec.full_width, spec.full_height = width - 2 * overscan_px, height - 2 * overscan_px
    path.parent.mkdir(parents=True, exist_ok=True)
    output = oiio.ImageOutput.create(str(path))
    assert output.open(str(path), spec), output.geterror()
    assert output.write_image(np.ascontiguousarray(pixels, np.float32)), output.geterror()
    assert output.close()


def read_exr(path: Path) -> tuple[np.ndarray, oiio.ImageSpec]:
    """Return H x W x C float32 and the header."""
    import OpenImageIO as oiio

    source = oiio.ImageInput.open(str(path))
    assert source is not None, oiio.geterror()
    pixels, spec = source.read_image("float"), oiio.ImageSpec(source.spec())
    source.close()
    return pixels, spec


def pixels_of(node: Any, frame: int, channels: tuple[str, ...] = CHANNELS) -> np.ndarray:
    """Return what a node delivers over its own bounding box, H x W x C, top row first."""
    from doubles.render import pull

    image = pull(node, frame)
    return np.stack([image.plane(name)[::-1] for name in channels], axis=-1)


def subject_at(overscan_px: int = 0) -> tuple[int, int]:
    """Return row and column of a pixel well inside the subject in every frame."""
    return SIZE[1] // 2 + overscan_px, int(SIZE[0] * 0.45) + overscan_px


def _draw_set(most: int) -> np.ndarray:
    random = np.random.default_rng(5)
    width, height = SIZE[0] + 2 * most, SIZE[1] + 2 * most
    coarse = random.uniform(0.05, 0.3, (height // 6 + 2, width // 6 + 2, 3))
    image = coarse.repeat(6, 0).repeat(6, 1)[:height, :width]
    image = (image + random.uniform(0, 0.03, (height, width, 3))).astype(np.float32)
    image[0, 0] = -0.25
    return image


def _draw_plate(the_set: np.ndarray, index: int, most: int) -> np.ndarray:
    y, x = np.mgrid[: the_set.shape[0], : the_set.shape[1]].astype(np.float32)
    centre_x, centre_y = SIZE[0] * (0.42 + 0.02 * (index % 4)) + most, SIZE[1] * 0.5 + most
    away = np.hypot((x - centre_x) / (0.22 * SIZE[0]), (y - centre_y) / (0.3 * SIZE[1]))
    alpha = np.clip((1.25 - away) / 0.5, 0, 1)[..., None]
    plate = alpha * np.array([3.5, 1.1, 0.7], np.float32) + (1 - alpha) * the_set
    return plate.astype(np.float32)


def _crop(image: np.ndarray, away: int) -> np.ndarray:
    return image[away : image.shape[0] - away, away : image.shape[1] - away]


os.environ.setdefault("OMP_NUM_THREADS", "1")
