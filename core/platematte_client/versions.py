"""Version folders: v001, v002 and so on, each made once and never used again.

CACHE/v001/matte.1001.exr      what the engine wrote; with several views matte.left.1001.exr
CACHE/v001/job.json            what it was made with
CACHE/v001/thumbnail.png       the alpha of its newest frame, for people
CACHE/v001/inputs/             the exported inputs, while they are needed
"""

import json
import re
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Set, Tuple

from platematte_client.errors import PlateMatteError

_FOLDER = re.compile(r"v(\d{3,})")
# As %04d writes it: the sign is one of the four digits.
_FRAME = re.compile(r"matte\.(?:([A-Za-z_]\w*)\.)?(-\d{3,}|\d{4,})\.exr")
PATTERN, PATTERN_OF_VIEWS = "matte.%04d.exr", "matte.%V.%04d.exr"
RECORD = "job.json"
THUMBNAIL = "thumbnail.png"
SETTINGS = "settings.json"
_HALF = ".half-" + RECORD
MOST_TRIES = 1000


def version_folder(cache: Path, version: int) -> Path:
    """Return the folder of a version, whether it is there or not."""
    return cache / "v{:03d}".format(version)


def list_versions(cache: Path) -> List[int]:
    """Return the numbers of the version folders that there are, ascending."""
    try:
        names = [entry.name for entry in cache.iterdir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise PlateMatteError(
            "{}: the versions in this folder cannot be read: {}.".format(cache, error.strerror),
            "Choose another cache folder.",
        ) from error
    matches = [_FOLDER.fullmatch(name) for name in names]
    return sorted(int(match.group(1)) for match in matches if match)


def make_version(cache: Path) -> Tuple[int, Path]:
    """Make the next version folder and return its number and path.

    Safe against other programs that do the same in the same folder. Raises PlateMatteError when
    the cache folder cannot be written to.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        version = (list_versions(cache) or [0])[-1]
        for _ in range(MOST_TRIES):
            version += 1
            folder = version_folder(cache, version)
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return version, folder
    except OSError as error:
        raise PlateMatteError(
            "{}: no version folder can be made there: {}.".format(cache, error.strerror),
            "Choose another cache folder, or check permissions and free space.",
        ) from error
    raise PlateMatteError("{}: others make versions faster than we can.".format(cache))


def pattern_for(views: Sequence[str]) -> str:
    """Return the name of the frames, with Nuke's field for the view where there are several."""
    return PATTERN_OF_VIEWS if len(views) > 1 else PATTERN


def views_in(folder: Path) -> Tuple[str, ...]:
    """Return the views that a version is made of: by its record, else by the names of its files.

    One without a name where they name none.
    """
    told = (read_record(folder) or {}).get("views")
    return tuple(told or sorted(_frames_by_view(folder)) or ("",))


def frames_in(folder: Path) -> Tuple[int, ...]:
    """Return the numbers of the frames that are finished in all views, ascending.

    None where there is no such folder, or none that can be read.
    """
    found = _frames_by_view(folder)
    views = views_in(folder)
    wanted = views if len(views) > 1 else ("",)
    return tuple(sorted(set.intersection(*(found.get(view, set()) for view in wanted))))


def _frames_by_view(folder: Path) -> Dict[str, Set[int]]:
    try:
        names = [entry.name for entry in folder.iterdir()]
    except OSError:
        return {}
    found: Dict[str, Set[int]] = {}
    for match in (_FRAME.fullmatch(name) for name in names):
        if match:
            found.setdefault(match.group(1) or "", set()).add(int(match.group(2)))
    return found


def as_json(content: Any) -> str:
    """Return content as text for people and programs; what is no ASCII is escaped."""
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def write_record(folder: Path, record: Dict[str, Any]) -> Path:
    """Write what a version is made with, whole or not at all, and return the file."""
    path = folder / RECORD
    half = folder / _HALF
    half.write_text(as_json(record), encoding="utf-8")
    half.replace(path)
    return path


def read_record(folder: Path) -> Optional[Dict[str, Any]]:
    """Return what a version was made with; None when there is no record that can be read."""
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None


def delete_version(folder: Path) -> None:
    """Delete the files that we write in a version folder, and the folder if nothing is left.

    Whoever calls has asked first. Files of others are left where they are. Raises PlateMatteError
    for what cannot be deleted.
    """
    try:
        for path in folder.iterdir():
            if _FRAME.fullmatch(path.name) or path.name in (RECORD, SETTINGS, THUMBNAIL, _HALF):
                path.unlink()
        remove_inputs(folder)
        remove_if_empty(folder)
    except OSError as error:
        raise PlateMatteError(
            "{}: not all of it can be deleted: {}.".format(folder, error.strerror),
            "Check permissions, or delete the folder by hand.",
        ) from error


def abandon(folder: Path) -> None:
    """Remove a version folder in which nothing was computed; what resists stays there."""
    try:
        delete_version(folder)
    except PlateMatteError:
        # The error that led here says more.
        return


def remove_inputs(folder: Path) -> None:
    """Delete the exported inputs of a version."""
    inputs = folder / "inputs"
    if not inputs.is_dir():
        return
    for path in inputs.iterdir():
        if path.suffix in (".exr", ".tmp"):
            path.unlink()
    remove_if_empty(inputs)


def remove_if_empty(folder: Path) -> None:
    """Remove a folder unless something is in it."""
    if not any(folder.iterdir()):
        folder.rmdir()
