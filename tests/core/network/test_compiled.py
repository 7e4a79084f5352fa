"""A compiled network answers as the eager one, and where nothing can be compiled it is that one."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable

import pytest
import torch

from platematte.network.compiled import CompiledMatter
from platematte.network.device import Runner
from platematte.network.load import Machine, load_runner
from platematte.network.matter import Cues, Drawn, Matter
from platematte.network.weights import find_weights

MakeMatter = Callable[..., Matter]
MakeCues = Callable[..., Cues]


def answer(matter: Matter, cues: Cues) -> Drawn:
    runner = Runner(matter, torch.device("cpu"), torch.float32, 512)
    return runner.answer(cues, runner.look(cues))


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile wants a C++ compiler")
def test_a_compiled_network_answers_within_a_thousandth(
    make_matter: MakeMatter, make_cues: MakeCues
) -> None:
    matter, cues = make_matter(), make_cues(45, 70)
    compiled = CompiledMatter(matter)
    one, other = answer(matter, cues), answer(compiled, cues)
    assert float((one.alpha - other.alpha).abs().max()) < 1e-3
    assert float((one.error - other.error).abs().max()) < 1e-3
    assert torch.allclose(one.foreground, other.foreground, rtol=1e-3, atol=1e-3)


def test_a_machine_that_cannot_compile_is_told_and_goes_on_eagerly(
    make_matter: MakeMatter,
    make_cues: MakeCues,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    matter, cues = make_matter(), make_cues(45, 70)
    compiled = CompiledMatter(matter)

    def fail(*_: object) -> None:
        raise RuntimeError("no C++ compiler")

    monkeypatch.setattr(compiled, "_look", fail)
    with caplog.at_level(logging.WARNING, "platematte"):
        drawn = answer(compiled, cues)
    assert torch.equal(drawn.alpha, answer(matter, cues).alpha)
    told = [record for record in caplog.records if "no C++ compiler" in record.getMessage()]
    assert len(told) == 1


def test_the_setting_chooses_what_runs_the_network() -> None:
    path = find_weights("default")
    machine = Machine(torch.device("cpu"), "fp32")
    for is_compiled in (False, True):
        chosen = Machine(machine.device, machine.precision, is_compiled=is_compiled)
        runner, _ = load_runner(path, chosen)
        assert isinstance(runner, Runner)
        assert isinstance(runner.matter, CompiledMatter) == is_compiled
