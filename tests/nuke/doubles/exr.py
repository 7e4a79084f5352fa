"""EXR files through OpenImageIO: a header as plain values, and float32 pixels.

OpenImageIO has no wheel for Python 3.7. There `$PLATEMATTE_EXR_PYTHON` names an interpreter that
has it: this file, run as a program, then reads and writes the files for the double, over pipes.
Everything else of the double stays in the older Python.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

Header = dict  # x, y, full_x, full_y, full_width, full_height, channels, pixel_type, attributes

_child: Any = None


def load(path: str) -> tuple[Header, np.ndarray]:
    """Return header and pixels, H x W x C float32, top row first. Raises RuntimeError."""
    if _is_here():
        return _load(path)
    header, data = _ask({"do": "load", "path": path}, b"")
    return header, np.frombuffer(data, np.float32).reshape(header["shape"]).copy()


def save(path: str, header: Header, pixels: np.ndarray) -> None:
    """Write a file; pixels as `load` returns them. Raises RuntimeError."""
    if _is_here():
        _save(path, header, pixels)
        return
    asked = {"do": "save", "path": path, "header": header, "shape": list(pixels.shape)}
    _ask(asked, np.ascontiguousarray(pixels, np.float32).tobytes())


def _load(path: str) -> tuple[Header, np.ndarray]:
    import OpenImageIO as oiio

    source = oiio.ImageInput.open(path)
    if source is None:
        raise RuntimeError("{}: {}".format(path, oiio.geterror() or "cannot be opened"))
    spec, pixels = source.spec(), source.read_image("float")
    source.close()
    if pixels is None:
        raise RuntimeError("{}: {}".format(path, source.geterror() or "cannot be read"))
    names = ("x", "y", "full_x", "full_y", "full_width", "full_height")
    header = {name: getattr(spec, name) for name in names}
    header["channels"] = list(spec.channelnames)
    header["attributes"] = {entry.name: entry.value for entry in spec.extra_attribs}
    return header, pixels


def _save(path: str, header: Header, pixels: np.ndarray) -> None:
    import OpenImageIO as oiio

    height, width, count = pixels.shape
    spec = oiio.ImageSpec(width, height, count, header["pixel_type"])
    spec.channelnames = list(header["channels"])
    for name in ("x", "y", "full_x", "full_y", "full_width", "full_height"):
        setattr(spec, name, header[name])
    for name, value in header["attributes"].items():
        spec.attribute(name, value)
    target = oiio.ImageOutput.create(path)
    if target is None or not target.open(path, spec):
        raise RuntimeError(f"{path}: cannot be written: {oiio.geterror()}")
    if not (target.write_image(np.ascontiguousarray(pixels)) and target.close()):
        raise RuntimeError(f"{path}: cannot be written: {target.geterror()}")


def _is_here() -> bool:
    try:
        import OpenImageIO  # noqa: F401
    except ImportError:
        if "PLATEMATTE_EXR_PYTHON" not in os.environ:
            raise
        return False
    return True


def _ask(asked: dict[str, Any], data: bytes) -> tuple[Header, bytes]:
    global _child
    if _child is None:
        command = [os.environ["PLATEMATTE_EXR_PYTHON"], str(Path(__file__).resolve())]
        _child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    _put(_child.stdin, asked, data)
    answer, data = _get(_child.stdout)
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer, data


def _put(stream: BinaryIO, record: dict[str, Any], data: bytes) -> None:
    line = json.dumps({**record, "bytes": len(data)}, default=str)
    stream.write(line.encode() + b"\n" + data)
    stream.flush()


def _get(stream: BinaryIO) -> tuple[dict[str, Any], bytes]:
    line = stream.readline()
    if not line:
        raise EOFError("the other end is gone")
    record = json.loads(line)
    return record, stream.read(record["bytes"])


def _serve() -> None:
    """Answer until the double goes away."""
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            asked, data = _get(source)
        except EOFError:
            return
        try:
            if asked["do"] == "load":
                header, pixels = _load(asked["path"])
                _put(target, {**header, "shape": list(pixels.shape)}, pixels.tobytes())
            else:
                pixels = np.frombuffer(data, np.float32).reshape(asked["shape"])
                _save(asked["path"], asked["header"], pixels)
                _put(target, {}, b"")
        except RuntimeError as error:
            _put(target, {"error": str(error)}, b"")


if __name__ == "__main__":
    _serve()
