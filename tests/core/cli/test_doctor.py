"""The doctor: what it says, when it says that nothing can be matted."""

from __future__ import annotations

import argparse
import builtins
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from platematte import __version__
from platematte.cli import doctor
from platematte.cli.doctor import Check
from platematte.errors import SettingsInvalid
from platematte.network.weights import packaged_weights


def _by_name() -> dict[str, Check]:
    return {check.name: check for check in doctor.diagnose()}


def test_it_tells_version_devices_memory_formats_and_config() -> None:
    checks = _by_name()
    assert checks["platematte"].detail.startswith(__version__)
    assert "CPU cores" in checks["torch"].detail
    assert "GiB" in checks["memory"].detail
    assert "colour spaces" in checks["OCIO config"].detail
    assert "openexr" in checks["reads"].detail
    assert "dpx" in checks["reads"].detail


def test_packaged_weights_are_told_with_hash_and_licence() -> None:
    if not packaged_weights():
        pytest.skip("this tree holds no weights")
    detail = _by_name()["weights"].detail
    assert "sha256" in detail
    assert "CC0-1.0" in detail


def test_a_missing_torch_is_an_error_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    without = builtins.__import__

    def refuse(name: str, *rest: Any, **named: Any) -> Any:
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'")
        return without(name, *rest, **named)

    for module in [name for name in sys.modules if name.startswith("platematte.network")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.setattr(builtins, "__import__", refuse)
    checks = _by_name()
    monkeypatch.undo()
    assert checks["torch"].status == "error"
    assert "pip install torch" in checks["torch"].fix
    assert checks["weights"].status == "error"
    assert checks["reads"].status == "ok"


def test_a_broken_ocio_config_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OCIO", str(tmp_path / "none.ocio"))
    check = _by_name()["OCIO config"]
    assert check.status == "error"
    assert str(tmp_path / "none.ocio") in check.detail


def test_whatever_a_look_raises_becomes_a_check() -> None:
    def broken() -> list[Check]:
        raise OSError("driver mismatch")

    def refused() -> list[Check]:
        raise SettingsInvalid("no", fix="do this")

    assert doctor._survive("GPU", broken)[0].status == "error"
    assert doctor._survive("OCIO", refused)[0].fix == "do this"


@pytest.mark.parametrize(
    ("statuses", "exit_status"), [(("ok", "warning"), 0), (("ok", "error"), 1)]
)
def test_the_exit_status_says_whether_anything_can_be_matted(
    statuses: tuple[Any, ...],
    exit_status: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    checks = [Check(f"look {index}", status, "seen") for index, status in enumerate(statuses)]
    monkeypatch.setattr(doctor, "diagnose", lambda: checks)
    assert doctor.run(argparse.Namespace(json=False)) == exit_status
    assert "seen" in capsys.readouterr().out


def test_json_is_one_line_with_every_check_and_the_same_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checks = [
        Check("weights", "error", "é is damaged", "Install anew."),
        Check("GPU", "ok", "none"),
    ]
    monkeypatch.setattr(doctor, "diagnose", lambda: checks)
    assert doctor.run(argparse.Namespace(json=True)) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0]) == {
        "version": __version__,
        "can_matte": False,
        "checks": [
            {
                "name": "weights",
                "status": "error",
                "detail": "é is damaged",
                "fix": "Install anew.",
            },
            {"name": "GPU", "status": "ok", "detail": "none", "fix": ""},
        ],
    }
