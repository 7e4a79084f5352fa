"""Finds the engine's program: what the user names, else the environment, PATH, usual places."""

import os
import re
import shutil
from pathlib import Path
from typing import List, Optional

from platematte_client.errors import EngineMissing

VARIABLE = "PLATEMATTE_ENGINE"
_PYTHON = re.compile(r"^pythonw?[0-9.]*(\.exe)?$", re.IGNORECASE)
_INSTALL = (
    "Install PlateMatte in a Python of its own, 3.10 or newer (in a clone of it: pip install .), "
    "and name the program `platematte`, its environment's folder or its Python: in the host's "
    "setting for the engine, or in the environment variable {}.".format(VARIABLE)
)


def find_engine(explicit: Optional[str] = None) -> List[str]:
    """Return the command line of the engine's program, without a subcommand.

    explicit, and the variable PLATEMATTE_ENGINE, name a program, a Python or the folder of a
    Python environment; "~" is the home folder. What is named there is taken or refused: another
    engine never takes its place in silence. Raises EngineMissing.
    """
    for name, origin in ((explicit, "the path given"), (os.environ.get(VARIABLE), VARIABLE)):
        # People paste paths with the quotes that their file browser put around them.
        path = (name or "").strip().strip("\"'")
        if path:
            return _take(_at_home(path).absolute(), origin)
    on_path = shutil.which("platematte")
    if on_path is not None:
        return [str(Path(on_path).absolute())]
    for folder in usual_places():
        program = _program_in(folder)
        if program is not None:
            return [str(program)]
    tried = ["{} is not set".format(VARIABLE), "there is no `platematte` on PATH"]
    tried += ["there is none in {}".format(folder) for folder in usual_places()]
    raise EngineMissing(_refusal("PlateMatte's engine was not found", tried))


def usual_places() -> List[Path]:
    """Return the environments that are looked into when nothing else names the engine."""
    if os.name == "nt":
        bases = (os.environ.get("LOCALAPPDATA"), os.environ.get("PROGRAMFILES"))
        places = [Path(base, "PlateMatte") for base in bases if base]
    else:
        places = [Path("/opt/platematte"), Path("/usr/local"), Path("/opt/homebrew")]
    # pip install --user, pipx and uv all put their programs into ~/.local/bin.
    return [_at_home("~/.local"), *places]


def _at_home(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:
        # There is no such home; taken as it stands, the path will be reported as missing.
        return Path(path)


def _take(path: Path, origin: str) -> List[str]:
    if path.is_dir():
        program = _program_in(path)
        if program is None:
            told = "{}: there is no `platematte` in the environment {}".format(origin, path)
            raise EngineMissing(_refusal("PlateMatte is not installed there", [told]))
        return [str(program)]
    if not path.is_file():
        told = "{}: there is no {}".format(origin, path)
        raise EngineMissing(_refusal("PlateMatte's engine was not found", [told]))
    if not os.access(str(path), os.X_OK):
        told = "{}: {} is no program that you may run".format(origin, path)
        raise EngineMissing(_refusal("PlateMatte's engine cannot be run", [told]))
    if _PYTHON.match(path.name):
        return [str(path), "-m", "platematte.cli.main"]
    return [str(path)]


def _program_in(folder: Path) -> Optional[Path]:
    """Return the program in an environment, or in a folder that holds one as .venv."""
    for base in (folder, folder / ".venv"):
        for inner in ("bin", "Scripts"):
            for name in ("platematte", "platematte.exe"):
                program = base / inner / name
                if program.is_file() and os.access(str(program), os.X_OK):
                    return program
    return None


def _refusal(headline: str, tried: List[str]) -> str:
    return "\n".join([headline + ".", *("  " + line for line in tried), _INSTALL])
