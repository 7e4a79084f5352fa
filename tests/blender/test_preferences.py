"""The engine's path and the Check button: what it says, in words, and that it never waits."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import bpy
import pytest

from blender_addon import checkup, preferences
from platematte_client import warm


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A path that leads to no engine, named by the environment."""
    path = tmp_path / "nowhere"
    monkeypatch.setenv("PLATEMATTE_ENGINE", str(path))
    return path


def _program(tmp_path: Path, body: str) -> str:
    path = tmp_path / "platematte"
    path.write_text("#!/bin/sh\n" + body)
    path.chmod(0o755)
    return str(path)


def test_the_check_of_a_real_engine_says_that_it_works() -> None:
    assert bpy.ops.platematte.check_engine() == {"FINISHED"}
    report = preferences.latest_report()
    assert report is not None
    assert report.can_matte
    assert report.headline.startswith("Engine 0.")
    assert report.headline.endswith(" works")
    assert {"torch", "weights"} <= {finding.name for finding in report.findings}
    assert report.program.startswith(os.environ["PLATEMATTE_ENGINE"])


def test_without_an_engine_the_check_raises_and_says_where_it_looked(no_engine: Path) -> None:
    with pytest.raises(RuntimeError, match="engine was not found") as caught:
        bpy.ops.platematte.check_engine()
    assert str(no_engine) in str(caught.value)
    assert "Install PlateMatte" in str(caught.value)
    report = preferences.latest_report()
    assert report is not None
    assert not report.can_matte
    assert report.program == ""


def test_a_program_that_is_no_engine_is_told_with_its_last_words(tmp_path: Path) -> None:
    program = _program(tmp_path, "echo no such module >&2; exit 3\n")
    report = checkup.look_at(program)
    assert not report.can_matte
    assert report.headline == "The engine does not answer"
    told = str(report)
    assert "status 3" in told
    assert "no such module" in told
    assert "Name another program" in told


def test_what_is_wrong_with_an_engine_is_told_with_what_to_do(tmp_path: Path) -> None:
    checks = (
        '{"checks": [{"name": "platematte", "status": "ok", "detail": "9.1, x", "fix": ""},'
        ' {"name": "torch", "status": "error", "detail": "there is none", "fix": "Install it."},'
        ' {"name": "this folder", "status": "error", "detail": "not writable", "fix": ""},'
        ' {"name": "movies", "status": "warning", "detail": "no PyAV", "fix": ""}]}'
    )
    report = checkup.look_at(_program(tmp_path, f"echo '{checks}'\n"))
    assert report.headline == "Engine 9.1 cannot matte"
    # Nothing of the folder that Blender was started in: nothing is written there.
    assert report.troubles == (
        "torch: ERROR: there is none\n  Install it.",
        "movies: WARNING: no PyAV",
    )


def test_a_check_on_its_thread_waits_for_nobody(tmp_path: Path) -> None:
    check = checkup.Checkup(_program(tmp_path, "sleep 2; echo '{\"checks\": []}'\n"))
    began = time.monotonic()
    check.start()
    assert time.monotonic() - began < 1
    assert check.report is None
    check.wait()
    assert check.report is not None
    assert not check.report.can_matte


def test_a_fault_of_the_check_is_a_report_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(explicit: str) -> checkup.Report:
        raise ZeroDivisionError(explicit)

    monkeypatch.setattr(checkup, "look_at", broken)
    check = checkup.Checkup("x")
    check.start()
    check.wait()
    assert check.report is not None
    assert "ZeroDivisionError" in str(check.report)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[bpy.types.AddonPreferences]:
    """The add-on's preferences, as an add-on that was switched on has them."""
    entry = bpy.context.preferences.addons.new()
    entry.module = preferences.__package__
    monkeypatch.delenv("PLATEMATTE_ENGINE", raising=False)
    yield entry.preferences
    bpy.context.preferences.addons.remove(entry)


def test_the_path_of_the_preferences_is_the_one_that_is_used(
    installed: bpy.types.AddonPreferences, tmp_path: Path
) -> None:
    assert preferences.engine_path() == ""
    program = _program(tmp_path, "exit 3\n")
    installed.engine_path = f"  {program} "
    assert preferences.engine_path() == program
    assert warm.locate(preferences.engine_path()) == [program]
    with pytest.raises(RuntimeError, match="status 3"):
        bpy.ops.platematte.check_engine()


def test_a_report_is_forgotten_when_another_engine_is_named(
    installed: bpy.types.AddonPreferences, tmp_path: Path
) -> None:
    installed.engine_path = _program(tmp_path, "exit 3\n")
    with pytest.raises(RuntimeError, match="status 3"):
        bpy.ops.platematte.check_engine()
    assert preferences.latest_report() is not None
    installed.engine_path = str(tmp_path / "another")
    assert preferences.latest_report() is None
    assert not preferences.is_checking()


def test_without_preferences_the_engine_is_looked_for() -> None:
    assert preferences.__package__ not in bpy.context.preferences.addons
    assert preferences.engine_path() == ""


def test_stopping_an_engine_that_does_not_run_is_no_error() -> None:
    warm.stop_engine()
    assert warm.running_program() == ""
    assert bpy.ops.platematte.stop_engine() == {"FINISHED"}
