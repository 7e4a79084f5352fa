"""Memory for large images comes as tensors that are used like any other."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest
import torch

from platematte import memory
from platematte.memory import unfilled

CPU = torch.device("cpu")
SHAPE = (2, 3, 5, 7)


@pytest.fixture(params=["small", "large"])
def size(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "large":
        monkeypatch.setattr(memory, "_KEPT_BYTES", 16)
    return str(request.param)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.uint8])
@pytest.mark.parametrize("is_packed", [True, False])
def test_unfilled_memory_has_the_layout_of_torch(
    size: str, dtype: torch.dtype, is_packed: bool
) -> None:
    packing = torch.channels_last if is_packed else torch.contiguous_format
    values = unfilled(SHAPE, dtype, CPU, is_packed)
    own = torch.empty(SHAPE, dtype=dtype, memory_format=packing)
    assert (values.shape, values.dtype, values.stride()) == (own.shape, own.dtype, own.stride())


def test_each_has_memory_of_its_own_for_as_long_as_it_is_used(size: str) -> None:
    first, second = (unfilled(SHAPE, torch.float32, CPU, True) for _ in range(2))
    first.fill_(1)
    second.fill_(2)
    part = first[:, 1]
    del first
    for _ in range(50):
        unfilled(SHAPE, torch.float32, CPU, True).fill_(3)
    assert bool((part == 1).all())
    assert bool((second == 2).all())


def test_large_blocks_do_not_pile_up() -> None:
    shape = (1, 1, 4096, 4096)
    before = _used_mib()
    for _ in range(20):
        unfilled(shape, torch.float32, CPU, False).fill_(1)
    assert _used_mib() - before < 2 * 64


def test_without_large_pages_torch_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int, **__: int) -> mmap.mmap:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(memory, "_KEPT_BYTES", 16)
    monkeypatch.setattr(mmap, "mmap", refuse)
    assert unfilled(SHAPE, torch.float32, CPU, True).shape == SHAPE
    monkeypatch.delattr(mmap, "MADV_HUGEPAGE", raising=False)
    assert unfilled(SHAPE, torch.float32, CPU, True).shape == SHAPE


def test_on_other_devices_torch_is_asked() -> None:
    values = unfilled(SHAPE, torch.float16, torch.device("meta"), True)
    assert values.device.type == "meta"
    assert values.is_contiguous(memory_format=torch.channels_last)


def _used_mib() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE >> 20
