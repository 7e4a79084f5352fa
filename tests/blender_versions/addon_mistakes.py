"""The mistakes that `plant_addon_mistakes.py` plants, each one that add-ons for Blender make."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from planting import Mistake

CAPTURE = ("test_capture.py",)
CLEAR = ("test_clear_versions.py",)
CONVERT = ("test_convert.py",)
ENGINE = ("test_preferences.py",)
INTERRUPTIONS = ("test_interruptions.py",)
MATTE = ("test_matte.py",)
NEW_COMP = ("test_footage.py", "test_new_comp.py")
PLAYBACK = ("test_playback.py",)
STALE = ("test_stale.py",)
TROUBLES = ("test_troubles.py",)
_ADDON = "blender_addon/"


def _mistake(name: str, tests: tuple[str, ...], *edits: tuple[str, str, str]) -> Mistake:
    """Take files by their name in the add-on."""
    return Mistake(name, tests, tuple((_ADDON + file, old, new) for file, old, new in edits))


MISTAKES = [
    _mistake(
        "node_tree assigned in copy(), the original's inner tree lost",
        PLAYBACK,
        (
            "node.py",
            "    def draw_label(self) -> str:\n",
            "    def copy(self, node: Any) -> None:\n"
            "        self.node_tree = node.node_tree.copy()\n\n"
            "    def draw_label(self) -> str:\n",
        ),
    ),
    _mistake(
        "rendered by render(scene=), each at the frame of the scene at hand",
        CAPTURE,
        (
            "capture.py",
            "        with bpy.context.temp_override(scene=temporary):\n"
            "            bpy.ops.render.render()",
            "        bpy.ops.render.render(scene=temporary.name)",
        ),
    ),
    _mistake(
        "straight colour shown as the premultiplied foreground",
        PLAYBACK,
        ("sockets.py", '("Combined", "Image")', '("foreground", "Image")'),
    ),
    _mistake(
        "File Output beside the node runs",
        CAPTURE,
        ("capture.py", "        tree.nodes.remove(other)\n", "        pass\n"),
    ),
    _mistake(
        "File Output in a group above the node runs",
        CAPTURE,
        ("capture.py", "            copy.nodes.remove(writer)\n", "            pass\n"),
    ),
    _mistake(
        "temporary scene left behind",
        CAPTURE,
        ("capture.py", "            bpy.data.scenes.remove(scene)\n", "            pass\n"),
    ),
    _mistake(
        "temporary trees left behind",
        CAPTURE,
        ("capture.py", "            bpy.data.node_groups.remove(tree)\n", "            pass\n"),
    ),
    _mistake(
        "the user's scene left at the captured frame",
        CAPTURE,
        (
            "capture.py",
            "            scene.frame_set(frame, subframe=subframe)\n",
            "            pass\n",
        ),
    ),
    _mistake(
        "Render Layers render the empty copy of the scene",
        ("test_render_layers.py",),
        ("capture.py", "            node.scene = scene\n", "            pass\n"),
    ),
    _mistake(
        "captured as half floats",
        CAPTURE,
        ("compat.py", 'image_format.color_depth = "32"', 'image_format.color_depth = "16"'),
    ),
    _mistake(
        "captured without a canvas",
        CAPTURE,
        ("capture.py", "        if size is not None:\n", "        if False:\n"),
    ),
    _mistake(
        "render handlers of others called",
        CAPTURE,
        ("capture.py", "        getattr(bpy.app.handlers, name).clear()\n", "        pass\n"),
    ),
    _mistake(
        "a file that was not written goes unnoticed",
        ("test_unwritten.py",),
        (
            "capture.py",
            "    if not found:\n        raise _unwritten(path, role, frame, None)\n",
            "    if not found:\n        return path\n",
        ),
    ),
    _mistake(
        "a group that is used twice taken for one",
        CAPTURE + MATTE,
        ("find.py", "if len(paths) > 1:", "if len(paths) > 9:"),
    ),
    _mistake(
        "a source file that is missing goes unnoticed, black is matted",
        TROUBLES,
        (
            "job.py",
            "        check_sources(place, {role: self.order.frames_of(role) "
            "for role in self.order.roles})\n",
            "",
        ),
    ),
    _mistake(
        "an existing version overwritten",
        MATTE,
        (
            "job.py",
            "        self.version, self.folder = versions.make_version(self.order.cache)\n",
            '        self.version, self.folder = 1, self.order.cache / "v001"\n',
        ),
        ("job.py", "        folder.mkdir()\n", "        folder.mkdir(0o777, True, True)\n"),
    ),
    _mistake(
        "clean plate held at the wrong frame",
        MATTE,
        ("job.py", 'Task(clean_frame, ("clean",))', 'Task(frames[0], ("clean",))'),
    ),
    _mistake(
        "scene's range one frame short",
        MATTE,
        ("order.py", "scene.frame_end + 1, scene.frame_step", "scene.frame_end, scene.frame_step"),
    ),
    _mistake(
        "step of the scene's range ignored",
        MATTE,
        ("order.py", "scene.frame_end + 1, scene.frame_step", "scene.frame_end + 1"),
    ),
    _mistake(
        "a node kept over an undo",
        INTERRUPTIONS,
        ("job.py", "        self.ticket.mark(node)\n", "        self._kept = node\n"),
        (
            "job.py",
            "        node = self.ticket.find()\n        if node is None:\n            raise",
            "        node = self._kept\n        if node is None:\n            raise",
        ),
    ),
    _mistake(
        "what is shown leaves no undo step, so that an undo frees the image alone",
        INTERRUPTIONS,
        ("job.py", "        undo.leave_step(UNDO_STEP)\n\n    def _end", "\n    def _end"),
    ),
    _mistake(
        "what was undone in mid-job is shown again at the next frame",
        INTERRUPTIONS,
        (
            "job.py",
            "        if not self._was_shown:\n",
            "        if inner_tree.shown_folder(node) != self.folder:\n",
        ),
    ),
    _mistake(
        "a node with the mark of an earlier job taken for another",
        INTERRUPTIONS,
        (
            "running.py",
            "            named = [node for node in our_nodes() if self._is_named(node)]\n",
            "            named = [n for n in our_nodes() if self._is_named(n) and not n.run_id]\n",
        ),
    ),
    _mistake(
        "after an undo the node under way asks for a matte",
        INTERRUPTIONS,
        ("running.py", "    bpy.app.handlers.undo_post.append(_mark_again)\n", ""),
    ),
    _mistake(
        "a matte of one frame leaves two undo steps",
        INTERRUPTIONS,
        (
            "job.py",
            "        if finished and len(self.done) < len(self.order.frames):\n",
            "        if finished:\n",
        ),
    ),
    _mistake(
        "cancel does not reach the engine",
        ("test_cancel_stops_the_engine.py",),
        ("job.py", "            self._engine.cancel()\n", "            pass\n"),
    ),
    _mistake(
        "an empty version left behind by a matte that failed",
        TROUBLES,
        ("engine_run.py", "        versions.abandon(folder)\n        return\n", "        return\n"),
    ),
    _mistake(
        "captured inputs left on the disk",
        MATTE,
        ("engine_run.py", "        versions.remove_inputs(folder)\n", "        pass\n"),
    ),
    _mistake(
        "two mattes at once",
        INTERRUPTIONS,
        ("job.py", "        if running.current is not None:\n", "        if False:\n"),
    ),
    _mistake(
        "a copy taken for the node that runs",
        INTERRUPTIONS,
        (
            "running.py",
            "found = next(iter(named or marked), None)",
            "found = next(iter(reversed(marked or named)), None)",
        ),
    ),
    _mistake(
        "a file loaded in mid-job goes unnoticed",
        INTERRUPTIONS,
        (
            "running.py",
            "    bpy.app.handlers.load_pre.append(_cancel_on_load)\n",
            "    pass\n",
        ),
    ),
    _mistake(
        "change of the held frame not stale",
        STALE,
        (
            "stale.py",
            'return {**kept, "clean_frame": clean_frame}',
            'return {**kept, "clean_frame": None}',
        ),
    ),
    _mistake(
        "the inner tree of a copy changed with its own",
        PLAYBACK,
        (
            "inner_tree.py",
            "for other in _group_nodes()) > 1:",
            "for other in _group_nodes()) > 9:",
        ),
    ),
    _mistake(
        "sequence shifted by a frame",
        PLAYBACK,
        (
            "inner_tree.py",
            "reader.frame_offset = start, start - 1",
            "reader.frame_offset = start, start",
        ),
    ),
    _mistake(
        "last frame held behind the range",
        PLAYBACK,
        (
            "inner_tree.py",
            "    reader.frame_duration = LONGEST\n",
            "    reader.frame_duration = 3\n",
        ),
    ),
    _mistake(
        "links lost by Convert to Group",
        CONVERT,
        (
            "inner_tree.py",
            "            tree.links.new(theirs, link.to_socket)\n",
            "            pass\n",
        ),
    ),
    _mistake(
        "the plate shown as foreground where there is no result",
        PLAYBACK,
        (
            "inner_tree.py",
            "group_output.inputs[PASS_THROUGH])\n",
            "group_output.inputs[0])\n",
        ),
    ),
    _mistake(
        "versions deleted without asking",
        CLEAR,
        ("clear_versions.py", "elif _going(fates) and not self.confirmed:", "elif False:"),
    ),
    _mistake(
        "versions deleted that an image of the file reads",
        CLEAR,
        ("clear_versions.py", "if block.filepath and block.users:", "if False:"),
    ),
    _mistake(
        "versions deleted that are being written",
        CLEAR,
        ("clear_versions.py", "for folder in running.folders())", "for folder in ())"),
    ),
    _mistake(
        "versions deleted whose inputs a farm waits for",
        CLEAR,
        ("old_versions.py", "return not wanted <= set(frames_in(folder))", "return False"),
    ),
    _mistake(
        "versions deleted of all nodes where one was meant",
        CLEAR,
        ("clear_versions.py", "if self.every else", "if True else"),
    ),
    _mistake(
        "new comp replaces a graph without asking",
        NEW_COMP,
        ("template.py", "if has_graph(scene) and not replace:", "if False:"),
    ),
    _mistake(
        "new comp shifts the plate by a frame",
        NEW_COMP,
        ("template.py", "frames[0], frames[0] - 1", "frames[0], frames[0]"),
    ),
    _mistake(
        "new comp says nothing of holes",
        NEW_COMP,
        ("template.py", "for text in (plate.describe_holes(), clean", "for text in ('', clean"),
    ),
    _mistake(
        "new comp takes a version for a frame number",
        NEW_COMP,
        ("footage.py", " or _VERSION.search(match.group(1))", ""),
    ),
    _mistake(
        "new comp rounds the frame rate",
        NEW_COMP,
        ("template.py", "return whole, float(base)", "return whole, 1.0"),
    ),
    _mistake(
        "new comp holds a clean plate that moves",
        NEW_COMP,
        ("template.py", 'return {"clean_mode": "MOVING"}, []', 'return {"clean_mode": "HELD"}, []'),
    ),
    _mistake(
        "new comp leaves half of it behind where a file cannot be read",
        NEW_COMP,
        ("template.py", "        bpy.data.batch_remove([first])\n", ""),
    ),
    _mistake(
        "new comp puts the background over the foreground",
        NEW_COMP,
        ("compat.py", "tree.links.new(background, below)", "tree.links.new(background, above)"),
        ("compat.py", "tree.links.new(foreground, above)", "tree.links.new(foreground, below)"),
    ),
    _mistake(
        "engine that cannot matte passes the check",
        ENGINE,
        ("checkup.py", "can_matte = all(", "can_matte = True or all("),
    ),
    _mistake(
        "engine of the preferences ignored",
        ENGINE,
        ("preferences.py", "return bpy.path.abspath(path.strip())", 'return ""'),
    ),
    _mistake(
        "reveal leaves other nodes selected",
        ("test_sidebar.py",),
        ("editor.py", "other.select = other == node", "other.select = True"),
    ),
    _mistake(
        "tooltip of a property missing",
        ("test_tooltips.py",),
        ("node.py", '        description="Which frames Matte Range mattes",\n', ""),
    ),
]
"""Planted in Blender 4.5."""
MISTAKES_5 = [
    _mistake(
        "results converted from a colour space",
        PLAYBACK,
        (
            "inner_tree.py",
            '    image.colorspace_settings.name = "Non-Color"\n',
            "",
        ),
    ),
    _mistake(
        "the user's own tree pruned, which scenes share in 5.x",
        CAPTURE,
        (
            "capture.py",
            "tree = _own_copy(compat.scene_tree(scene), litter)",
            "tree = compat.scene_tree(scene)",
        ),
    ),
    _mistake(
        "new comp loses the graph that it replaces (5.x)",
        NEW_COMP,
        ("compat.py", "            old.use_fake_user = True\n", "            pass\n"),
    ),
]
"""Planted in Blender 5.0: 4.5 does not know the difference."""
