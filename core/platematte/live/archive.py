"""Writes TorchScript that torch 1.6 can read, and refuses what it could not.

The file is what `torch.jit.save` makes, without what later releases add to it: the table of source
lines, in a form that 1.6 cannot read (and with the paths of this machine), and a second argument
of `RaiseException`. Every operation is looked up in `torch_1_6.txt`: the operations of the real
torch 1.6.0, as `torch._C._jit_get_all_schemas()` lists them there.
"""

from __future__ import annotations

import ast
import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from platematte.errors import MatteError
from platematte.images.atomic import whole_file

OLDEST_TORCH = "1.6"
"""What Nuke 13 has; Nuke 14 and 15 have 1.12. Older files go on working in newer releases."""

_TABLE = Path(__file__).with_name("torch_1_6.txt")
_EPOCH = (1980, 1, 1, 0, 0, 0)
# Archives of this version and older ones are read by torch 1.6.
_NEWEST_VERSION = 4
_RAISED_CLASS = re.compile(r'(ops\.prim\.RaiseException\([^,()]*), "[\w.]+"\)')


class TorchUnfit(MatteError):
    """This release of torch does not write the live model, or not so that old ones read it."""

    code, exit_status = "error", 1
    fix = f"Export with torch 2.13 (pip install torch==2.13.0); Nuke 13 reads torch {OLDEST_TORCH}."


def save_for_old_torch(module: Any, path: Path) -> None:
    """Write a scripted module, whole or not at all.

    Raises TorchUnfit where torch 1.6 could not read it, and OutputUnwritable.
    """
    written = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.save(module, written)
    entries = dict(_lowered(written.getvalue()))
    for name, content in entries.items():
        if name.endswith(".py"):
            check_operations(content.decode())
        elif name.endswith("/version") and int(content) > _NEWEST_VERSION:
            raise TorchUnfit(f"torch {torch.__version__} writes version {int(content)} archives")
    with whole_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)


def check_operations(code: str) -> None:
    """Raise TorchUnfit for a call that torch 1.6 has no operation for. code: TorchScript."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name.startswith(("torch.", "ops.")) and not _is_known(node, name):
                raise TorchUnfit(
                    f"torch {torch.__version__} writes {ast.unparse(node)}, "
                    f"which torch {OLDEST_TORCH} does not have"
                )


def _lowered(archive: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each entry that old releases need, as they read it."""
    with zipfile.ZipFile(io.BytesIO(archive)) as packed:
        for name in packed.namelist():
            inner = name.partition("/")[2]
            if inner.endswith(".py"):
                yield name, _RAISED_CLASS.sub(r"\1)", packed.read(name).decode()).encode()
            elif inner.startswith(("data/", "constants/")) or inner in (
                "data.pkl", "constants.pkl", "version",
            ):  # fmt: skip
                yield name, packed.read(name)


def _is_known(call: ast.Call, name: str) -> bool:
    forms = _operations().get(name.removeprefix("torch."), [])
    return any(_fits(call, form) for form in forms)


def _fits(call: ast.Call, form: str) -> bool:
    """Tell whether a call fits a form: r required, o optional, capital: None is allowed, * more."""
    places, _, keywords = form.partition(":")
    if "*" in places:
        return True
    if any(word.arg not in keywords.split(",") for word in call.keywords):
        return False
    least = len(places.rstrip("oO"))
    is_none = [isinstance(given, ast.Constant) and given.value is None for given in call.args]
    return least <= len(is_none) <= len(places) and all(
        place.isupper() or not none for none, place in zip(is_none, places, strict=False)
    )


@lru_cache(maxsize=1)
def _operations() -> dict[str, list[str]]:
    lines = (line.split() for line in _TABLE.read_text(encoding="utf-8").splitlines())
    return {words[0]: words[1:] for words in lines if words and words[0] != "#"}
