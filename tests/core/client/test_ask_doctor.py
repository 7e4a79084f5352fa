"""What a host's Troubleshoot button shows: the doctor's findings, or why there are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from platematte_client.doctor import Finding, ask_doctor
from platematte_client.errors import EngineDied

FalseEngine = Callable[[str], list[str]]


def test_the_real_doctor_is_understood(make_engine: Callable[..., Any]) -> None:
    noise = "print('a library says hello')"
    findings = {finding.name: finding for finding in ask_doctor(make_engine(noise).command)}
    assert findings["platematte"].status == "ok"
    assert "CPU cores" in findings["torch"].detail
    assert {finding.status for finding in findings.values()} <= {"ok", "warning", "error"}


def test_an_install_that_cannot_matte_is_told_with_what_to_do(
    make_engine: Callable[..., Any],
) -> None:
    without_torch = "sys.modules['torch'] = None"
    torch = next(
        finding
        for finding in ask_doctor(make_engine(without_torch).command)
        if finding.name == "torch"
    )
    assert torch.status == "error"
    assert "pip install torch" in torch.fix


def test_a_finding_is_a_line_for_people() -> None:
    assert str(Finding("GPU", "ok", "none", "")) == "GPU: none"
    assert str(Finding("torch", "error", "missing", "Install it.")) == (
        "torch: ERROR: missing\n  Install it."
    )


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("sys.exit('unrecognized arguments: --json')", "unrecognized arguments: --json"),
        ("print('usage: some other program')", "usage: some other program"),
        ("print('{\"checks\": [1]}')", "not PlateMatte's engine"),
        ("time.sleep(600)", "said nothing for 2 seconds"),
    ],
)
def test_a_program_that_is_no_doctor_is_told_in_words(
    false_engine: FalseEngine, body: str, told: str
) -> None:
    with pytest.raises(EngineDied, match=told):
        ask_doctor(false_engine(body), patience_s=2)


def test_a_program_that_cannot_be_started_is_told_with_its_path() -> None:
    with pytest.raises(EngineDied, match="/nowhere/platematte"):
        ask_doctor(["/nowhere/platematte"])
