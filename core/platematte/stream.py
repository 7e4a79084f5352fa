"""Threads around the device: frames are read before they are needed and written behind it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class ReadAhead(Generic[_Item]):
    """Runs an iterable in a thread, a few items ahead of who takes them.

    Use it as a context manager; leaving stops the thread. What the iterable raises is raised
    where the next item is taken.
    """

    def __init__(self, items: Iterable[_Item], ahead: int) -> None:
        """Take the items and how many may wait."""
        self._items = items
        self._queue: queue.Queue[tuple[str, object]] = queue.Queue(maxsize=ahead)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="read-ahead", daemon=True)

    def __enter__(self) -> ReadAhead[_Item]:
        """Start reading."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop reading; what was read and not taken is dropped."""
        self._stopped.set()
        self._thread.join()

    def __iter__(self) -> Iterator[_Item]:
        """Yield the items in their order."""
        while True:
            kind, item = self._queue.get()
            if kind == "end":
                return
            if kind == "error":
                raise item  # type: ignore[misc]
            yield item  # type: ignore[misc]

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._offer("item", item):
                    return
        except BaseException as error:
            self._offer("error", error)
        else:
            self._offer("end", None)

    def _offer(self, kind: str, item: object) -> bool:
        while not self._stopped.is_set():
            try:
                self._queue.put((kind, item), timeout=0.1)
            except queue.Full:
                continue
            return True
        return False


class WriteBehind:
    """Runs tasks in one thread, in their order, a few behind who gives them.

    Use it as a context manager. Leaving waits for every task that was given, whatever happened
    meanwhile: a frame that was computed is written. The first error is raised at the next `put`
    or on leaving, and the tasks after it are not run.
    """

    def __init__(self, behind: int) -> None:
        """Take how many tasks may wait."""
        self._queue: queue.Queue[Callable[[], None] | None] = queue.Queue(maxsize=behind)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="write-behind", daemon=True)

    def __enter__(self) -> WriteBehind:
        """Start the thread."""
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for all tasks; raises their first error unless another one is on its way."""
        self._queue.put(None)
        self._thread.join()
        if kind is None:
            self._raise()

    def put(self, task: Callable[[], None]) -> None:
        """Give a task; waits while too many are open."""
        self._raise()
        self._queue.put(task)

    def _raise(self) -> None:
        if self._error is not None:
            error, self._error = self._error, None
            raise error

    def _run(self) -> None:
        is_broken = False
        while (task := self._queue.get()) is not None:
            if is_broken:
                continue
            try:
                task()
            except BaseException as error:
                self._error, is_broken = error, True
