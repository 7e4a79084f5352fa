"""What the guides tell a TD to run does run, word for word, with the real engine."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from pathlib import Path

import pytest
from comp import REPOSITORY, open_comp, read_exr, write_shot

TD = (REPOSITORY / "docs" / "td.md").read_text(encoding="utf-8")


def script_of(words: str) -> str:
    """Return the Python that follows these words in docs/td.md."""
    match = re.search(re.escape(words) + r".*?```python\n(.*?)```", TD, re.DOTALL)
    assert match is not None, words
    return match.group(1)


def test_the_script_for_a_list_of_shots_mattes_them_all(
    tmp_path: Path, engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("sh010", "Szene é 2"):
        write_shot(tmp_path / name, (1001, 1002))
    listed = tmp_path / "shots.txt"
    listed.write_text(
        f"{tmp_path}/sh010/plate.%04d.exr {tmp_path}/sh010/clean.exr 1001-1002\n\n"
        f"{tmp_path}/lost/plate.%04d.exr {tmp_path}/sh010/clean.exr 1001-1002\n"
        f"'{tmp_path}/Szene é 2/plate.%04d.exr' '{tmp_path}/Szene é 2/clean.exr' 1002-1002\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(sys, "argv", ["matte_shots.py", str(listed)])
    monkeypatch.setenv("PLATEMATTE_ENGINE", str(engine))
    with (
        open_comp(tmp_path, engine),
        contextlib.redirect_stdout(io.StringIO()) as out,
        pytest.raises(SystemExit) as end,
    ):
        exec(compile(script_of("Matte every shot of a list"), "td.md", "exec"), {})
    assert end.value.code == 1, "one shot of the three is not there"
    told = [line for line in out.getvalue().splitlines() if "FAILED" in line or "->" in line]
    assert [line.partition(": ")[0] if "FAILED" in line else line for line in told] == [
        f"{tmp_path}/sh010/plate.%04d.exr -> {tmp_path}/sh010/platematte/v001",
        f"{tmp_path}/lost/plate.%04d.exr FAILED",
        f"{tmp_path}/Szene é 2/plate.%04d.exr -> {tmp_path}/Szene é 2/platematte/v001",
    ]
    assert "lost" in told[1]
    for folder, frames in (("sh010", (1001, 1002)), ("Szene é 2", (1002,))):
        for frame in frames:
            pixels = read_exr(tmp_path / folder / f"platematte/v001/matte.{frame}.exr")[0]
            assert pixels[..., 3].max() == 1
