"""Version folders v001, v002 and so on: each is made once and never used again."""

import re
from pathlib import Path

PATTERN = "matte.####.exr"
THUMBNAIL = "thumbnail.png"
_VERSION = re.compile(r"v(\d{3,})")
MOST_TRIES = 1000


class FolderUnusable(OSError):
    """No version folder can be made; the text names the folder, the reason and what to do."""


def make_version(parent: Path) -> Path:
    """Make the version folder after the highest that is there, and return it.

    Safe against other programs that do the same in the same folder. Raises FolderUnusable.
    """
    try:
        parent.mkdir(parents=True, exist_ok=True)
        names = (_VERSION.fullmatch(entry.name) for entry in parent.iterdir())
        number = max((int(match.group(1)) for match in names if match), default=0)
        for _ in range(MOST_TRIES):
            number += 1
            folder = parent / "v{:03d}".format(number)
            try:
                folder.mkdir()
            except FileExistsError:
                continue
            return folder
    except OSError as error:
        raise FolderUnusable(
            "{}: no version folder can be made there: {}.\nChoose another folder for the result, "
            "or check permissions and free space.".format(parent, error.strerror or error)
        ) from error
    raise FolderUnusable("{}: others make versions faster than we can.".format(parent))


def remove_if_empty(folder: Path) -> bool:
    """Remove a folder unless something is in it; return whether it is gone."""
    try:
        folder.rmdir()
    except OSError:
        return not folder.exists()
    return True
