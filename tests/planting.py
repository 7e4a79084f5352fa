"""Plants mistakes in a copy of the repository, one at a time, and demands a test that catches each.

A mistake is planted by replacing an exact text that is in a file once; a text that is not there is
an error, so that a mistake cannot get lost when the code changes. What lies where, and how tests
are run, says a `Field`: nuke/seeded_bugs.py has one, blender_versions/plant_addon_mistakes.py two.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parents[1]


class NotPlanted(Exception):
    """The text to replace is not in the file exactly once."""


class Mistake(NamedTuple):
    """A slip and the texts that it is made of."""

    name: str
    tests: tuple[str, ...]
    """Files that run first; those of all mistakes run where these are silent."""
    edits: tuple[tuple[str, str, str], ...]
    """(file, text, what stands there instead)."""


@dataclass(frozen=True)
class Field:
    """Where mistakes may lie, and the tests that are to catch them."""

    mistakes: list[Mistake]
    harmed: tuple[str, ...]
    """Folders in which a mistake may lie."""
    tests: str
    """Folder of the tests."""
    copied: tuple[str, ...] = ()
    """What else is copied; all the rest is linked, so that nothing may write there."""
    options: tuple[str, ...] = ()
    """Of pytest."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that the tests are started with, beside those of this process."""
    paths: tuple[str, ...] = ("core",)
    """Folders of the copy that the tests import from."""
    python: str = sys.executable
    limit_s: float = 900
    """For one run of tests. A mistake that makes a test hang is a failure like any other."""

    def choose(self, words: Sequence[str]) -> list[Mistake]:
        """Return the mistakes whose names hold one of the words; without any word, all."""
        return [m for m in self.mistakes if not words or any(word in m.name for word in words)]

    def try_out(self, chosen: list[Mistake]) -> int:
        """Plant mistakes in a copy of their own, print what happened; return the exit status."""
        with tempfile.TemporaryDirectory(prefix="platematte-seeded-") as folder:
            try:
                return self.run(chosen, self.make_copy(Path(folder) / "repository"))
            except NotPlanted as error:
                print(error)
                return 2

    def run(self, chosen: list[Mistake], copy: Path) -> int:
        """Test without a mistake, then with each of them, and print what happened."""
        # All are planted once before the long runs, to hear at once of a text that changed.
        for mistake in chosen:
            self.plant(mistake, copy)
            self.restore(copy)
        broken = self.failures(copy, self.all_tests())
        for name in broken:
            print("fails without any mistake, and is left out: " + name)
        missed = []
        for number, mistake in enumerate(chosen, 1):
            catcher, seconds = self.catch(mistake, copy, broken)
            verdict = "caught by " + catcher if catcher else "NOT CAUGHT"
            print(f"{number:2d} {seconds:4.0f} s  {mistake.name}: {verdict}", flush=True)
            if not catcher:
                missed.append(mistake.name)
        print(f"{len(chosen) - len(missed)} of {len(chosen)} mistakes caught")
        return 1 if missed or broken else 0

    def catch(self, mistake: Mistake, copy: Path, broken: list[str]) -> tuple[str, float]:
        """Return the first test that fails with a mistake ("" for none), and the seconds."""
        start = time.monotonic()
        self.plant(mistake, copy)
        try:
            failed = self.failures(copy, list(mistake.tests), broken)
            # Another file of tests may know it; a mistake is missed only when all are silent.
            if not failed:
                failed = self.failures(copy, self.all_tests(), broken)
        finally:
            self.restore(copy)
        return (failed[0] if failed else "", time.monotonic() - start)

    def make_copy(self, target: Path) -> Path:
        """Copy what a mistake or a test may touch, and link the rest of the repository.

        The copy's tests, and what they start, import what was copied.
        """
        ignore = shutil.ignore_patterns("__pycache__", "seeded_bugs.py")
        for name in (*self.harmed, self.tests, *self.copied):
            if (REPOSITORY / name).is_dir():
                shutil.copytree(REPOSITORY / name, target / name, ignore=ignore)
        for folder in ("core", "tests"):
            (target / folder).mkdir(parents=True, exist_ok=True)
            _link_the_rest(REPOSITORY / folder, target / folder)
        _link_the_rest(REPOSITORY, target)
        # What a mistake is undone from: the repository may change during a long run.
        for name in self.harmed:
            shutil.copytree(target / name, _unharmed(target, name))
        return target

    def plant(self, mistake: Mistake, copy: Path) -> None:
        """Replace the texts of a mistake. Raises NotPlanted where one does not stand once."""
        for name, old, new in mistake.edits:
            path = copy / name
            if not name.startswith(self.harmed):
                raise NotPlanted(f"{mistake.name}: {name} lies in the repository, not in the copy")
            text = path.read_text(encoding="utf-8")
            if text.count(old) != 1:
                message = "{}: {} holds {} times, not once, the text:\n{}"
                raise NotPlanted(message.format(mistake.name, name, text.count(old), old))
            path.write_text(text.replace(old, new), encoding="utf-8")

    def restore(self, copy: Path) -> None:
        """Put everything back as it was when it was copied."""
        for name in self.harmed:
            shutil.rmtree(copy / name)
            shutil.copytree(_unharmed(copy, name), copy / name)

    def all_tests(self) -> list[str]:
        """Return the files of tests that some mistake names; the others know no more."""
        return sorted({name for mistake in self.mistakes for name in mistake.tests})

    def failures(self, copy: Path, files: list[str], broken: list[str] | None = None) -> list[str]:
        """Run files of tests and return the names of those that fail.

        broken: tests to leave out; with it the run stops at the first failure.
        """
        command = [self.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", "-rfE"]
        command += [*self.options, *([] if broken is None else ["-x"])]
        command += [f"--deselect={self.tests}/{name}" for name in broken or []]
        command += [f"{self.tests}/{name}" for name in files]
        environment = {**os.environ, **self.environment, "OMP_NUM_THREADS": "1"}
        # Bytecode of a planted mistake may be taken for that of the next: same size, same second.
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        environment["PYTHONPATH"] = os.pathsep.join(str(copy / path) for path in self.paths)
        try:
            ended = subprocess.run(
                command,
                cwd=copy,
                env=environment,
                capture_output=True,
                text=True,
                timeout=self.limit_s,
            )
        except subprocess.TimeoutExpired:
            return ["the tests' time limit"]
        return _names_of_failed(ended)


def main(fields: Sequence[Field], text: str) -> int:
    """Plant the mistakes of the command line in these fields; return the exit status.

    text: says what the program does.
    """
    parser = argparse.ArgumentParser(description=text)
    parser.add_argument("words", nargs="*", help="parts of names of mistakes; none means all")
    words = parser.parse_args().words
    chosen = [(field, field.choose(words)) for field in fields]
    if not any(mistakes for _, mistakes in chosen):
        print("no mistake has a name like that")
        return 2
    return max(field.try_out(mistakes) for field, mistakes in chosen if mistakes)


def _names_of_failed(ended: subprocess.CompletedProcess[str]) -> list[str]:
    if ended.returncode == 0:
        return []
    found = re.findall(r"^(?:FAILED|ERROR) \S*?([^/\s]+\.py\S*)", ended.stdout, re.MULTILINE)
    if ended.returncode < 0:
        return found or [f"signal {-ended.returncode}: the host crashed"]
    if ended.returncode != 1 and not found:
        raise RuntimeError("pytest did not run:\n" + ended.stdout[-2000:] + ended.stderr[-2000:])
    return found or ["a test that did not say its name"]


def _link_the_rest(source: Path, target: Path) -> None:
    for entry in source.iterdir():
        if entry.name != ".git" and not (target / entry.name).exists():
            (target / entry.name).symlink_to(entry)


def _unharmed(copy: Path, name: str) -> Path:
    return copy.parent / "unharmed" / name
