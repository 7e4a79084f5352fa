"""Pieces cut from the atlas are what an ordinary bilinear sampler cuts from each image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from platematte.training.atlas import LEVELS, Atlas, pack
from platematte.training.dice import grid_px

SIZES = ((40, 56), (33, 21), (24, 80))
Tensor = torch.Tensor


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    random = np.random.default_rng(3)
    return [random.integers(0, 256, (*size, 4), dtype=np.uint8) for size in SIZES]


@pytest.fixture(scope="module")
def atlas(images: list[np.ndarray]) -> Atlas:
    return pack(images)


def places(count: int, size: int, zoom: float = 1.0, turn: float = 0.0) -> Tensor:
    """Places of a piece around the image's middle, N x S x S x 2 px."""
    x, y = grid_px(size, torch.device("cpu"))
    cos, sin = np.cos(turn) / zoom, np.sin(turn) / zoom
    both = torch.stack(torch.broadcast_tensors(cos * x - sin * y, sin * x + cos * y), -1)
    return both.reshape(1, size, size, 2).expand(count, -1, -1, -1)


def as_tensor(image: np.ndarray) -> Tensor:
    return torch.from_numpy(image.astype(np.float32) / 255).permute(2, 0, 1)


def one(number: int) -> Tensor:
    return torch.tensor([number])


def test_each_image_is_kept_at_three_sizes_and_the_first_is_it(
    atlas: Atlas, images: list[np.ndarray]
) -> None:
    assert len(atlas) == len(images)
    for number, image in enumerate(images):
        assert torch.equal(atlas.image(number), as_tensor(image))
        for level in range(LEVELS):
            sides = tuple(max(8, side >> level) for side in image.shape[:2])
            assert atlas.image(number, level).shape == (4, *sides)
            mean = float(atlas.image(number, level).mean())
            assert mean == pytest.approx(image.mean() / 255, abs=0.02)


@pytest.mark.parametrize("mirror", [False, True])
def test_a_piece_within_the_image_is_what_grid_sample_cuts(
    atlas: Atlas, images: list[np.ndarray], mirror: bool
) -> None:
    for number, image in enumerate(images):
        place = places(1, 14, turn=0.3) + torch.tensor([1.3, -0.4])
        cut = atlas.cut(one(number), torch.ones(1), place, mirror)
        to_unit = torch.tensor([2 / image.shape[1], 2 / image.shape[0]])
        expected = functional.grid_sample(
            as_tensor(image).unsqueeze(0), place * to_unit, align_corners=False
        )
        assert torch.allclose(cut, expected, atol=1e-4)


def test_beyond_the_image_there_is_nothing_or_the_image_mirrored(
    atlas: Atlas, images: list[np.ndarray]
) -> None:
    image = images[0]
    height, width = image.shape[:2]
    size = 120
    # All sides are even, so that each place is the middle of a pixel.
    place = places(1, size)
    rows, columns = (size - height) // 2, (size - width) // 2
    padding = ((rows, rows), (columns, columns), (0, 0))
    empty = atlas.cut(one(0), torch.ones(1), place, mirror=False)
    assert torch.allclose(empty[0], as_tensor(np.pad(image, padding)), atol=1e-5)
    mirrored = atlas.cut(one(0), torch.ones(1), place, mirror=True)
    expected = as_tensor(np.pad(image, padding, mode="reflect"))
    assert torch.allclose(mirrored[0], expected, atol=1e-5)


def test_a_piece_seen_from_far_away_is_cut_from_a_smaller_size(atlas: Atlas) -> None:
    for zoom, level in ((2.0, 0), (0.8, 0), (0.5, 1), (0.25, 2), (0.05, 2)):
        smaller = atlas.image(0, level)
        height, width = smaller.shape[1:]
        x, y = (torch.arange(side) + 0.5 for side in (width, height))
        place = torch.stack(
            torch.broadcast_tensors(
                (x * SIZES[0][1] / width - SIZES[0][1] / 2).view(1, 1, width),
                (y * SIZES[0][0] / height - SIZES[0][0] / 2).view(1, height, 1),
            ),
            -1,
        )
        cut = atlas.cut(one(0), torch.tensor([zoom]), place, mirror=False)
        assert torch.allclose(cut[0], smaller, atol=1e-4), zoom


@pytest.mark.parametrize("mirror", [False, True])
def test_a_batch_is_the_same_as_its_pieces_one_by_one(atlas: Atlas, mirror: bool) -> None:
    chosen = torch.tensor([2, 0, 1, 2])
    zoom = torch.tensor([1.0, 0.5, 0.3, 1.7])
    place = torch.cat([places(1, 24, float(z), turn=0.2 * i) for i, z in enumerate(zoom)])
    together = atlas.cut(chosen, zoom, place, mirror)
    assert together.shape == (4, 4, 24, 24)
    for i in range(4):
        part = slice(i, i + 1)
        alone = atlas.cut(chosen[part], zoom[part], place[part], mirror)
        assert torch.equal(together[part], alone)


def test_linear_images_keep_their_values_within_a_hundredth_of_the_brightest_channel() -> None:
    random = np.random.default_rng(5)
    image = np.exp2(random.uniform(-12, 14, (32, 40, 1)) + random.uniform(-3, 0, (32, 40, 4)))
    image[0, 0], image[0, 1] = 0, -1
    atlas = pack([image.astype(np.float32)], is_linear=True)
    kept = atlas.image(0).permute(1, 2, 0).numpy()
    peak = image[..., :3].max(2, keepdims=True)
    assert (np.abs(kept[..., :3] - image[..., :3]) <= 0.01 * peak)[peak[..., 0] > 0].all()
    assert (kept[0, :2, :3] == 0).all()
    assert (kept[..., 3] == 1).all()
    cut = atlas.cut(one(0), torch.ones(1), places(1, 16), mirror=True)
    assert float(cut[:, :3].max()) > 100
    assert torch.equal(cut[:, 3:], torch.ones(1, 1, 16, 16))


def test_an_atlas_of_nothing_is_empty() -> None:
    assert len(pack([])) == 0
    assert len(pack([], is_linear=True).to(torch.device("cpu"))) == 0
