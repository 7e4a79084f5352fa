"""A Python with an old torch, to run what is exported for it.

    python tests/core/live/old_torch.py     prints its path, or why there is none

`$PLATEMATTE_OLD_TORCH` names it. Else an environment is made once, outside the repository, of a
Python that is here: torch 1.6.0, which is what the live model claims, has wheels for 3.7 and 3.8;
where there is neither, 1.12.1 of Nuke 14 and 15 stands in for it on 3.9 and 3.10. A download of
about 750 MB.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

# Release of torch, the Pythons that it has wheels for, and what it needs beside numpy.
_RELEASES = (
    ("1.6.0", ("3.7", "3.8"), "future"),
    ("1.12.1", ("3.9", "3.10"), "typing_extensions"),
)


class NoOldTorch(Exception):
    """There is no old torch here, and none can be made."""


def old_torch() -> Path:
    """Return a Python that has an old torch; raises NoOldTorch with the reason."""
    named = os.environ.get("PLATEMATTE_OLD_TORCH")
    if named:
        if not _says(Path(named), "import numpy, torch"):
            raise NoOldTorch(f"$PLATEMATTE_OLD_TORCH is {named}, which cannot import torch")
        return Path(named)
    for release, versions, needed in _RELEASES:
        made = _folder(release) / "bin" / "python"
        if _says(made, "import numpy, torch"):
            return made
        python = _find_python(versions)
        if python is not None:
            return _make(python, release, needed)
    raise NoOldTorch("there is no Python 3.7 to 3.10 here ($PLATEMATTE_OLD_TORCH names one)")


def _folder(release: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "platematte-tests" / f"torch-{release}"


def _find_python(versions: tuple[str, ...]) -> Path | None:
    for version in versions:
        named = os.environ.get("PLATEMATTE_PYTHON" + version.replace(".", ""))
        found = [named, shutil.which("python" + version)]
        found += sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
        for python in filter(None, found):
            # A name on PATH may be pyenv's own, which answers for versions that are not there.
            if _says(Path(python), "import venv, ensurepip"):
                return Path(python)
    return None


def _says(python: Path, code: str) -> bool:
    try:
        return subprocess.run([python, "-c", code], capture_output=True).returncode == 0
    except OSError:
        return False


def _make(python: Path, release: str, needed: str) -> Path:
    folder = _folder(release)
    print(f"making {folder} with {python}", file=sys.stderr)
    shutil.rmtree(folder, ignore_errors=True)
    half = folder.with_name(f".{folder.name}.{os.getpid()}")
    pip = [half / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install"]
    commands = (
        [python, "-m", "venv", half],
        # torch needs nothing of its wheel's further dependencies to load a file.
        [*pip, "--quiet", "--no-deps", f"torch=={release}", needed, "numpy<2"],
    )
    try:
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise NoOldTorch(f"torch {release} cannot be installed: {done.stderr[-300:]}")
        half.rename(folder)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    return folder / "bin" / "python"


if __name__ == "__main__":
    try:
        print(old_torch())
    except NoOldTorch as reason:
        sys.exit(f"no old torch: {reason}")
