"""Work on pixels by OpenCV, which is quicker than torch on the few cores of a farm's slot.

It steps aside for torch on other devices, in other types, where torch notes what is done (to learn
from it, or to make a program of it), and for what torch shares among so many cores that it is the
quicker one. Results are those of torch to the last bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import torch

from platematte.network.blocks import is_recorded
from platematte.network.pixels import Pixels

Tensor = torch.Tensor

_MOST_THREADS = 3
"""OpenCV takes a quarter to a third of torch's time for most of this, but one core alone."""


class OpenCVPixels(Pixels):
    """The same as `Pixels` on one to three CPU cores, sooner."""

    def log_(self, values: Tensor) -> Tensor:
        """Return the natural logarithm of positive values, in their own memory; within 3e-7."""
        if not (_is_quicker(values) and values.is_contiguous()):
            return super().log_(values)
        return _in_place(cv2.log, values)

    def exp_(self, values: Tensor) -> Tensor:
        """Return e to the power of values, in their own memory; within 2e-7 of it."""
        if not (_is_quicker(values) and values.is_contiguous()):
            return super().exp_(values)
        return _in_place(cv2.exp, values)

    def lay_together(self, planes: Tensor, packed: Tensor) -> None:
        """Copy N x C x H x W into a tensor of that size whose channels lie together in memory."""
        has_rows = planes.shape[1] > 1 and planes.stride(3) == 1 and packed.dtype == planes.dtype
        if not (has_rows and _is_quicker(planes)):
            super().lay_together(planes, packed)
            return
        for image, place in zip(planes, packed.permute(0, 2, 3, 1), strict=True):
            cv2.merge([plane.numpy() for plane in image], place.numpy())

    def join(self, planes: Sequence[Tensor]) -> Tensor:
        """Return N x 1 x H x W each as one tensor whose channels lie together in memory."""
        if not all(_is_quicker(plane) for plane in planes):
            return super().join(planes)
        count, _, height, width = planes[0].shape
        joined = planes[0].new_empty(count, height, width, len(planes))
        for index in range(count):
            cv2.merge([plane[index, 0].numpy() for plane in planes], joined[index].numpy())
        return joined.permute(0, 3, 1, 2)

    def upsample(self, features: Tensor, times: int) -> Tensor:
        """Return features at `times` the height and width, bilinear, in a fifth of the time.

        OpenCV shares this among cores.
        """
        planes = features.contiguous().flatten(0, 1)
        if not _is_apt(planes):
            return super().upsample(features, times)
        height, width = (times * side for side in planes.shape[1:])
        larger = planes.new_empty(len(planes), height, width)
        for plane, place in zip(planes.numpy(), larger.numpy(), strict=True):
            cv2.resize(plane, (width, height), place, interpolation=cv2.INTER_LINEAR)
        return larger.unflatten(0, features.shape[:2])


def _in_place(function: Callable[..., object], values: Tensor) -> Tensor:
    flat = values.flatten(0, -2).numpy()
    function(flat, flat)
    return values


def _is_apt(values: Tensor) -> bool:
    return values.device.type == "cpu" and values.dtype == torch.float32 and not is_recorded()


def _is_quicker(values: Tensor) -> bool:
    return _is_apt(values) and torch.get_num_threads() <= _MOST_THREADS
