"""Sequences of files as patterns, as the engine names them; looks at names, never into files."""

import re
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

IMAGES = frozenset(
    (".exr", ".dpx", ".tif", ".tiff", ".png", ".jpg", ".jpeg", ".hdr", ".tga", ".cin")
)
MOVIES = frozenset((".mov", ".mp4", ".m4v", ".mkv", ".avi", ".mxf", ".webm"))
_NUMBERED = re.compile(r"(.*[._])(-?\d+)")
_FIELD = re.compile(r"#+|%0?(\d*)d")


def pattern_of(path: Path) -> str:
    """Return the pattern of the sequence that a file belongs to, else the file's own path.

    `plate.1001.exr` becomes `plate.####.exr` where another number lies beside it.
    """
    match = _NUMBERED.fullmatch(path.stem)
    if match is None or path.suffix.lower() in MOVIES:
        return path.as_posix()
    name = "{}{}{}".format(match.group(1), "#" * len(match.group(2)), path.suffix)
    pattern = path.with_name(name).as_posix()
    return pattern if len(frames_of(pattern)) > 1 else path.as_posix()


def frames_of(pattern: str) -> List[int]:
    """Return the numbers of a pattern's files, ascending; empty for a name without a number."""
    path = Path(pattern)
    field = _FIELD.search(path.name)
    if field is None or not path.parent.is_dir():
        return []
    before, after = path.name[: field.start()], path.name[field.end() :]
    text = field.group()
    padding = len(text) if text.startswith("#") else int(field.group(1) or 1)
    wanted = re.compile("{}(-?\\d{{{},}}){}".format(re.escape(before), padding, re.escape(after)))
    matches = (wanted.fullmatch(entry.name) for entry in path.parent.iterdir())
    return sorted(int(match.group(1)) for match in matches if match)


def file_of(pattern: str, frame: int) -> Path:
    """Return the file of a frame; a name without a number stands for every frame."""

    def digits(match: "re.Match[str]") -> str:
        text = match.group()
        padding = len(text) if text.startswith("#") else int(match.group(1) or 1)
        return "{:0{}d}".format(frame, padding)

    path = Path(pattern)
    return path.with_name(_FIELD.sub(digits, path.name))


def describe_range(pattern: str) -> str:
    """Return what a pattern holds, for people: "1001-1100", with the count where there are holes.

    "all" where that cannot be known without opening a file.
    """
    numbers = frames_of(pattern)
    if not numbers:
        return "all"
    first, last = numbers[0], numbers[-1]
    if first == last:
        return str(first)
    whole = len(numbers) == last - first + 1
    return "{}-{}{}".format(first, last, "" if whole else " ({} frames)".format(len(numbers)))


def guess_shot(paths: Sequence[Path]) -> Tuple[Optional[str], Optional[str]]:
    """Return plate and clean plate among files and folders by their names; None for a doubt.

    The clean plate has `clean` in its file's or folder's name. The plate is what has `plate` in
    it, or the one that is left. Of a folder its files and those of its folders count.
    """
    found: Dict[str, bool] = {}
    for path in paths:
        for image in _images_in(path):
            found.setdefault(pattern_of(image), _says(image, "clean"))
    cleans = [pattern for pattern, is_clean in found.items() if is_clean]
    others = [pattern for pattern, is_clean in found.items() if not is_clean]
    plates = [pattern for pattern in others if _says(Path(pattern), "plate")]
    return _only(plates) or _only(others), _only(cleans)


def _images_in(path: Path) -> List[Path]:
    if not path.is_dir():
        return [path] if _is_image(path) else []
    images: List[Path] = []
    for entry in sorted(path.iterdir()):
        if entry.is_dir() and not entry.name.startswith("."):
            images += [inner for inner in sorted(entry.iterdir()) if _is_image(inner)]
        elif _is_image(entry):
            images.append(entry)
    return images


def _is_image(path: Path) -> bool:
    known = path.suffix.lower() in IMAGES or path.suffix.lower() in MOVIES
    return known and not path.name.startswith(".") and path.is_file()


def _says(path: Path, word: str) -> bool:
    return word in path.name.lower() or word in path.parent.name.lower()


def _only(patterns: List[str]) -> Optional[str]:
    return patterns[0] if len(patterns) == 1 else None
