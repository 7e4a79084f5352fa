"""Memory for large images is used like any other, and again for the next frame."""

from __future__ import annotations

import mmap
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from platematte import memory
from platematte.compute import Engine
from platematte.memory import give_back, unfilled
from platematte.settings import MatteSettings

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


def test_a_block_waits_for_the_next_of_its_size(size: str) -> None:
    give_back()
    first = unfilled(SHAPE, torch.float32, CPU, True)
    address, image = first.data_ptr(), first.permute(0, 2, 3, 1).numpy()[0]
    del first
    others = [unfilled(SHAPE, torch.float32, CPU, False) for _ in range(3)]
    assert address not in [other.data_ptr() for other in others]
    image[:] = 4
    del image
    if size == "large":
        assert unfilled(SHAPE, torch.float32, CPU, True).data_ptr() == address
        assert len(memory._spare) == 1
    del others
    give_back()
    assert memory._spare == []


def test_spare_blocks_of_other_sizes_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_KEPT_BYTES", 16)
    monkeypatch.setattr(memory, "_SPARE_BYTES", 100_000)
    give_back()
    for height in range(1, 100):
        unfilled((1, 3, height, 100), torch.float32, CPU, True)
        assert sum(map(len, memory._spare)) <= 100_000 + 12 * 100 * height


def test_threads_do_not_share_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_KEPT_BYTES", 16)

    def fill(value: int) -> bool:
        for _ in range(300):
            values = unfilled((1, 3, 40, 40), torch.float32, CPU, True).fill_(value)
            if not bool((values == value).all()):
                return False
        return True

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(fill, range(8)))


def test_an_engine_at_rest_keeps_no_spare_blocks() -> None:
    memory._spare.append(mmap.mmap(-1, 64))
    Engine(MatteSettings()).rest()
    assert memory._spare == []


def test_without_a_block_torch_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: int, **__: int) -> mmap.mmap:
        raise OSError(12, "Cannot allocate memory")

    give_back()
    monkeypatch.setattr(memory, "_KEPT_BYTES", 16)
    monkeypatch.setattr(mmap, "mmap", refuse)
    assert unfilled(SHAPE, torch.float32, CPU, True).shape == SHAPE


def test_on_other_devices_torch_is_asked() -> None:
    values = unfilled(SHAPE, torch.float16, torch.device("meta"), True)
    assert values.device.type == "meta"
    assert values.is_contiguous(memory_format=torch.channels_last)
