"""Masks grow, shrink, blur and fall into parts as OpenCV and scipy have it."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import scipy.ndimage
import torch

from platematte.network.published.morphology import blur, dilate, erode, largest_component


def random_mask(height: int, width: int, share: float, seed: int = 3) -> np.ndarray:
    return (np.random.default_rng(seed).random((height, width)) < share).astype(np.float32)


def tensor(mask: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(mask)[None, None]


@pytest.mark.parametrize("side", [3, 5])
@pytest.mark.parametrize("times", [1, 4])
def test_growing_and_shrinking_are_opencvs_with_an_ellipse(side: int, times: int) -> None:
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    for share in (0.02, 0.9):
        mask = random_mask(41, 37, share)
        grown = cv2.dilate(mask, kernel, iterations=times)
        shrunk = cv2.erode(mask, kernel, iterations=times)
        assert np.array_equal(dilate(tensor(mask), side, times)[0, 0].numpy(), grown)
        assert np.array_equal(erode(tensor(mask), side, times)[0, 0].numpy(), shrunk)


def test_the_blur_is_opencvs() -> None:
    mask = random_mask(60, 45, 0.3)
    assert np.allclose(
        blur(tensor(mask), 31)[0, 0].numpy(), cv2.GaussianBlur(mask, (31, 31), 0), atol=1e-5
    )


@pytest.mark.parametrize("share", [0.1, 0.25, 0.4])
def test_the_largest_component_is_scipys_with_eight_neighbours(share: float) -> None:
    mask = random_mask(50, 70, share)
    labels, count = scipy.ndimage.label(mask, np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())[1:]
    assert count > 1
    found = largest_component(tensor(mask))[0, 0].numpy()
    assert found.sum() == sizes.max()
    assert len(np.unique(labels[found])) == 1


def test_a_spiral_is_one_component() -> None:
    spiral = np.zeros((41, 41), np.float32)
    row, column, step, direction = 20, 20, 1, 0
    moves = [(0, 1), (1, 0), (0, -1), (-1, 0)]
    while 0 <= row < 41 and 0 <= column < 41:
        for _ in range(2 * ((step + 1) // 2)):
            if not (0 <= row < 41 and 0 <= column < 41):
                break
            spiral[row, column] = 1
            row, column = row + moves[direction][0], column + moves[direction][1]
        direction, step = (direction + 1) % 4, step + 1
    assert scipy.ndimage.label(spiral, np.ones((3, 3)))[1] == 1
    assert np.array_equal(largest_component(tensor(spiral))[0, 0].numpy(), spiral > 0)


def test_no_component_is_found_in_nothing() -> None:
    assert not largest_component(torch.zeros(1, 1, 9, 9)).any()
