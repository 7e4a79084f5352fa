"""Builds the extension with Blender's own tool, and a repository of it that users add by its URL.

    python blender_addon/package.py [FOLDER]     writes to FOLDER, else to dist/:

    platematte-blender-VERSION.zip     the extension, with client and icons, to install from disk
    blender-repository/                the same with index.json and index.html, for any web server

The tool is that of a `bpy` environment of the tests, else of a `blender` on PATH.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "blender"))

import environments

from client_wheel import build_wheel, read_version

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
NOT_IN_IT = frozenset(("package.py", "client_wheel.py", "ruff.toml"))
"""What builds and checks the add-on."""
_SUFFIXES = frozenset((".py", ".toml", ".md", ".png"))
_EPOCH_S = 315619200
"""1 January 1980 and a day, in every time zone: zip files know no earlier time."""
_NEEDED = """Blender's extension tool was not found. One of these has it:
  a Blender 4.2 or newer, as `blender` on PATH
  the environments of the tests: python tests/blender/environments.py --make 4.2"""


class NotBuilt(Exception):
    """There is no package; the text says why."""


def package_files() -> dict[str, Path]:
    """Return the files of the extension by their names in the zip, but for the client's wheel."""
    files = {"LICENSE": HERE / "LICENSE"}
    for path in sorted((REPOSITORY / "icons").glob("*.png")):
        files["icons/" + path.name] = path
    for path in sorted(HERE.rglob("*")):
        is_ours = path.suffix in _SUFFIXES and path.name not in NOT_IN_IT
        if is_ours and "wheels" not in path.parts:
            files[path.relative_to(HERE).as_posix()] = path
    return files


def find_tool() -> list[str]:
    """Return the command line of an extension tool, the oldest first. Raises NotBuilt."""
    for series in environments.RELEASES:
        try:
            return tool_of(environments.find_environment(series))
        except environments.NoBlender:
            continue
    blender = shutil.which("blender")
    if blender is None or not _has_extensions(blender):
        raise NotBuilt(_NEEDED)
    return [blender, "--background", "--factory-startup", "--command", "extension"]


def tool_of(python: str) -> list[str]:
    """Return the command line of the extension tool in an environment with `bpy`.

    Raises NotBuilt.
    """
    packages = Path(python).parents[1]
    found = sorted(packages.glob("**/bpy/*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    if not found:
        raise NotBuilt(f"there is no extension tool in {packages}")
    return [python, str(found[-1])]


def build_extension(folder: Path, tool: list[str]) -> Path:
    """Write the zip and return its path. Raises NotBuilt, in the words of Blender's tool."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder.resolve() / f"platematte-blender-{read_version()}.zip"
    with tempfile.TemporaryDirectory(prefix="platematte-") as scratch:
        source = Path(scratch, "platematte")
        _gather(source)
        tags = [] if tool[1].startswith("--") else [f"--valid-tags={_tags_of(tool)}"]
        run_tool(tool, "build", f"--source-dir={source}", f"--output-filepath={path}", *tags)
    return path


def build_repository(folder: Path, package: Path, tool: list[str]) -> Path:
    """Write a static repository of the package and return its index. Raises NotBuilt."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    shutil.copy2(package, folder)
    run_tool(tool, "server-generate", f"--repo-dir={folder}", "--html")
    return folder / "index.json"


def run_tool(tool: list[str], *arguments: str) -> str:
    """Run a command of the extension tool and return what it says. Raises NotBuilt."""
    done = subprocess.run([*tool, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotBuilt(f"{arguments[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _gather(target: Path) -> None:
    """Lay the extension out as a folder; modes and times are the same wherever it is built."""
    for name, source in package_files().items():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target / name)
    build_wheel(target / "wheels")
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (_EPOCH_S, _EPOCH_S))


def _tags_of(tool: list[str]) -> Path:
    scripts = Path(tool[1]).parents[3]
    return scripts / "modules" / "_bpy_internal" / "extensions" / "tags.py"


def _has_extensions(blender: str) -> bool:
    command = [blender, "--background", "--factory-startup", "--command", "extension", "--help"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def main(arguments: list[str]) -> int:
    """Build both, print their paths and return the exit status."""
    folder = Path(arguments[0] if arguments else "dist")
    try:
        tool = find_tool()
        package = build_extension(folder, tool)
        index = build_repository(folder / "blender-repository", package, tool)
    except NotBuilt as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{package}\n{index}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
