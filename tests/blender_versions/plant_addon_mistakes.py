"""Plants mistakes in a copy of the add-on, one at a time; a test must catch each.

    python tests/blender_versions/plant_addon_mistakes.py              # all of them
    python tests/blender_versions/plant_addon_mistakes.py scene undo   # whose names hold a word

The tests run in Blender 4.5, for some mistakes in 5.0, with the engine of $PLATEMATTE_ENGINE, else
that of this Python. Prints each mistake with its catcher; the exit status is 1 when one was not
caught, or a test fails as it is. CI leaves it out, since it takes some ten minutes; that the texts
to be replaced are still there is tested everywhere. The list is in `addon_mistakes.py`;
`tests/planting.py` does the work.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

# Behind all else, so that nothing here hides what lies elsewhere under the same name.
sys.path.append(str(Path(__file__).resolve().parent))
sys.path.append(str(Path(__file__).resolve().parents[1]))
sys.path.append(str(Path(__file__).resolve().parents[1] / "blender"))
sys.path.append(str(Path(__file__).resolve().parents[1] / "nuke"))

import environments
from addon_mistakes import MISTAKES, MISTAKES_5
from planting import Field, main

BY_BLENDER = {"4.5": MISTAKES, "5.0": MISTAKES_5}
LIMIT_S = 300
"""For one run of tests: a mistake may make Blender hang."""


def make_field(series: str, engine: str, resources: str) -> Field:
    """Return the field of the mistakes of a Blender.

    engine: the engine's program; resources: a folder for what Blender keeps of its user. Raises
    NoBlender.
    """
    return Field(
        mistakes=BY_BLENDER[series],
        harmed=("blender_addon",),
        tests="tests/blender",
        environment={"PLATEMATTE_ENGINE": engine, "BLENDER_USER_RESOURCES": resources},
        paths=("core", "."),
        python=environments.find_environment(series),
        limit_s=LIMIT_S,
    )


def run() -> int:
    """Plant all in their Blenders; return the exit status."""
    from comp import write_engine

    with tempfile.TemporaryDirectory(prefix="platematte-engine-") as folder:
        engine = os.environ.get("PLATEMATTE_ENGINE") or str(write_engine(Path(folder)))
        fields = [make_field(series, engine, folder) for series in BY_BLENDER]
        return main(fields, str(__doc__).splitlines()[0])


if __name__ == "__main__":
    try:
        sys.exit(run())
    except environments.NoBlender as reason:
        sys.exit(f"mistakes need a Blender to be found in: {reason}")
