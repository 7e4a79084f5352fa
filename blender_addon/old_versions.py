"""Which version folders are old: those that nothing shows, writes or waits for.

Nothing here touches bpy.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from platematte_client.errors import PlateMatteError
from platematte_client.frames import parse_frames
from platematte_client.versions import (
    delete_version,
    frames_in,
    list_versions,
    read_record,
    version_folder,
)

from .disk import describe_bytes, size_of

INPUTS = "inputs"


@dataclass(frozen=True)
class Fate:
    """What becomes of a version folder, and why."""

    folder: Path
    stays: str
    """Why it stays; empty: it goes."""
    maker: str
    """Who made it, where that was another file; empty for ours."""
    size: int
    """Bytes of all its files."""

    def __str__(self) -> str:
        """Return it as a line for people: the version, its size, its reason."""
        maker = f", made by {self.maker}" if self.maker else ""
        reason = f": {self.stays}" if self.stays else ""
        return f"{self.folder.name}{reason} ({describe_bytes(self.size)}{maker})"


def judge(caches: Iterable[Path], used: Mapping[Path, str], ours: str) -> list[Fate]:
    """Return what would become of every version in these cache folders.

    used: folders that stay, with the reason in words. ours: path of the .blend as records have it,
    empty where it was never saved. Raises PlateMatteError for a folder that cannot be read.
    """
    kept = {folder.resolve(): reason for folder, reason in used.items()}
    return [
        _judge_one(version_folder(cache, number), kept, ours)
        for cache in sorted({cache.resolve() for cache in caches})
        for number in list_versions(cache)
    ]


def delete(fates: Iterable[Fate]) -> list[Path]:
    """Delete what goes; return the folders that remain because files of others are in them.

    Raises PlateMatteError for what cannot be deleted.
    """
    gone = [fate.folder for fate in fates if not fate.stays]
    for folder in gone:
        delete_version(folder)
    return [folder for folder in gone if folder.exists()]


def _judge_one(folder: Path, kept: Mapping[Path, str], ours: str) -> Fate:
    record = read_record(folder) or {}
    stays = kept.get(folder, "")
    if not stays and _is_awaited(folder, record):
        stays = "unfinished, a farm or another Blender may be at work on it"
    blend = str(record.get("script") or "")
    maker = Path(blend).name if blend and blend != ours else ""
    return Fate(folder, stays, maker, size_of(folder))


def _is_awaited(folder: Path, record: Mapping[str, object]) -> bool:
    """Whether inputs lie there for frames that are not: whoever mattes them would lose them.

    A run that has ended removes its inputs, also when it was cancelled.
    """
    if not (folder / INPUTS).is_dir():
        return False
    shot = record.get("shot")
    text = shot.get("frames", "") if isinstance(shot, dict) else ""
    try:
        wanted = set(parse_frames(str(text)))
    except PlateMatteError:
        # Without a record the capture has not ended yet.
        return True
    return not wanted <= set(frames_in(folder))
