"""What stands between the panel and its host: where rows come from and what is done to them.

`work.py` and `shot_files.py` do it for files outside of a host, the Nuke plug-in for nodes. Every
method is called on the thread of the user interface, and must not block it for long.
"""

from typing import Callable, List, Sequence

from platematte_panel.orders import Order
from platematte_panel.rows import Row


class Shots:
    """A source of rows. Keys that are not known any more are ignored.

    A source that cannot add rows needs neither `add` and `add_paths` nor `remove`, and one that
    cannot reveal needs no `reveal`: the panel has no button for them then.
    """

    noun = "shot"
    """What a row is, in the singular."""
    can_add = False
    """Whether the artist adds and removes rows here; else they follow from the host."""
    can_reveal = False
    """Whether the host can show where a row comes from."""
    poll_s = 0.0
    """Seconds between two looks at the rows; 0: the source tells of changes itself."""

    def rows(self) -> List[Row]:
        """Return all rows, in their order."""
        raise NotImplementedError

    def watch(self, changed: Callable[[], None]) -> None:
        """Call this, on the user interface's thread, whenever rows may have changed."""

    def refresh(self) -> None:
        """Look again at what may have changed outside, such as files that were written anew."""

    def start(self, keys: Sequence[str]) -> None:
        """Matte these rows, one after the other, each into a new version folder.

        Rows that wait or run already are left alone. What is wrong with a row becomes its state.
        """
        raise NotImplementedError

    def stop(self, keys: Sequence[str]) -> None:
        """Cancel these rows where they wait or run; frames that are finished are kept."""
        raise NotImplementedError

    def reveal(self, key: str) -> None:
        """Show where a row comes from. Raises RuntimeError, with a text for the artist."""
        raise NotImplementedError

    def add(self, order: Order) -> None:
        """Add a shot."""
        raise NotImplementedError

    def add_paths(self, paths: Sequence[str]) -> List[str]:
        """Add what files and folders name; return, in words, what is wrong with the others."""
        raise NotImplementedError

    def remove(self, keys: Sequence[str]) -> None:
        """Take rows out of the table; those that wait or run stay. No file is touched."""
        raise NotImplementedError
