"""Finds or makes a Python with Blender as a module (`bpy`) for each Blender that the add-on is for.

    python tests/blender/environments.py                    which are here, a line each
    python tests/blender/environments.py --make             makes those that are not
    python tests/blender/environments.py --make 4.2 4.5     makes these

One may be named by `$PLATEMATTE_BPY_42` (45, 50, 51, 52). The others lie in the user's cache
folder, 1 GB each, made of a Python of the same version that PATH or pyenv has. The exit status is 1
when one that was asked for is not there; a line says why.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import interpreters


class Release(NamedTuple):
    """A Blender on PyPI."""

    bpy: str
    """Its version."""
    python: str
    """The one version of Python that it has wheels for."""


RELEASES = {
    "4.2": Release("4.2.23", "3.11"),
    "4.5": Release("4.5.15", "3.11"),
    "5.0": Release("5.0.1", "3.11"),
    "5.1": Release("5.1.2", "3.13"),
    "5.2": Release("5.2.3", "3.13"),
}
"""Blenders by series, oldest first."""
PACKAGES = ("numpy", "OpenImageIO>=3", "pytest==8.4.2", "pytest-timeout==2.4.0")
LIBRARIES = (
    "libx11-6 libxrender1 libxxf86vm1 libxfixes3 libxi6 libxkbcommon0 libsm6 libice6 libgl1 "
    "libegl1 libgomp1"
)
"""What Blender needs of the system, as Debian's packages."""
_CHECK = "import bpy, numpy, OpenImageIO, pytest, pytest_timeout; print(bpy.app.version_string)"
# The wheel, what is unpacked from it, and room for both at once.
_NEEDED_GIB = 2.5
_LIMIT_S = 1200
_CHECK_LIMIT_S = 120


class NoBlender(Exception):
    """There is none, or none can be made; the text says why, and what to do."""


def find_environment(series: str) -> str:
    """Return the path of the Python that has a Blender, by series as in "4.2".

    Raises NoBlender.
    """
    variable = variable_of(series)
    named = os.environ.get(variable)
    python = named or str(_python_of(_folder(series)))
    if not named and not Path(python).is_file():
        make = f"python tests/blender/environments.py --make {series}"
        raise NoBlender(f"there is no {_folder(series)} (`{make}` makes it, ${variable} names one)")
    problem = _problem(python, series)
    if problem:
        raise NoBlender(f"{python}{f' of ${variable}' if named else ''}: {problem}")
    return python


def make_environment(series: str) -> str:
    """Return the Python of `find_environment`; it is made when it is not there or does not work.

    Raises NoBlender.
    """
    try:
        return find_environment(series)
    except NoBlender:
        # What somebody named is not replaced.
        if os.environ.get(variable_of(series)):
            raise
    release = RELEASES[series]
    base = interpreters.find_interpreter(release.python)
    if base is None:
        variable = interpreters.variable_of(release.python)
        raise NoBlender(f"there is no Python {release.python} (${variable} may name one)")
    folder = _folder(series)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _check_room(folder.parent)
        _install(base, release, folder)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoBlender(str(error)) from error
    return find_environment(series)


def variable_of(series: str) -> str:
    """Return the environment variable that may name a Python with this Blender."""
    return "PLATEMATTE_BPY_" + series.replace(".", "")


def _folder(series: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "platematte-tests" / f"bpy-{series}"


def _python_of(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _problem(python: str, series: str) -> str:
    """Return what is wrong with a Python; empty when it has all that is needed."""
    try:
        done = subprocess.run(
            [python, "-c", _CHECK], capture_output=True, text=True, timeout=_CHECK_LIMIT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        words = lines[-1] if lines else f"ended with status {done.returncode}"
        hint = f" (on Debian: apt-get install {LIBRARIES})" if ".so" in words else ""
        return words + hint
    version = done.stdout.split()[-2:] if "LTS" in done.stdout else done.stdout.split()[-1:]
    if version[0].rpartition(".")[0] != series:
        return f"is Blender {version[0]}, not {series}"
    return ""


def _check_room(folder: Path) -> None:
    free_gib = shutil.disk_usage(folder).free / 2**30
    if free_gib < _NEEDED_GIB:
        raise NoBlender(f"it takes {_NEEDED_GIB} GiB, and {folder} has {free_gib:.1f} GiB left")


def _install(base: str, release: Release, target: Path) -> None:
    # Made beside it and renamed: a run that is stopped half way leaves nothing that looks whole.
    half = Path(tempfile.mkdtemp(prefix="half-", dir=target.parent))
    pip = [str(_python_of(half)), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    # Wheels only: a compiler is not what these tests are about. The wheel is not kept besides.
    options = ["--only-binary", ":all:", "--progress-bar", "off", "--no-cache-dir", "--no-compile"]
    try:
        _run([base, "-m", "venv", str(half)])
        _run([*pip, "install", *options, f"bpy=={release.bpy}", *PACKAGES])
        shutil.rmtree(target, ignore_errors=True)
        half.rename(target)
    finally:
        shutil.rmtree(half, ignore_errors=True)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise NoBlender(f"{' '.join(command[1:5])} failed: {lines[-1] if lines else 'no word'}")


def main() -> int:
    """Print a line for each Blender that was asked for; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--make", action="store_true", help="make those that are not there")
    parser.add_argument("series", nargs="*", choices=[*RELEASES, []], help="none means all")
    chosen = parser.parse_args()
    find = make_environment if chosen.make else find_environment
    status = 0
    for series in chosen.series or RELEASES:
        try:
            told = find(series)
        except NoBlender as reason:
            told, status = f"not here, its tests are skipped: {reason}", 1
        print(f"Blender {series}: {told}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
