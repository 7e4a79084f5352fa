"""Memory for frames, where the C library's own ways cost more than the work.

By default glibc returns large blocks to the system as soon as they are free, and the next frame
pays for every page of them again: a third of the network's time at HD on a virtual machine. What
was freed is therefore kept for the next frame, and what is too large to be kept is asked for in
large pages.
"""

from __future__ import annotations

import contextlib
import ctypes
import math
import mmap
import sys

import torch

_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD = -1, -2, -3
_MIB = 1 << 20
_KEPT_BYTES = 32 * _MIB
"""The largest blocks that glibc can be told to keep."""


def keep_freed_memory() -> None:
    """Ask glibc to keep up to 1 GiB of freed memory; does nothing on other systems."""
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _KEPT_BYTES)
        mallopt(_TRIM_THRESHOLD, 1024 * _MIB)
        mallopt(_TOP_PAD, 64 * _MIB)


def unfilled(
    shape: tuple[int, int, int, int], dtype: torch.dtype, device: torch.device, is_packed: bool
) -> torch.Tensor:
    """Return a tensor of N x C x H x W with anything in it, as `torch.empty` does.

    is_packed: its channels lie together in memory. Beyond what `keep_freed_memory` can keep, Linux
    is asked for large pages: for the same memory they cost a quarter of what small ones do.
    """
    size = math.prod(shape) * dtype.itemsize
    pages = _large_pages(size) if device.type == "cpu" and size > _KEPT_BYTES else None
    if pages is None:
        packing = torch.channels_last if is_packed else torch.contiguous_format
        return torch.empty(shape, dtype=dtype, device=device, memory_format=packing)
    flat = torch.frombuffer(pages, dtype=dtype)
    if is_packed:
        count, channels, height, width = shape
        return flat.view(count, height, width, channels).permute(0, 3, 1, 2)
    return flat.view(shape)


def _large_pages(size: int) -> mmap.mmap | None:
    """Return memory that goes back to the system with its last user; None where there is none."""
    if not hasattr(mmap, "MADV_HUGEPAGE"):
        return None
    try:
        pages = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    except OSError:
        # Torch says in its own words that memory has run out.
        return None
    with contextlib.suppress(OSError):
        pages.madvise(mmap.MADV_HUGEPAGE)
    return pages
