"""Packs the plug-in, client, panel and icons into one zip that needs nothing else in Nuke.

python nuke_plugin/package.py [FOLDER]     writes FOLDER/platematte-nuke-VERSION.zip; else dist/
"""

import re
import sys
import zipfile
from pathlib import Path
from typing import Dict

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
_NOT_IN_IT = frozenset(("package.py", "ruff.toml"))
_FROM_CORE = ("platematte_client", "platematte_panel")
_SUFFIXES = frozenset((".py", ".gizmo", ".png", ".md"))
_EPOCH = (1980, 1, 1, 0, 0, 0)


def package_files() -> Dict[str, Path]:
    """Return the files of the package by their names in the zip."""
    files = {"PlateMatte/LICENSE": REPOSITORY / "LICENSE"}
    for path in sorted(HERE.rglob("*")):
        if path.suffix in _SUFFIXES and path.name not in _NOT_IN_IT:
            files["PlateMatte/" + path.relative_to(HERE).as_posix()] = path
    core = REPOSITORY / "core"
    for package in _FROM_CORE:
        for path in sorted((core / package).rglob("*.py")):
            files["PlateMatte/" + path.relative_to(core).as_posix()] = path
    return files


def read_version() -> str:
    """Return the version of the engine, which is the plug-in's as well."""
    text = (REPOSITORY / "core" / "platematte" / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if match is None:
        raise SystemExit("core/platematte/__init__.py does not say its version")
    return match.group(1)


def build_package(folder: Path) -> Path:
    """Write the zip and return its path. The same files give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "platematte-nuke-{}.zip".format(read_version())
    half = path.with_suffix(".half")
    with zipfile.ZipFile(str(half), "w", zipfile.ZIP_DEFLATED) as package:
        for name, source in package_files().items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            package.writestr(entry, source.read_bytes())
    half.replace(path)
    return path


if __name__ == "__main__":
    print(build_package(Path(sys.argv[1] if len(sys.argv) > 1 else "dist")))
