"""Finds the Pythons of host programs on this machine, and gives Nuke's the packages of the tests.

    python tests/interpreters.py                    which were found, a line each
    python tests/interpreters.py --prepare FOLDER   and make an environment for each of Nuke's

One is found by `$PLATEMATTE_PYTHON37` (39, 310, ...), in pyenv's versions, or on PATH as python3.7.
An environment holds numpy and OpenImageIO, with which the double of Nuke evaluates graphs.
OpenImageIO has no wheel for 3.7: there the double asks the Python of the tests for its EXR files.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NUKE_PYTHONS = {"3.7": "13", "3.9": "14", "3.10": "15", "3.11": "16 and 17"}
"""Pythons of Nuke, with the versions of Nuke that have them."""
CLIENT_PYTHONS = ("3.7", "3.9", "3.10", "3.13")
"""Pythons that the client is tested with; the engine's own is one more."""
_PACKAGES = {
    "3.7": ("numpy==1.21.6",),
    "3.9": ("numpy==2.0.2", "OpenImageIO==3.2.2.0"),
    "3.10": ("numpy==2.2.6", "OpenImageIO==3.2.2.0"),
    "3.11": ("numpy==2.4.6", "OpenImageIO==3.2.2.0"),
}


def find_interpreter(version: str) -> str | None:
    """Return the path of an interpreter that starts, by version as in "3.7"; None without one."""
    variable = variable_of(version)
    name = f"python{version}"
    root = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    installed = sorted(root.glob(f"{version}.*/bin/{name}"))
    for found in (os.environ.get(variable), *installed, shutil.which(name)):
        # pyenv puts names on PATH that start nothing.
        if found and _starts(str(found), "-c", ""):
            return str(found)
    return None


def find_environment(version: str) -> str | None:
    """Return the Python of an environment that `--prepare` made, if numpy is in it.

    They lie in `$PLATEMATTE_HOST_ENVIRONMENTS`, else in `hosts` of the running environment.
    """
    folder = Path(os.environ.get("PLATEMATTE_HOST_ENVIRONMENTS", Path(sys.prefix) / "hosts"))
    python = _python_of(folder / version)
    return str(python) if _starts(str(python), "-c", "import numpy") else None


def variable_of(version: str) -> str:
    """Return the environment variable that may name an interpreter."""
    return "PLATEMATTE_PYTHON" + version.replace(".", "")


def describe(version: str) -> str:
    """Return a line on where a version was found, or how to name it."""
    found = find_interpreter(version)
    nuke = f" (Nuke {NUKE_PYTHONS[version]})" if version in NUKE_PYTHONS else ""
    where = found or f"not found, its tests are skipped; ${variable_of(version)} may name one"
    return f"Python {version}{nuke}: {where}"


def prepare(folder: Path) -> None:
    """Make or complete the environment of each of Nuke's Pythons that is here; say what failed."""
    for version in NUKE_PYTHONS:
        python = find_interpreter(version)
        if python is None:
            continue
        packages = _PACKAGES[version]
        inside = str(_python_of(folder / version))
        names = [package.partition("==")[0] for package in packages]
        if _starts(inside, "-c", "import " + ", ".join(names)):
            continue
        print(f"== {folder / version}: {', '.join(packages)}", flush=True)
        pip = [inside, "-m", "pip", "--disable-pip-version-check", "--quiet"]
        for command in (
            [python, "-m", "venv", "--clear", str(folder / version)],
            # Wheels only: a compiler is not what these tests are about.
            [*pip, "install", "--only-binary", ":all:", "--progress-bar", "off", *packages],
        ):
            if subprocess.run(command, check=False).returncode:
                print(f"   failed: {' '.join(command)}; tests in Python {version} are skipped")
                break


def _python_of(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _starts(python: str, *arguments: str) -> bool:
    try:
        return subprocess.run([python, *arguments], capture_output=True).returncode == 0
    except OSError:
        return False


def main(arguments: list[str]) -> int:
    """Print what there is; return the exit status."""
    if arguments[:1] == ["--prepare"] and len(arguments) == 2:
        prepare(Path(arguments[1]))
    elif arguments:
        print(__doc__)
        return 2
    for version in sorted({*NUKE_PYTHONS, *CLIENT_PYTHONS}, key=lambda text: int(text[2:])):
        print(describe(version))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
