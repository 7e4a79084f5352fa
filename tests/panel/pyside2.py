"""Finds or makes a Python with PySide2 5.15 and pytest, for Nuke 13 to 15's half of the tests.

    python tests/panel/pyside2.py     prints its path, or ends with 1 and says why there is none

$PLATEMATTE_PYSIDE2 names one. Else an environment is made once in the user's cache folder, from a
Python 3.10 or 3.9 that PATH or pyenv has: PyPI has PySide2 for Python before 3.11 only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

VARIABLE = "PLATEMATTE_PYSIDE2"
PACKAGES = ("PySide2==5.15.2.1", "pytest==8.4.2", "pytest-timeout==2.4.0")
_CHECK = "import PySide2.QtWidgets, pytest"
LIMIT_S = 600


class NoPySide2(Exception):
    """There is none, and none can be made; the text says why."""


def find_pyside2() -> str:
    """Return the path of the Python. Raises NoPySide2."""
    named = os.environ.get(VARIABLE)
    if named:
        problem = _problem(named)
        if problem:
            raise NoPySide2(f"${VARIABLE} is {named}: {problem}")
        return named
    reasons = []
    for version in ("3.10", "3.9"):
        base = _find_python(version)
        if base is None:
            reasons.append(f"there is no python{version}")
            continue
        try:
            return _make(base, version)
        except (OSError, subprocess.SubprocessError, NoPySide2) as error:
            reasons.append(f"python{version}: {error}")
    raise NoPySide2(f"{'; '.join(reasons)} (${VARIABLE} may name a Python with PySide2 and pytest)")


def _problem(python: str) -> str:
    """Return what is wrong with a Python; empty when it has all that is needed."""
    try:
        done = subprocess.run([python, "-c", _CHECK], capture_output=True, text=True, check=False)
    except OSError as error:
        return str(error)
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


def _find_python(version: str) -> str | None:
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    name = "python" + version
    installed = sorted(str(path) for path in root.glob(f"{version}.*/bin/{name}"))
    for found in (*installed, shutil.which(name)):
        # pyenv puts names on PATH that start nothing.
        if found and not subprocess.run([found, "-c", ""], capture_output=True).returncode:
            return found
    return None


def _make(base: str, version: str) -> str:
    """Return the environment of the cache, made anew when it is not there or does not work."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "platematte-tests"
    target = cache / f"pyside2-py{version.replace('.', '')}"
    python = str(target / "bin" / "python")
    if target.is_dir() and not _problem(python):
        return python
    cache.mkdir(parents=True, exist_ok=True)
    # Made beside it and renamed: a run that is stopped half way leaves nothing that looks whole.
    half = tempfile.mkdtemp(prefix="half-", dir=cache)
    try:
        _run([base, "-m", "venv", half])
        _run([f"{half}/bin/python", "-m", "pip", "--quiet", "install", *PACKAGES])
        shutil.rmtree(target, ignore_errors=True)
        Path(half).rename(target)
    finally:
        shutil.rmtree(half, ignore_errors=True)
    problem = _problem(python)
    if problem:
        raise NoPySide2(problem)
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise NoPySide2(f"{command[2:4]} failed: {lines[-1] if lines else 'no word'}")


if __name__ == "__main__":
    try:
        print(find_pyside2())
    except NoPySide2 as error:
        print(error, file=sys.stderr)
        sys.exit(1)
