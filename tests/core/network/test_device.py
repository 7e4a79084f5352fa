"""Devices are refused by name, and running out of memory ends in smaller tiles, not in a loss."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from platematte.errors import DeviceMemoryExhausted, DeviceMissing
from platematte.network import device as device_module
from platematte.network.device import Runner, choose_device, choose_precision, is_out_of_memory
from platematte.network.matter import Cues, Matter, Views
from platematte.network.tiles import seen_nothing

MakeMatter = Callable[..., Matter]
MakeCues = Callable[..., Cues]
CPU = torch.device("cpu")


def fail_look(
    monkeypatch: pytest.MonkeyPatch, error: Exception, times: float, device: str | None = None
) -> list[torch.device]:
    """Let `Matter.look` raise the first `times` times, or on one device; return where it ran."""
    original = Matter.look
    asked: list[torch.device] = []

    def look(self: Matter, cues: Cues, *others: Views) -> tuple[torch.Tensor, torch.Tensor]:
        asked.append(cues.plate.device)
        if len(asked) <= times and device in (None, cues.plate.device.type):
            raise error
        return original(self, cues, *others)

    monkeypatch.setattr(Matter, "look", look)
    return asked


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_gpu_asked_for_by_name_and_absent_is_refused() -> None:
    with pytest.raises(DeviceMissing, match="cuda") as caught:
        choose_device("cuda")
    assert caught.value.exit_status == 2
    assert "--device auto" in caught.value.fix


def test_auto_finds_some_device() -> None:
    assert choose_device("auto").type in ("cuda", "mps", "cpu")
    assert choose_device("cpu") == CPU


@pytest.mark.parametrize(
    ("name", "device", "precision"),
    [
        ("auto", "cuda", torch.float16),
        ("fp32", "cuda", torch.float32),
        ("fp16", "cuda", torch.float16),
        ("fp16", "cpu", torch.bfloat16),
        ("bf16", "cpu", torch.bfloat16),
    ],
)
def test_precision_follows_the_device(name: str, device: str, precision: torch.dtype) -> None:
    assert choose_precision(name, torch.device(device)) is precision


@pytest.mark.parametrize(("has", "precision"), [(True, torch.bfloat16), (False, torch.float32)])
def test_a_cpu_computes_bf16_only_where_it_has_it(
    monkeypatch: pytest.MonkeyPatch, has: bool, precision: torch.dtype
) -> None:
    monkeypatch.setattr(device_module, "computes_bf16", lambda: has)
    assert choose_precision("auto", CPU) is precision


def test_bf16_is_near_fp32(make_matter: MakeMatter, make_cues: MakeCues) -> None:
    cues, answers = make_cues(64, 64), []
    for precision in (torch.float32, torch.bfloat16):
        runner = Runner(make_matter(), CPU, precision, 512)
        answers.append(runner.answer(cues, runner.look(cues)))
    exact, rough = answers
    assert exact.alpha.dtype is rough.alpha.dtype is torch.float32
    assert float((exact.alpha - rough.alpha).abs().max()) < 0.05


@pytest.mark.parametrize("format_px", [None, 1 << 23])
def test_a_frame_that_nobody_looked_at_is_looked_at_when_it_is_answered(
    make_matter: MakeMatter, make_cues: MakeCues, format_px: int | None
) -> None:
    cues, matter = make_cues(200, 136), make_matter(guess=True, reach=2)
    runner = Runner(matter, CPU, torch.float32, 512)
    seen = runner.look(cues, format_px)
    assert seen.is_far == (format_px is not None)
    expected = runner.answer(cues, seen)
    answer = runner.answer(cues, replace(seen_nothing(), is_far=seen.is_far))
    for name in ("alpha", "coarse", "foreground", "error"):
        assert torch.equal(getattr(answer, name), getattr(expected, name)), name


def test_out_of_memory_halves_the_tiles_until_they_fit(
    make_matter: MakeMatter, make_cues: MakeCues, monkeypatch: pytest.MonkeyPatch
) -> None:
    cues = make_cues(64, 64)
    whole = Runner(make_matter(), CPU, torch.float32, 512).look(cues)
    asked = fail_look(monkeypatch, torch.OutOfMemoryError("no more"), times=2)
    runner = Runner(make_matter(), CPU, torch.float32, 512)
    assert torch.equal(runner.look(cues).quarter, whole.quarter)
    assert runner.memory_mib == 128
    assert len(asked) == 3


def test_answering_survives_out_of_memory_as_well(
    make_matter: MakeMatter, make_cues: MakeCues, monkeypatch: pytest.MonkeyPatch
) -> None:
    cues, runner = make_cues(64, 64), Runner(make_matter(), CPU, torch.float32, 512)
    seen = runner.look(cues)
    before = runner.answer(cues, seen)
    original = Matter.think
    calls: list[Matter] = []

    def think(self: Matter, *arguments: torch.Tensor) -> torch.Tensor:
        calls.append(self)
        if len(calls) == 1:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return original(self, *arguments)

    monkeypatch.setattr(Matter, "think", think)
    assert torch.equal(runner.answer(cues, seen).alpha, before.alpha)
    assert runner.memory_mib == 256


def test_memory_that_stays_out_is_an_error_with_a_fix(
    make_matter: MakeMatter, make_cues: MakeCues, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fail_look(monkeypatch, torch.OutOfMemoryError("no more"), times=1000)
    runner = Runner(make_matter(), CPU, torch.float32, 512, cpu_fallback=True)
    with pytest.raises(DeviceMemoryExhausted) as caught:
        runner.look(make_cues(32, 32))
    assert caught.value.exit_status == 4
    assert "engine.memory_mib" in caught.value.fix
    # 512, 256, 128, 64 MiB.
    assert len(asked) == 4


@pytest.mark.parametrize("is_allowed", [True, False])
def test_the_cpu_takes_over_only_where_that_is_allowed(
    make_matter: MakeMatter,
    make_cues: MakeCues,
    monkeypatch: pytest.MonkeyPatch,
    is_allowed: bool,
) -> None:
    cues = make_cues(32, 32)
    before = Runner(make_matter(), CPU, torch.float32, 64).look(cues)
    # The meta device stands for a GPU: tensors go there on any machine, and nothing runs there.
    asked = fail_look(monkeypatch, torch.OutOfMemoryError("no more"), times=1000, device="meta")
    runner = Runner(make_matter(), CPU, torch.float32, 128, cpu_fallback=is_allowed)
    runner.device, runner.precision = torch.device("meta"), torch.float32
    if is_allowed:
        assert torch.equal(runner.look(cues).eighth, before.eighth)
        assert (runner.device.type, runner.precision) == ("cpu", torch.float32)
        assert [device.type for device in asked] == ["meta", "meta", "cpu"]
    else:
        with pytest.raises(DeviceMemoryExhausted, match="meta"):
            runner.look(cues)


def test_other_errors_are_not_taken_for_want_of_memory(
    make_matter: MakeMatter, make_cues: MakeCues, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = fail_look(monkeypatch, RuntimeError("shapes differ"), times=1)
    with pytest.raises(RuntimeError, match="shapes differ"):
        Runner(make_matter(), CPU, torch.float32, 512).look(make_cues(32, 32))
    assert len(asked) == 1
    assert is_out_of_memory(RuntimeError("CUDA error: out of memory"))
    assert not is_out_of_memory(RuntimeError("shapes differ"))


@pytest.mark.parametrize(
    ("kind", "has", "expected"),
    [
        ("cpu", True, torch.bfloat16),
        ("cpu", False, torch.float32),
        ("cuda", False, torch.bfloat16),
    ],
)
def test_training_is_in_bf16_but_where_a_cpu_only_imitates_it(
    monkeypatch: pytest.MonkeyPatch, kind: str, has: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(device_module, "computes_bf16", lambda: has)
    assert device_module.choose_training_type(torch.device(kind)) is expected
