"""The script for a real Nuke runs: here in the double, which says nothing about a real one."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest
from comp import REPOSITORY, open_comp, write_shot

from platematte.live.export import export_live

SCRIPT = REPOSITORY / "tests" / "in_nuke" / "run.py"


def run(
    folder: Path,
    engine: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    live: Path | None = None,
) -> tuple[int, dict[str, object]]:
    """Run the script as `nuke -t` does; return its exit status and its report."""
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    write_shot(folder.parent / "shot", (1001, 1002))
    arguments = [str(SCRIPT), "--range=1001-1002", f"--engine={engine}"]
    arguments.append(f"--shot={folder.parent / 'shot'}")
    if live is not None:
        arguments.append(f"--live={live}")
    monkeypatch.setattr(sys, "argv", arguments)
    with open_comp(folder, engine), pytest.raises(SystemExit) as end:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    out = capsys.readouterr().out
    return int(str(end.value.code)), json.loads(out[out.index("\n{\n") if "\n{\n" in out else 0 :])


def _folder(tmp_path: Path) -> Path:
    """Return a folder that the script's temporary folder goes to."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def test_all_checks_hold_and_the_report_is_json(
    tmp_path: Path,
    engine: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    export = export_live(tmp_path / "exported")
    status, report = run(_folder(tmp_path), engine, monkeypatch, capsys, export.model.parent)
    checks = report["checks"]
    assert isinstance(checks, list)
    assert [check for check in checks if not check["ok"]] == []
    seen = {check["check"]: check["seen"] for check in checks}
    assert "quality: mean alpha" in seen["live shows a matte in the viewer"]
    assert len(checks) == SCRIPT.read_text().count("\n@check\n")
    assert (status, report["failed"]) == (0, 0)
    assert list((tmp_path / "temporary").iterdir()) == []


def test_without_an_engine_the_report_says_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, report = run(_folder(tmp_path), tmp_path / "nowhere", monkeypatch, capsys)
    checks = report["checks"]
    assert isinstance(checks, list)
    failed = {check["check"]: check["seen"] for check in checks if not check["ok"]}
    assert "nowhere" in failed["a range is matted into a new version"]
    assert "the node is made and connected" not in failed
    assert status == 1
