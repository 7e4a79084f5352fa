"""The images that are trained from and those that are held out never meet."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from platematte.training.bank import Bank, load_bank

LOSSLESS = [cv2.IMWRITE_WEBP_QUALITY, 101]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Folder of images in the layout of the licensed ones, each with a grey level of its own."""
    level = 0
    for kind in ("foreground/people", "foreground/kenney_particles", "background/indoor"):
        folder = tmp_path / kind
        folder.mkdir(parents=True)
        for number in range(24):
            level += 3
            pixels = np.full((32, 24, 3 if kind.startswith("background") else 4), level, np.uint8)
            if pixels.shape[2] == 4:
                # An alpha that is opaque everywhere would not be kept in the file.
                pixels[..., 3] = 255
                pixels[-1, -1, 3] = 0
            assert cv2.imwrite(str(folder / f"{number:02d}.webp"), pixels, LOSSLESS)
    fur = np.full((32, 24, 4), 255, np.uint8)
    fur[-1, -1, 3] = 0
    assert cv2.imwrite(str(tmp_path / "foreground" / "lemur.webp"), fur, LOSSLESS)
    (tmp_path / "background" / "broken.webp").write_bytes(b"RIFF, and then nothing")
    return tmp_path


def levels(pyramids: list[list[torch.Tensor]]) -> list[int]:
    return [int(pyramid[0].flatten()[0]) for pyramid in pyramids]


def all_levels(bank: Bank) -> list[int]:
    return levels(bank.sprites) + levels(bank.particles) + levels(bank.backgrounds)


def test_training_and_held_out_images_have_none_in_common_and_lose_none(data: Path) -> None:
    training, held_out = load_bank(data), load_bank(data, held_out=True)
    trained, kept = all_levels(training), all_levels(held_out)
    assert set(trained).isdisjoint(kept)
    assert sorted(trained + kept) == [*range(3, 3 * 73, 3), 255]
    assert len(kept) < len(trained) / 4
    assert held_out.sprites
    assert held_out.backgrounds


def test_the_one_foreground_with_fur_is_held_out(data: Path) -> None:
    assert 255 in levels(load_bank(data, held_out=True).sprites)
    assert 255 not in all_levels(load_bank(data))


def test_particles_are_kept_apart_from_sprites(data: Path) -> None:
    bank = load_bank(data)
    assert all(level <= 72 for level in levels(bank.sprites))
    assert all(72 < level <= 144 for level in levels(bank.particles))


def test_each_image_is_a_pyramid_of_three_sizes(data: Path) -> None:
    for pyramid, channels in ((load_bank(data).sprites[0], 4), (load_bank(data).backgrounds[0], 3)):
        assert [tuple(level.shape) for level in pyramid] == [
            (channels, 32, 24),
            (channels, 16, 12),
            (channels, 8, 8),
        ]
        assert all(level.dtype is torch.uint8 for level in pyramid)


@pytest.mark.parametrize("folder", [None, Path("there is no such folder")])
def test_without_images_the_bank_is_empty(folder: Path | None) -> None:
    assert load_bank(folder).is_empty
    assert load_bank(folder, held_out=True).is_empty
