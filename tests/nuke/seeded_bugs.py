"""Plants mistakes in a copy of plug-in and client, one at a time; a test must catch each.

    python tests/nuke/seeded_bugs.py                  # all of them
    python tests/nuke/seeded_bugs.py proxy undo       # those whose names hold one of the words

Each mistake is one that plug-ins for Nuke make. The tests must pass without any mistake first.
Prints each mistake with its catcher; the exit status is 1 when one was not caught, or a test fails
as it is. The list is in `mistakes.py`; `tests/planting.py` does the work.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from mistakes import MISTAKES
from planting import Field, main

FIELD = Field(
    mistakes=MISTAKES,
    harmed=("nuke_plugin", "core/platematte_client"),
    tests="tests/nuke",
    copied=("tests/in_nuke",),
    options=("--confcutdir=tests/nuke",),
)

if __name__ == "__main__":
    sys.exit(main([FIELD], str(__doc__).splitlines()[0]))
