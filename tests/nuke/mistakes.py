"""The mistakes that `seeded_bugs.py` plants: what, where, and which tests are likely to know."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from planting import Mistake

GIZMO = "nuke_plugin/gizmos/PlateMatte.gizmo"
LIVE_GIZMO = "nuke_plugin/gizmos/PlateMatteLive.gizmo"
INIT, MENU = "nuke_plugin/init.py", "nuke_plugin/menu.py"
VERSIONS = "core/platematte_client/versions.py"
_PACKAGE = "nuke_plugin/platematte_nuke/"
BACKGROUND = ("test_plugin_background.py",)
EXPORT = ("test_plugin_export.py", "test_export_black_edges.py")
COPIES = ("test_copy_outlives_its_node.py",)
INSTALL = ("test_plugin_install.py",)
LIVE = ("test_live_gizmo.py",)
MATTE = ("test_plugin_matte.py",)
PANEL = ("test_plugin_panel.py",)
STALE = ("test_plugin_stale.py",)
TEXT = ("test_gizmo_text.py",)
VIEWS = ("test_plugin_views.py",)
TROUBLES = ("test_plugin_troubles.py",)
INTERRUPTIONS = ("test_plugin_interruptions.py",)


def _mistake(name: str, tests: tuple[str, ...], *edits: tuple[str, str, str]) -> Mistake:
    """Take files by their path, those of the package `platematte_nuke` by their name."""
    files = [(path if "/" in path else _PACKAGE + path, old, new) for path, old, new in edits]
    return Mistake(name, tests, tuple(files))


_CROPPED = """crop = nuke.nodes.Crop(name="cut", inputs=[source])
    finally:
        node.end()
    crop["box"].setValue([0, 0, source.width(), source.height()])
    source = crop
    try:
        write.setInput(0, source)"""

MISTAKES = [
    _mistake(
        "proxy left on during the export", EXPORT, ("edits.py", "proxy.setValue(False)", "pass")
    ),
    _mistake("proxy not restored", EXPORT, ("edits.py", "proxy.setValue(True)", "pass")),
    _mistake("undo left off", EXPORT, ("edits.py", "nuke.Undo.enable()", "pass")),
    _mistake(
        "undo left on, the artist's stack filled",
        EXPORT,
        (
            "edits.py",
            "    nuke.Undo.disable()\n"
            "    try:\n        yield\n    finally:\n        nuke.Undo.enable()",
            "    yield",
        ),
    ),
    _mistake(
        "selection lost",
        EXPORT,
        ("edits.py", "            node.setSelected(True)", "            pass"),
    ),
    _mistake(
        "temporary Write left behind",
        EXPORT,
        ("export.py", "        nuke.delete(write)", "        pass"),
    ),
    _mistake(
        "misspelt knob",
        EXPORT,
        ("export.py", '("datatype", "32 bit float")', '("data_type", "32 bit float")'),
    ),
    _mistake(
        "knobs of EXR set before the file type",
        EXPORT,
        (
            "export.py",
            '    ("file_type", "exr"),\n    ("datatype", "32 bit float"),\n',
            '    ("datatype", "32 bit float"),\n    ("file_type", "exr"),\n',
        ),
    ),
    _mistake("half floats exported", EXPORT, ("export.py", '"32 bit float"', '"16 bit half"')),
    _mistake(
        "raw left to the studio's defaults", EXPORT, ("export.py", '    ("raw", True),\n', "")
    ),
    _mistake(
        "data window ignored, overscan lost",
        EXPORT,
        (
            "export.py",
            "    finally:\n        node.end()\n    try:\n        write.setInput(0, source)",
            "        " + _CROPPED,
        ),
        (
            "export.py",
            "        nuke.delete(write)",
            "        nuke.delete(write)\n        nuke.delete(crop)",
        ),
    ),
    _mistake("autocrop on", EXPORT, ("export.py", '("autocrop", False)', '("autocrop", True)')),
    _mistake(
        "a list given to nuke.execute",
        EXPORT,
        (
            "export.py",
            "nuke.execute(write, first, last, 1, list(views))",
            "nuke.execute([write], first, last, 1)",
        ),
    ),
    _mistake(
        "held clean plate at the wrong frame",
        EXPORT,
        ("export.py", "(order.clean_frame,), folder", "order.frames[:1], folder"),
    ),
    _mistake(
        "mattes exported as colour", EXPORT, ("export.py", '"garbage": "alpha"', '"garbage": "rgb"')
    ),
    _mistake(
        "holes of the range filled",
        EXPORT,
        ("export.py", "in runs(frames):", "in [(frames[0], frames[-1])]:"),
    ),
    _mistake(
        "range one frame short",
        MATTE,
        ("node.py", "range(int(first), int(last) + 1)", "range(int(first), int(last))"),
    ),
    _mistake(
        "second view silently left out",
        VIEWS,
        ("node.py", "    return views\n", "    return views[:1]\n"),
    ),
    _mistake(
        "missing input not named",
        EXPORT,
        (
            "node.py",
            "        if node.input(INPUTS[role]) is None:\n            raise PlateMatteError(\n"
            '                "connect the',
            '        if False:\n            raise PlateMatteError(\n                "connect the',
        ),
    ),
    _mistake(
        "version folder used again",
        MATTE,
        (VERSIONS, "            version += 1\n", "            version = max(version, 1)\n"),
        (
            VERSIONS,
            "                folder.mkdir()\n",
            "                folder.mkdir(exist_ok=True)\n",
        ),
    ),
    _mistake(
        "finish on the worker thread",
        BACKGROUND,
        ("run.py", "nuke.executeInMainThread(finish)", "finish()"),
    ),
    _mistake(
        "progress on the worker thread",
        BACKGROUND,
        ("progress.py", "nuke.executeInMainThread(self._tick)", "self._tick()"),
    ),
    _mistake(
        "progress as a float",
        BACKGROUND,
        (
            "progress.py",
            "int(100 * progress.done / progress.total)",
            "100 * progress.done / max(progress.total, 1)",
        ),
    ),
    _mistake(
        "cancel in the bar not heard",
        BACKGROUND,
        ("progress.py", "if self._task is not None and self._task.isCancelled():", "if False:"),
    ),
    _mistake(
        "renamed node lost",
        BACKGROUND,
        (
            "running.py",
            "    for node in all_nodes(nuke.root()):\n        if is_ours",
            "    for node in ():\n        if is_ours",
        ),
    ),
    _mistake(
        "a copy taken for the node that runs",
        COPIES,
        ("callbacks.py", '        set_quietly(node, run_id="")\n', "        pass\n"),
    ),
    _mistake(
        "failure not in the status line",
        MATTE,
        ("run.py", "last_run=_tell_end(run)", 'last_run=""'),
    ),
    _mistake(
        "dialogue in nuke -t",
        MATTE,
        (
            "buttons.py",
            "if nuke.GUI and not isinstance(error, Cancelled):",
            "if not isinstance(error, Cancelled):",
        ),
    ),
    _mistake(
        "versions deleted without asking",
        BACKGROUND,
        ("buttons.py", "    if nuke.ask(", "    if True or nuke.ask("),
    ),
    _mistake(
        "panel starts and exports all nodes at once",
        PANEL,
        ("batch.py", "    while _current is None and _waiting:", "    while _waiting:"),
    ),
    _mistake(
        "panel's queue stops at a node that cannot start",
        PANEL,
        (
            "batch.py",
            "            readback.note_error(node, error)\n",
            "            readback.note_error(node, error)\n            break\n",
        ),
    ),
    _mistake(
        "panel's queue loses a renamed node",
        PANEL,
        (
            "batch.py",
            "        node = _find(ticket)\n",
            "        with readback.nuke.root():\n"
            "            node = readback.nuke.toNode(ticket.name)\n",
        ),
    ),
    _mistake(
        "panel takes a failure for a warning",
        PANEL,
        ("panel.py", "    if last and not last.startswith(running.WARNING):", "    if False:"),
    ),
    _mistake(
        "reveal adds to the selection",
        PANEL,
        ("panel.py", "                other.setSelected(False)\n", "                pass\n"),
    ),
    _mistake(
        "panel imports Qt when Nuke starts",
        (*PANEL, *INSTALL),
        (
            MENU,
            "        from nukescripts import panels\n",
            "        import platematte_nuke.panel\n        from nukescripts import panels\n",
        ),
    ),
    _mistake(
        "held frame forgotten by the stale check",
        STALE,
        ("stale.py", '    kept["clean_frame"] = clean_frame\n', ""),
    ),
    _mistake(
        "menus in init.py",
        INSTALL,
        (INIT, "    import nuke\n", '    import nuke\n\n    nuke.menu("Nodes")\n'),
    ),
    _mistake(
        "third-party import in the host",
        INSTALL,
        ("edits.py", "import nuke\n", "import nuke\nimport numpy\n"),
    ),
    _mistake(
        "Gizmo header", TEXT, (GIZMO, "Group {\n name PlateMatte\n", "Gizmo {\n name PlateMatte\n")
    ),
    _mistake("unbalanced brace", TEXT, (GIZMO, " Output {\n", " Output {{\n")),
    _mistake("end_group missing", TEXT, (GIZMO, "end_group\n", "")),
    _mistake(
        "inputs of the output switch in the wrong order",
        TEXT,
        (GIZMO, "push $N_times\npush $N_straight\n", "push $N_straight\npush $N_times\n"),
    ),
    _mistake(
        "red and blue swapped",
        MATTE,
        (
            GIZMO,
            "clean.red 0 0 rgba.red 0 0 clean.green 0 1 rgba.green 0 1 clean.blue 0 2 rgba.blue",
            "clean.blue 0 2 rgba.red 0 0 clean.green 0 1 rgba.green 0 1 clean.red 0 0 rgba.blue",
        ),
    ),
    _mistake(
        "plate and matte swapped in the Copy",
        TEXT,
        (GIZMO, "push $N_matte\npush $N_plate\n Copy {", "push $N_plate\npush $N_matte\n Copy {"),
    ),
    _mistake(
        "frames held beside the range",
        MATTE,
        (GIZMO, "  before black\n  after black\n", "  before hold\n  after hold\n"),
        (
            "readback.py",
            '        ("before", "black"),\n        ("after", "black"),\n',
            '        ("before", "hold"),\n        ("after", "hold"),\n',
        ),
    ),
    _mistake(
        "missing frames shown as black",
        MATTE,
        (GIZMO, "  on_error error\n", "  on_error black\n"),
        ("readback.py", '("on_error", "error")', '("on_error", "black")'),
    ),
    _mistake("stale local copies read", TEXT, (GIZMO, "  localizationPolicy off\n", "")),
    _mistake(
        "unguarded import in the node's callbacks",
        TEXT,
        (
            GIZMO,
            ' onCreate "try:\\n    from platematte_nuke import callbacks\\n'
            "except ImportError:\\n    pass\\nelse:\\n    callbacks",
            ' onCreate "if 1:\\n    from platematte_nuke import callbacks\\n    callbacks',
        ),
    ),
    _mistake(
        "frames below zero lost",
        TROUBLES,
        (VERSIONS, r"(-\d{3,}|\d{4,})", r"(-?\d{4,})"),
    ),
    _mistake(
        "deleted frames called up to date",
        TROUBLES,
        ("stale.py", "    if gone:\n", "    if not frames:\n"),
    ),
    _mistake(
        "an exported file named to an artist who never saw it",
        TROUBLES,
        ("run.py", "PlateMatteError(teller.view_words + _name_inputs(run, str(error)))", "error"),
    ),
    _mistake(
        "an empty version left behind by an export that failed",
        TROUBLES,
        ("run.py", "    versions.abandon(folder)\n", ""),
    ),
    _mistake(
        "a range of the root in place of the typed one",
        MATTE + TROUBLES,
        ("node.py", '    if mode == "custom":\n', '    if mode == "typed":\n'),
    ),
    _mistake(
        "versions of a copy of the node deleted",
        INTERRUPTIONS,
        (
            "buttons.py",
            "        if folder not in used\n",
            '        if folder.name != "v{:03d}".format(int(node["shown"].value()))\n',
        ),
    ),
    _mistake(
        "live: the frame after in the place of the one before",
        LIVE,
        (LIVE_GIZMO, "time_offset 1\n  name before", "time_offset -1\n  name before"),
    ),
    _mistake(
        "live: garbage fed as core",
        LIVE,
        (LIVE_GIZMO, "  to0 live_mattes.garbage\n", "  to0 live_mattes.core\n"),
    ),
    _mistake(
        "live: the clean plate trusted beyond its pixels",
        LIVE,
        (LIVE_GIZMO, " BlackOutside {\n  name clean_edge\n", " NoOp {\n  name clean_rim\n"),
    ),
    _mistake(
        "live: the neighbours fed where quality is fast",
        LIVE,
        (LIVE_GIZMO, "which {{parent.quality}}\n  name after", "which 1\n  name after"),
    ),
    _mistake(
        "live: Inference not loaded first in Nuke 13",
        LIVE,
        (INIT, 'nuke.load("Inference")', "pass"),
    ),
]
