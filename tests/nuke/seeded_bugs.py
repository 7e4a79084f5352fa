"""Plants mistakes in a copy of plug-in and client, one at a time; a test must catch each.

    python tests/nuke/seeded_bugs.py                  # all of them
    python tests/nuke/seeded_bugs.py proxy undo       # those whose names hold one of the words

Each mistake is one that plug-ins for Nuke make. It is planted by replacing an exact text that is
in the file once; a text that is not there ends the program, so that a mistake cannot get lost when
the code changes. The tests must pass without any mistake first. Prints each mistake with its
catcher; the exit status is 1 when one was not caught, or a test fails as it is. The list is in
`mistakes.py`.
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
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mistakes import MISTAKES, Mistake

REPOSITORY = Path(__file__).resolve().parents[2]
HARMED = ("nuke_plugin", "core/platematte_client")
"""Where a mistake may lie."""
COPIED = (*HARMED, "tests/nuke", "tests/in_nuke")
"""All else is linked, so that nothing may be written there."""
LIMIT_S = 900
"""For one run of tests. A mistake that makes a test hang is a failure like any other."""


class NotPlanted(Exception):
    """The text to replace is not in the file exactly once."""


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("words", nargs="*", help="parts of names of mistakes; none means all")
    words = parser.parse_args().words
    chosen = [m for m in MISTAKES if not words or any(word in m.name for word in words)]
    if not chosen:
        print("no mistake has a name like that")
        return 2
    with tempfile.TemporaryDirectory(prefix="platematte-seeded-") as folder:
        copy = make_copy(Path(folder) / "repository")
        try:
            return run(chosen, copy)
        except NotPlanted as error:
            print(error)
            return 2


def run(chosen: list[Mistake], copy: Path) -> int:
    """Test without a mistake, then with each of them, and print what happened."""
    # All are planted once before the long runs, to hear at once of a text that changed.
    for mistake in chosen:
        plant(mistake, copy)
        restore(copy)
    broken = failures(copy, all_tests())
    for name in broken:
        print("fails without any mistake, and is left out: " + name)
    missed = []
    for number, mistake in enumerate(chosen, 1):
        catcher, seconds = catch(mistake, copy, broken)
        verdict = "caught by " + catcher if catcher else "NOT CAUGHT"
        print(f"{number:2d} {seconds:4.0f} s  {mistake.name}: {verdict}", flush=True)
        if not catcher:
            missed.append(mistake.name)
    print(f"{len(chosen) - len(missed)} of {len(chosen)} mistakes caught")
    return 1 if missed or broken else 0


def catch(mistake: Mistake, copy: Path, broken: list[str]) -> tuple[str, float]:
    """Return the first test that fails with a mistake planted ("" for none), and the seconds."""
    start = time.monotonic()
    plant(mistake, copy)
    try:
        failed = failures(copy, list(mistake.tests), broken)
        # Another file of tests may know it; a mistake is missed only when all of them are silent.
        if not failed:
            failed = failures(copy, all_tests(), broken)
    finally:
        restore(copy)
    return (failed[0] if failed else "", time.monotonic() - start)


def make_copy(target: Path) -> Path:
    """Copy what a mistake or a test may touch, and link the rest of the repository.

    The copy's tests, and the engine that they start, import the copy's own client.
    """
    ignore = shutil.ignore_patterns("__pycache__", "seeded_bugs.py")
    for name in COPIED:
        if (REPOSITORY / name).is_dir():
            shutil.copytree(REPOSITORY / name, target / name, ignore=ignore)
    _link_the_rest(REPOSITORY / "core", target / "core")
    _link_the_rest(REPOSITORY, target, but=(".git", "tests"))
    # What a mistake is undone from: the repository may change during a long run.
    for name in HARMED:
        shutil.copytree(target / name, _unharmed(target, name))
    return target


def _link_the_rest(source: Path, target: Path, but: tuple[str, ...] = ()) -> None:
    for entry in source.iterdir():
        if entry.name not in but and not (target / entry.name).exists():
            (target / entry.name).symlink_to(entry)


def _unharmed(copy: Path, name: str) -> Path:
    return copy.parent / "unharmed" / name


def plant(mistake: Mistake, copy: Path) -> None:
    """Replace the texts of a mistake. Raises NotPlanted where one does not stand exactly once."""
    for name, old, new in mistake.edits:
        path = copy / name
        if not name.startswith(HARMED):
            raise NotPlanted(f"{mistake.name}: {name} lies in the repository, not in the copy")
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            message = "{}: {} holds {} times, not once, the text:\n{}"
            raise NotPlanted(message.format(mistake.name, name, text.count(old), old))
        path.write_text(text.replace(old, new), encoding="utf-8")


def restore(copy: Path) -> None:
    """Put plug-in and client back as they were when they were copied."""
    for name in HARMED:
        shutil.rmtree(copy / name)
        shutil.copytree(_unharmed(copy, name), copy / name)


def all_tests() -> list[str]:
    """Return the files of tests that some mistake names; the others are slow and know no more."""
    return sorted({name for mistake in MISTAKES for name in mistake.tests})


def failures(copy: Path, files: list[str], broken: list[str] | None = None) -> list[str]:
    """Run files of tests and return the names of those that fail.

    broken: tests to leave out; with it the run stops at the first failure.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=no", "-rfE"]
    command += ["--confcutdir=tests/nuke", *([] if broken is None else ["-x"])]
    command += ["--deselect=tests/nuke/" + name for name in broken or []]
    command += ["tests/nuke/" + name for name in files]
    # Bytecode of a planted mistake may be taken for that of the next: same size, same second.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    environment["PYTHONPATH"] = str(copy / "core")
    try:
        ended = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=LIMIT_S
        )
    except subprocess.TimeoutExpired:
        return ["the tests' time limit"]
    if ended.returncode == 0:
        return []
    found = re.findall(r"^(?:FAILED|ERROR) \S*?([^/\s]+\.py\S*)", ended.stdout, re.MULTILINE)
    if ended.returncode != 1 and not found:
        raise RuntimeError("pytest did not run:\n" + ended.stdout[-2000:] + ended.stderr[-2000:])
    return found or ["a test that did not say its name"]


if __name__ == "__main__":
    sys.exit(main())
