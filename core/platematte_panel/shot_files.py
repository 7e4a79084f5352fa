"""Shots on disk, outside of a host: the rows of `platematte gui`. No Qt."""

import itertools
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence

from platematte_client.engine import Engine
from platematte_client.messages import Progress
from platematte_client.pace import Pace
from platematte_panel.orders import LIST_SUFFIXES, ListInvalid, Order, read_list
from platematte_panel.patterns import file_of, frames_of, guess_shot
from platematte_panel.rows import (
    DONE,
    NEW,
    RUNNING,
    STALE,
    UNFINISHED,
    WAITING,
    Row,
)
from platematte_panel.shots import Shots
from platematte_panel.work import Begun, Ended, Event, Settings, Worker

Post = Callable[[Callable[[], None]], None]
"""Runs a call on the user interface's thread, sooner or later; may be called on any thread."""

CLOSING_PATIENCE_S = 10.0
_ROLES = (
    ("plate", "plate"),
    ("clean", "clean plate"),
    ("garbage", "garbage matte"),
    ("core", "core matte"),
)


class _Shot:
    """What is known of one shot. Only the user interface's thread touches it."""

    def __init__(self, key: str, order: Order) -> None:
        self.key = key
        self.order = order
        self.frames = order.describe_frames()
        self.state = NEW
        self.stage = self.reason = self.folder = self.thumbnail = ""
        self.done = self.total = 0
        self.pace = Pace()
        self.made_from: Dict[str, Any] = {}
        self.last_good = ("", "")

    def begin(self) -> None:
        """Forget the last run, but for its folder and picture, until there are new ones."""
        self.last_good = (self.folder, self.thumbnail)
        self.state, self.stage, self.reason = WAITING, "", ""
        self.done = self.total = 0
        self.pace = Pace()

    def take(self, progress: Progress) -> None:
        self.state = RUNNING
        self.done, self.total = progress.done, progress.total or self.total
        self.pace.note(progress)
        if progress.kind == "stage":
            self.stage = progress.message
        if progress.thumbnail:
            self.thumbnail = progress.thumbnail

    def end(self, ended: Ended) -> None:
        self.state, self.reason = ended.state, ended.reason
        if ended.is_empty:
            self.folder, self.thumbnail = self.last_good

    def as_row(self) -> Row:
        return Row(
            key=self.key,
            name=self.order.name,
            frames=self.frames,
            plate=self.order.plate,
            clean=self.order.clean,
            state=self.state,
            stage=self.stage,
            done=self.done,
            total=self.total,
            seconds_left=self.pace.seconds_left(),
            reason=self.reason,
            folder=self.folder,
            thumbnail=self.thumbnail,
        )


class ShotFiles(Shots):
    """Shots that the artist adds, matted by an engine of their own process."""

    noun = "shot"
    can_add = True

    def __init__(self, engine: Engine, settings: Settings, post: Post) -> None:
        """Take the engine, its settings for all shots, and what reaches the UI's thread."""
        self._post = post
        self._worker = Worker(engine, settings, self._hear)
        self._shots: Dict[str, _Shot] = {}
        self._numbers = itertools.count(1)
        self._changed: Callable[[], None] = lambda: None

    def rows(self) -> List[Row]:
        """Return the shots in the order in which they were added."""
        return [shot.as_row() for shot in self._shots.values()]

    def watch(self, changed: Callable[[], None]) -> None:
        """Call this whenever a shot has changed."""
        self._changed = changed

    def refresh(self) -> None:
        """Notice inputs that were written again since they were matted."""
        for shot in self._shots.values():
            if shot.state in (DONE, STALE):
                changed = _changes(shot.made_from, _stamp(shot.order))
                if changed:
                    shot.state, shot.reason = STALE, changed
        self._changed()

    def add(self, order: Order) -> None:
        """Add a shot."""
        self._add(order)
        self._changed()

    def add_paths(self, paths: Sequence[str]) -> List[str]:
        """Add lists of shots, and the shot that all other files and folders make together."""
        problems, images = [], []
        for path in map(Path, paths):
            if path.suffix.lower() in LIST_SUFFIXES and path.is_file():
                try:
                    for order in read_list(path):
                        self._add(order)
                except ListInvalid as error:
                    problems.append(str(error))
            else:
                images.append(path)
        problems += self._add_images(images)
        self._changed()
        return problems

    def _add(self, order: Order) -> None:
        key = "shot {}".format(next(self._numbers))
        self._shots[key] = _Shot(key, order)

    def _add_images(self, paths: List[Path]) -> List[str]:
        problems = []
        for group in _groups(paths):
            plate, clean = guess_shot(group)
            if plate and clean:
                self._add(Order(plate, clean))
            else:
                problems.append(_doubt(group, plate, clean))
        return problems

    def remove(self, keys: Sequence[str]) -> None:
        """Take shots out of the table; files stay where they are."""
        for key in keys:
            if key in self._shots and self._shots[key].state not in UNFINISHED:
                del self._shots[key]
        self._changed()

    def start(self, keys: Sequence[str]) -> None:
        """Queue these shots."""
        for key in keys:
            shot = self._shots.get(key)
            if shot is not None and shot.state not in UNFINISHED:
                shot.begin()
                self._worker.put(key, shot.order)
        self._changed()

    def stop(self, keys: Sequence[str]) -> None:
        """Cancel these shots."""
        for key in keys:
            self._worker.cancel(key)
        self._changed()

    def close(self) -> None:
        """Cancel what is left and end the engine; blocks for up to some seconds."""
        self._worker.close(CLOSING_PATIENCE_S)

    def _hear(self, key: str, event: Event) -> None:
        # On the worker's thread, which must not touch what the table reads.
        stamp: Optional[Dict[str, Any]] = None
        shot = self._shots.get(key)
        if isinstance(event, Begun) and shot is not None:
            stamp = _stamp(shot.order)
        self._post(lambda: self._take(key, event, stamp))

    def _take(self, key: str, event: Event, stamp: Optional[Dict[str, Any]]) -> None:
        shot = self._shots.get(key)
        if shot is None:
            return
        if isinstance(event, Begun):
            shot.state, shot.folder = RUNNING, str(event.folder)
            shot.made_from = stamp or {}
        elif isinstance(event, Progress):
            shot.take(event)
        else:
            shot.end(event)
        self._changed()


def _groups(paths: List[Path]) -> List[List[Path]]:
    """Return what belongs together: all of it where that is one shot, else folder by folder."""
    if not paths or all(guess_shot(paths)):
        return [paths] if paths else []
    files = [path for path in paths if not path.is_dir()]
    return [[path] for path in paths if path.is_dir()] + ([files] if files else [])


def _stamp(order: Order) -> Dict[str, Any]:
    """Return size and time of the inputs' files, at both ends of a sequence."""
    found: Dict[str, Any] = {}
    for role, _ in _ROLES:
        pattern = getattr(order, role)
        if not pattern:
            continue
        numbers = frames_of(pattern) or [0]
        paths = {file_of(pattern, number) for number in (numbers[0], numbers[-1])}
        found[role] = sorted(_facts(path) for path in paths)
    return found


def _facts(path: Path) -> List[Any]:
    try:
        status = path.stat()
    except OSError:
        return [str(path), 0, 0]
    return [str(path), status.st_size, status.st_mtime_ns]


def _changes(before: Dict[str, Any], now: Dict[str, Any]) -> str:
    words = [word for role, word in _ROLES if before.get(role) != now.get(role)]
    return "{} changed since".format(" and ".join(words)) if words else ""


def _doubt(paths: List[Path], plate: Optional[str], clean: Optional[str]) -> str:
    missing = " and ".join(
        word for word, found in (("plate", plate), ("clean plate", clean)) if not found
    )
    return (
        "{}: it is not clear which is the {}.\nUse Add shot and name them, or give the files names "
        "with `plate` and `clean` in them.".format(", ".join(map(str, paths)), missing)
    )
