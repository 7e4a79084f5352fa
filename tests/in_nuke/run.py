"""Checks the plug-in in a real Nuke and prints a report as JSON. Nothing but Nuke is needed.

nuke -t tests/in_nuke/run.py --range=1001-1003 [--engine=PATH] [--shot=FOLDER] [--live=FOLDER]
[--keep]

It takes plug-in and example shot of the clone that it lies in, works in a temporary folder and ends
with status 1 when a check failed. --engine: as in the node's knob Engine. --keep leaves the
temporary folder. --shot: another folder with plate.####.exr and clean.exr. --live: what `platematte
export-nuke FOLDER` wrote, to try PlateMatteLive (`nuke --nukex -t`). It was not run in a real Nuke
by its authors.
"""

from __future__ import annotations

import json
import runpy
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

import nuke

REPOSITORY = Path(__file__).resolve().parents[2]
SHOT = REPOSITORY / "examples" / "shot"
GRID = (12, 8)
"""Points across and down at which pixels are compared: each costs Nuke a render."""
HALF_STEP = 1.0 / 1024
"""Relative error of a half float, doubled."""

Check = Callable[["Session"], str]
CHECKS: List[Tuple[str, Check]] = []


def check(call: Check) -> Check:
    """Add a check; its name is its function's. It returns what it saw, or raises."""
    CHECKS.append((call.__name__.replace("_", " "), call))
    return call


class Session:
    """What the checks share: the folder, the nodes and the plug-in."""

    def __init__(self, folder: Path, shot: Path, frames: str, engine: str) -> None:
        """Take the temporary folder, the shot's, the range as text and the engine's path, or ""."""
        self.folder, self.shot, self.frames, self.engine = folder, shot, frames, engine
        self.first, self.last = (int(word) for word in frames.split("-"))
        self.live = ""
        self.plugin: Any = None
        self.plate: Any = None
        self.clean: Any = None
        self.node: Any = None

    def points(self) -> List[Tuple[float, float]]:
        """Return the middles of some pixels, all over the format."""
        return _points(self.plate)

    def sample(self, node: Any, channel: str, frame: int) -> List[float]:
        """Return a channel at all points of a frame."""
        # Node.sample has an argument for the frame in some versions only.
        nuke.frame(frame)
        return [float(node.sample(channel, x, y)) for x, y in self.points()]


def expect(holds: bool, words: str) -> None:
    """Raise AssertionError with what was seen unless it is what it should be."""
    if not holds:
        raise AssertionError(words)


@check
def the_plug_in_loads(session: Session) -> str:
    """Run init.py as Nuke does, and import the package."""
    runpy.run_path(str(REPOSITORY / "nuke_plugin" / "init.py"))
    import platematte_nuke

    session.plugin = platematte_nuke
    return str(Path(platematte_nuke.__file__).parent)


@check
def the_node_is_made_and_connected(session: Session) -> str:
    """Make Reads and the node."""
    session.plate = _make_read(session.shot / "plate.%04d.exr", session.first, session.last)
    session.clean = _make_read(session.shot / "clean.exr", 1, 1)
    session.node = session.plugin.create(
        session.plate,
        session.clean,
        cache_dir=(session.folder / "cache é").as_posix(),
        engine=session.engine,
        device="cpu",
    )
    node = session.node
    expect(node.Class() == "Group", "its class is " + node.Class())
    expect(node.input(0) is not None and node.input(1) is not None, "it is not connected")
    return "{} with the inputs {} and {}".format(
        node.fullName(), node.input(0).name(), node.input(1).name()
    )


@check
def before_a_matte_the_plate_is_shown_with_no_alpha(session: Session) -> str:
    """Look at the node's output."""
    red = session.sample(session.node, "rgba.red", session.first)
    expect(red == session.sample(session.plate, "rgba.red", session.first), "red differs")
    expect(not any(session.sample(session.node, "rgba.alpha", session.first)), "alpha is not 0")
    return str(session.node["status"].value())


@check
def a_range_is_matted_into_a_new_version(session: Session) -> str:
    """Run the engine, with proxy mode on, something selected and the nodes counted."""
    before = len(session.node.nodes())
    session.plate.setSelected(True)
    nuke.root()["proxy"].setValue(True)
    try:
        run = session.plugin.run(session.node, session.frames)
        expect(bool(nuke.root()["proxy"].value()), "proxy mode was not restored")
    finally:
        nuke.root()["proxy"].setValue(False)
    names = sorted(path.name for path in run.folder.glob("matte.*.exr"))
    wanted = ["matte.{}.exr".format(frame) for frame in range(session.first, session.last + 1)]
    expect(names == wanted, "frames on disk: {}".format(names))
    expect(len(session.node.nodes()) == before, "temporary nodes were left in the group")
    expect(session.plate.isSelected(), "the selection was lost")
    expect(not (run.folder / "inputs").exists(), "exported inputs were left")
    return "{}; {}".format(run.folder, session.node["status"].value())


@check
def the_inner_read_has_range_and_format(session: Session) -> str:
    """Look at what `fromUserText` and `reload` made of the Read."""
    read = session.node.node("matte_read")
    first, last = int(read["first"].value()), int(read["last"].value())
    expect((first, last) == (session.first, session.last), "its range is {}-{}".format(first, last))
    size, wanted = (read.width(), read.height()), (session.plate.width(), session.plate.height())
    expect(size == wanted, "its format is {}, the plate's {}".format(size, wanted))
    return "{}-{}, {} x {}".format(first, last, *size)


@check
def the_panel_has_a_row_for_the_node(session: Session) -> str:
    """Look at what the batch panel would show; without a user interface there is no widget."""
    from platematte_nuke.panel import NodeShots

    rows = [row for row in NodeShots().rows() if row.key == session.node.fullName()]
    expect(len(rows) == 1, "there are {} rows for it".format(len(rows)))
    expect(Path(rows[0].thumbnail).is_file(), "its picture is not there: " + rows[0].thumbnail)
    return "{}, {}".format(rows[0].state, rows[0].frames)


@check
def alpha_is_in_0_to_1_and_has_both_ends(session: Session) -> str:
    """Look at the alpha of the first frame."""
    alpha = session.sample(session.node, "rgba.alpha", session.first)
    expect(0 <= min(alpha) <= max(alpha) <= 1, "from {} to {}".format(min(alpha), max(alpha)))
    expect(min(alpha) < 0.05 and max(alpha) > 0.95, "{} to {}".format(min(alpha), max(alpha)))
    return "{} to {}".format(min(alpha), max(alpha))


@check
def where_alpha_is_1_the_foreground_is_the_plate(session: Session) -> str:
    """Compare colours through export, engine and Read, for every frame of the range."""
    compared = 0
    for frame in range(session.first, session.last + 1):
        alpha = session.sample(session.node, "rgba.alpha", frame)
        for channel in ("rgba.red", "rgba.green", "rgba.blue"):
            pairs = zip(
                alpha,
                session.sample(session.node, channel, frame),
                session.sample(session.plate, channel, frame),
            )
            for a, ours, plate in pairs:
                if a == 1:
                    compared += 1
                    near = abs(ours - plate) <= HALF_STEP * max(abs(plate), HALF_STEP)
                    expect(near, "frame {}: {} is {}, not {}".format(frame, channel, ours, plate))
    expect(compared > 0, "alpha is 1 nowhere")
    return "{} values compared".format(compared)


@check
def every_output_can_be_rendered(session: Session) -> str:
    """Choose each output; those without their layer have to fail, not to show black."""
    seen = []
    for name in session.node["output"].values():
        session.node["output"].setValue(name)
        layer = {"clean plate": "clean", "residual": "residual"}.get(name)
        fails = session.node.hasError()
        expect(fails == (layer is not None), "{}: error {}".format(name, fails))
        seen.append("{}{}".format(name, " refused" if fails else ""))
    session.node["output"].setValue("premultiplied")
    return ", ".join(seen)


@check
def a_change_above_makes_it_stale(session: Session) -> str:
    """Put a Grade between plate and node."""
    grade = nuke.nodes.Grade()
    grade["white"].setValue(0.5)
    grade.setInput(0, session.plate)
    session.node.setInput(0, grade)
    from platematte_nuke import readback

    readback.refresh(session.node)
    told = str(session.node["status"].value())
    session.node.setInput(0, session.plate)
    readback.refresh(session.node)
    expect("STALE" in told and "plate" in told, told)
    expect("STALE" not in session.node["status"].value(), "stale after the change was taken back")
    return told


@check
def a_second_run_makes_the_next_version_and_the_first_stays(session: Session) -> str:
    """Matte one frame again."""
    shown = int(session.node["shown"].value())
    run = session.plugin.run(session.node, session.first)
    expect(run.version == shown + 1, "it is version {}".format(run.version))
    session.plugin.attach(session.node, shown)
    expect(int(session.node["version"].value()) == shown, "the first cannot be shown")
    return "v{:03d} after v{:03d}".format(run.version, shown)


@check
def a_missing_clean_plate_is_named(session: Session) -> str:
    """Disconnect the clean plate."""
    session.node.setInput(1, None)
    try:
        session.plugin.run(session.node, session.first)
    except session.plugin.PlateMatteError as error:
        expect("clean plate (input 1)" in str(error), str(error))
        return str(error)
    finally:
        session.node.setInput(1, session.clean)
    raise AssertionError("it was not refused")


@check
def each_view_of_a_script_is_matted(session: Session) -> str:
    """Matte one frame with a second view, then take the view away again."""
    shown = int(session.node["shown"].value())
    views = list(nuke.views())
    nuke.addView("second")
    try:
        run = session.plugin.run(session.node, session.first)
    finally:
        nuke.deleteView("second")
    names = sorted(path.name for path in run.folder.glob("*.exr"))
    wanted = ["matte.{}.{}.exr".format(view, session.first) for view in [*views, "second"]]
    session.plugin.attach(session.node, shown)
    expect(names == sorted(wanted), "frames on disk: {}".format(names))
    expect(list(nuke.views()) == views, "the views are {}".format(nuke.views()))
    return ", ".join(names)


@check
def live_shows_a_matte_in_the_viewer(session: Session) -> str:
    """Make a .cat of an export by its preset, and look at PlateMatteLive."""
    if not session.live:
        return "not tried: --live=FOLDER names what platematte export-nuke wrote"
    nuke.nodePaste((Path(session.live) / "PlateMatteLive_CatFileCreator.nk").as_posix())
    creator = nuke.allNodes("CatFileCreator")[-1]
    cat = (session.folder / "PlateMatteLive.cat").as_posix()
    creator["catFile"].setValue(cat)
    creator["createCatFile"].execute()
    nuke.delete(creator)
    expect(Path(cat).is_file(), "CatFileCreator wrote no " + cat)
    live = nuke.createNode("PlateMatteLive", inpanel=False)
    live.setInput(0, session.plate)
    live.setInput(1, session.clean)
    live["modelFile"].setValue(cat)
    told = []
    for quality in live["quality"].values():
        live["quality"].setValue(quality)
        alpha = session.sample(live, "rgba.alpha", session.first + 1)
        expect(0 <= min(alpha) <= max(alpha) <= 1, "from {} to {}".format(min(alpha), max(alpha)))
        expect(min(alpha) < 0.05 and max(alpha) > 0.95, "{} to {}".format(min(alpha), max(alpha)))
        told.append("{}: mean alpha {:.4f}".format(quality, sum(alpha) / len(alpha)))
    nuke.delete(live)
    return ", ".join(told)


@check
def a_saved_script_opens_with_the_same_pixels(session: Session) -> str:
    """Save, clear, open, and compare alpha."""
    name, path = session.node.fullName(), (session.folder / "comp.nk").as_posix()
    before = session.sample(session.node, "rgba.alpha", session.first)
    nuke.scriptSaveAs(path, 1)
    nuke.scriptClear()
    nuke.scriptOpen(path)
    node = nuke.toNode(name)
    expect(node is not None, "{} is not in the script".format(name))
    nuke.frame(session.first)
    after = [float(node.sample("rgba.alpha", x, y)) for x, y in _points(node)]
    expect(before == after, "alpha differs")
    return path


def _points(node: Any) -> List[Tuple[float, float]]:
    across, down = GRID
    return [
        (int((i + 0.5) * node.width() / across) + 0.5, int((j + 0.5) * node.height() / down) + 0.5)
        for j in range(down)
        for i in range(across)
    ]


def _make_read(path: Path, first: int, last: int) -> Any:
    read = nuke.nodes.Read()
    read["file"].fromUserText("{} {}-{}".format(path.as_posix(), first, last))
    for name, value in (("first", first), ("last", last), ("origfirst", first), ("origlast", last)):
        read[name].setValue(value)
    read["raw"].setValue(True)
    return read


def run_checks(session: Session) -> List[Dict[str, Any]]:
    """Run all checks in order; one that fails does not stop the others."""
    results = []
    for name, call in CHECKS:
        result: Dict[str, Any] = {"check": name, "ok": True}
        try:
            result["seen"] = call(session)
        except Exception as error:
            result.update(ok=False, seen="{}: {}".format(type(error).__name__, error))
            result["where"] = traceback.format_exc()
        results.append(result)
    return results


def main(arguments: List[str]) -> int:
    """Run everything, print the report and return the exit status."""
    options = dict(
        argument[2:].partition("=")[::2] for argument in arguments if argument.startswith("--")
    )
    folder = Path(tempfile.mkdtemp(prefix="platematte_in_nuke_"))
    shot, frames = Path(options.get("shot") or SHOT), options.get("range") or "1001-1003"
    session = Session(folder, shot, frames, options.get("engine", ""))
    session.live = options.get("live", "")
    results = run_checks(session)
    if session.plugin is not None:
        session.plugin.stop_engine()
    report = {
        "nuke": nuke.NUKE_VERSION_STRING,
        "python": sys.version,
        "platform": sys.platform,
        "failed": sum(not result["ok"] for result in results),
        "checks": results,
    }
    print(json.dumps(report, indent=2))
    if "keep" in options:
        print("kept: {}".format(folder), file=sys.stderr)
    else:
        shutil.rmtree(str(folder), ignore_errors=True)
    return 1 if report["failed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
