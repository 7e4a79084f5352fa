"""Files that appear whole or not at all: written under another name beside it, then renamed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from platematte.errors import OutputUnwritable


@contextmanager
def whole_file(path: Path, frame: int | None = None) -> Iterator[Path]:
    """Give a temporary name to write to; on leaving, that file takes the place of `path`.

    Creates the folder. On any error, a cancel included, the temporary file is removed and `path`
    is left as it was. Errors of the system become OutputUnwritable with the free space in it.
    """
    # OpenImageIO chooses the format by the ending, so the temporary name keeps it. The dot in
    # front hides it from file browsers and from those who look for the sequence.
    temporary = path.parent / f".{path.name}.{os.getpid()}.tmp{path.suffix}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as file:
            # Without this a power cut could leave the new name with nothing behind it.
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise OutputUnwritable(
            f"{error.strerror or error}{free_space(path.parent)}", path=path, frame=frame
        ) from error
    finally:
        # After the rename there is nothing under this name.
        if temporary.is_file():
            temporary.unlink()


def free_space(folder: Path) -> str:
    """Return " (1.5 GiB free in FOLDER)" for the end of a sentence, or nothing where unknown."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    return f" ({free / 2**30:.1f} GiB free in {folder})"
