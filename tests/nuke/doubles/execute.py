"""nuke.execute: what a Write writes, frame by frame."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from doubles.session import current

BUSY = "I'm already executing something else"


def execute(target: Any, start: Any = None, end: Any = None, incr: Any = None, views: Any = None,
            continueOnError: bool = False) -> None:  # noqa: N803  # fmt: skip
    """Render one Write. Raises what Nuke raises: TypeError for a list, RuntimeError else."""
    import nuke

    session = current()
    session.check_main("nuke.execute")
    if isinstance(target, (list, tuple)):
        raise session.refuse(TypeError("nuke.execute takes one node; executeMultiple takes a list"))
    if session.executing:
        raise session.refuse(RuntimeError(BUSY))
    if any(knob is not None and knob._name == "inputChange" for _, knob in session.this):
        raise session.refuse(RuntimeError("nuke.execute inside knobChanged"))
    node = nuke.toNode(target) if isinstance(target, str) else target
    if node is None:
        raise RuntimeError(f"there is no node {target}")
    node._check("execute")
    if node._class != "Write":
        raise RuntimeError(f"{node._name} is not executable")
    root = session.root
    if root["proxy"].value() and session.strict_proxy:
        raise session.refuse(AssertionError("a render while proxy mode is on"))
    first = root.firstFrame() if start is None else int(start)
    last = (root.lastFrame() if start is None else first) if end is None else int(end)
    session.executing = node.fullName()
    try:
        wanted = _views(node, views)
        _render(node, range(first, last + 1, int(incr or 1)), wanted, continueOnError)
    finally:
        session.executing = None


def _views(node: Any, views: Any) -> list[str]:
    """Return the views to render: of those in the Write's knob that the call asks for."""
    session = current()
    if isinstance(views, str):
        raise session.refuse(TypeError("nuke.execute takes a list of views"))
    wanted = [view for view in node["views"].value().split() if views is None or view in views]
    unknown = [view for view in [*(views or ()), *wanted] if view not in session.views]
    if unknown:
        raise RuntimeError(f"{node._name}: the script has no view {unknown[0]}")
    if not wanted:
        raise RuntimeError(f"{node._name}: no view to render")
    if len(wanted) > 1 and not any(sign in node["file"].value() for sign in ("%V", "%v")):
        raise NotImplementedError("the double writes a file for each view; put %V into its name")
    return wanted


def _render(node: Any, frames: range, views: list[str], go_on: bool) -> None:
    session = current()
    _callback(node, "beforeRender")
    for frame in frames:
        if session.cancel_render_at is not None and frame >= session.cancel_render_at:
            raise RuntimeError("Cancelled")
        session.frame_context.append(frame)
        try:
            _callback(node, "beforeFrameRender")
            for view in views:
                session.view_context.append(view)
                try:
                    _write(node, frame)
                finally:
                    session.view_context.pop()
            _callback(node, "afterFrameRender")
        except RuntimeError:
            if not go_on:
                raise
        finally:
            session.frame_context.pop()
    _callback(node, "afterRender")


def _callback(node: Any, knob: str) -> None:
    script = node[knob].value()
    if script:
        node._run(script, node[knob])


def _write(node: Any, frame: int) -> None:
    from doubles import files
    from doubles.render import pull

    session = current()
    if node["disable"].value():
        return
    if node["use_limit"].value() and not node["first"].value() <= frame <= node["last"].value():
        return
    if node["frame_mode"].value() != "expression" or node["frame"].value():
        raise NotImplementedError("the double writes frames under their own numbers only")
    path = node["file"]._at(frame)
    if not path:
        raise RuntimeError(f"{node._name}: no output file")
    folder = Path(path).parent
    if not folder.is_dir():
        if not node["create_directories"].value():
            raise RuntimeError(f"{node._name}: the folder {folder} does not exist")
        folder.mkdir(parents=True)
    _check_type(node, path)
    image = pull(node, frame)
    if session.root["proxy"].value():
        image = _at_proxy_scale(image, float(session.root["proxy_scale"].value()))
    names = _names(node, image)
    if not names:
        raise RuntimeError(f"{node._name}: no channels to write")
    if node["autocrop"].value():
        image = _cropped(image, names)
    attributes = image.metadata if node["metadata"].value() != "no metadata" else {}
    attributes = {k[4:]: v for k, v in attributes.items() if k.startswith("exr/")}
    files.write_exr(
        path, image, names, node["datatype"].value(), node["compression"].value(),
        _safe(attributes),
    )  # fmt: skip
    session.rendered.append((node.fullName(), frame, path))


def _safe(attributes: dict[str, Any]) -> dict[str, Any]:
    # What OpenImageIO sets by itself from the image, or reads as a wish about the file's form.
    own = ("compression", "pixelaspectratio", "oiio:", "openexr:", "screenwindow")
    return {k: v for k, v in attributes.items() if not k.lower().startswith(own)}


def _check_type(node: Any, path: str) -> None:
    kind = node["file_type"].value()
    if kind != "exr":
        raise NotImplementedError(f"{path}: the double writes EXR, file_type is {kind!r}")
    # What "default" means is the studio's choice, so that a file without raw could be anything.
    if not node["raw"].value():
        raise NotImplementedError(f"{path}: the double converts no colours; set raw")


def _names(node: Any, image: Any) -> list[str]:
    """Channels to write. A named one that is not there is written black, as Nuke does."""
    from doubles.channels import channels_of

    words = node["channels"].value()
    if words == "all":
        return list(image.planes)
    return [name for word in words.split() for name in channels_of(word)]


def _at_proxy_scale(image: Any, scale: float) -> Any:
    from doubles.formats import Format
    from doubles.ops_time import scaled

    size = Format(round(image.format.width() * scale), round(image.format.height() * scale))
    return scaled(image, size, scale, scale, 0, 0)


def _cropped(image: Any, names: list[str]) -> Any:
    import numpy as np

    used = np.any([image.plane(name) != 0 for name in names], axis=0)
    rows, columns = np.flatnonzero(used.any(axis=1)), np.flatnonzero(used.any(axis=0))
    box = image.box
    if not len(rows):
        return image.over_box(type(box)(0, 0, 1, 1))
    left, right = int(columns[0]), int(columns[-1]) + 1
    low, high = int(rows[0]), int(rows[-1]) + 1
    return image.over_box(type(box)(box.x + left, box.y + low, box.x + right, box.y + high))
