"""Keeps memory for the next frame, where the system would give new pages each time.

By default glibc returns large blocks to the system as soon as they are free, and the next frame
pays for every page of them again: a third of the network's time at HD on a virtual machine. It can
be told to keep blocks of up to 32 MiB; what is larger, as all of a 4K frame is, is kept here.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import mmap
import sys
import weakref

import torch

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_MIB = 1 << 20
_KEPT_BYTES = 32 * _MIB
"""The largest blocks that glibc can be told to keep."""
_SPARE_BYTES = 1024 * _MIB
"""So much waits for the next frame at most, there and here."""
_spare: list[mmap.mmap] = []
"""Blocks that nothing uses."""


def keep_freed_memory() -> None:
    """Ask glibc to keep up to 1 GiB of freed memory; does nothing on other systems."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)
        mallopt(_TRIM_THRESHOLD, _SPARE_BYTES)
        mallopt(_TOP_PAD, 64 * _MIB)


def unfilled(
    shape: tuple[int, int, int, int], dtype: torch.dtype, device: torch.device, is_packed: bool
) -> torch.Tensor:
    """Return a tensor of N x C x H x W with anything in it, as `torch.empty` does.

    is_packed: its channels lie together in memory. On Linux and the CPU what is too large for glibc
    to keep lies in a block that waits for the next of its size once nothing uses it any more.
    """
    size = math.prod(shape) * dtype.itemsize
    block = _take(size) if device.type == "cpu" and size > _KEPT_BYTES else None
    if block is None:
        packing = torch.channels_last if is_packed else torch.contiguous_format
        return torch.empty(shape, dtype=dtype, device=device, memory_format=packing)
    lent = (ctypes.c_char * size).from_buffer(block)
    # Tensors and arrays that lie in it hold on to what was lent, and nothing else does.
    weakref.finalize(lent, _spare.append, block).atexit = False
    flat = torch.frombuffer(lent, dtype=dtype)
    if is_packed:
        count, channels, height, width = shape
        return flat.view(count, height, width, channels).permute(0, 3, 1, 2)
    return flat.view(shape)


def give_back() -> None:
    """Give back to the system what only a next frame would use."""
    _spare.clear()


def _take(size: int) -> mmap.mmap | None:
    """Return a spare block of a size, or a new one; None where there is none to be had."""
    for block in list(_spare):
        if len(block) == size:
            # Another thread may have been quicker.
            with contextlib.suppress(ValueError):
                _spare.remove(block)
                return block
    if sum(len(block) for block in list(_spare)) + size > _SPARE_BYTES:
        give_back()
    if not sys.platform.startswith("linux"):
        return None
    try:
        return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError:
        # Torch will say in its own words that there is no memory.
        return None
