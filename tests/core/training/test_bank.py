"""The images that are trained from and those that are held out never meet."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from platematte.training import bank as module
from platematte.training.atlas import Atlas
from platematte.training.bank import Bank, empty_bank, load_bank

LOSSLESS = [cv2.IMWRITE_WEBP_QUALITY, 101]
KINDS = ("foreground/people", "foreground/kenney_particles_CC0", "background/indoor")
HELD_OUT = [f"{kind}/{number:02d}.webp" for kind in KINDS for number in (3, 17)]


def write_webp(path: Path, level: int, channels: int, alpha: int = 255) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.full((32, 24, channels), level, np.uint8)
    if channels == 4:
        pixels[..., 3] = alpha
        # An alpha that is opaque everywhere would not be kept in the file.
        pixels[-1, -1, 3] = 0
    assert cv2.imwrite(str(path), pixels, LOSSLESS)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of images in the layout of the licensed ones, each with a grey level of its own."""
    folder, level = tmp_path / "data", 0
    for kind in KINDS:
        for number in range(20):
            level += 4
            channels = 3 if kind.startswith("background") else 4
            write_webp(folder / kind / f"{number:02d}.webp", level, channels)
    (folder / "background" / "broken.webp").write_bytes(b"RIFF, and then nothing")
    (folder / "hdri").mkdir()
    panorama = np.full((16, 32, 3), 40.0, np.float32)
    assert cv2.imwrite(str(folder / "hdri" / "lamp.hdr"), panorama)
    names = tmp_path / "held_out.txt"
    names.write_text("\n".join(HELD_OUT) + "\n")
    monkeypatch.setattr(module, "_HELD_OUT", names)
    return folder


def levels(atlas: Atlas) -> list[int]:
    return [round(255 * float(atlas.image(number)[0, 0, 0])) for number in range(len(atlas))]


def all_levels(bank: Bank) -> list[int]:
    return levels(bank.sprites) + levels(bank.particles) + levels(bank.backgrounds)


def test_training_and_held_out_images_have_none_in_common_and_lose_none(data: Path) -> None:
    trained, kept = all_levels(load_bank(data)), all_levels(load_bank(data, held_out=True))
    assert set(trained).isdisjoint(kept)
    assert sorted(trained + kept) == list(range(4, 4 * 61, 4))


def test_the_list_of_names_decides_what_is_held_out(data: Path) -> None:
    expected = [4 * (20 * kind + number + 1) for kind in range(3) for number in (3, 17)]
    assert all_levels(load_bank(data, held_out=True)) == expected


def test_an_image_that_is_added_moves_no_other(data: Path) -> None:
    before = [all_levels(load_bank(data, held_out)) for held_out in (False, True)]
    for kind, channels in zip(KINDS, (4, 4, 3), strict=True):
        write_webp(data / kind / "00_added.webp", 250, channels)
    after = [all_levels(load_bank(data, held_out)) for held_out in (False, True)]
    assert [level for level in after[0] if level != 250] == before[0]
    assert after[0].count(250) == 3
    assert after[1] == before[1]


def test_particles_are_kept_apart_from_sprites(data: Path) -> None:
    bank = load_bank(data)
    assert all(level <= 80 for level in levels(bank.sprites))
    assert all(80 < level <= 160 for level in levels(bank.particles))
    assert all(level > 160 for level in levels(bank.backgrounds))


def test_panoramas_are_linear_and_for_training_alone(data: Path) -> None:
    panoramas = load_bank(data).panoramas
    assert panoramas.is_linear
    assert float(panoramas.image(0)[:3].mean()) == pytest.approx(40, rel=0.01)
    assert not len(load_bank(data, held_out=True).panoramas)


def test_sprites_are_premultiplied(data: Path) -> None:
    write_webp(data / KINDS[0] / "00.webp", 200, 4, alpha=102)
    red, green, blue, alpha = load_bank(data).sprites.image(0)[:, 0, 0].tolist()
    assert red == green == blue == pytest.approx(200 / 255 * 0.4, abs=0.01)
    assert alpha == pytest.approx(0.4, abs=1e-3)


def test_images_are_in_rgb_and_no_larger_than_the_bank_keeps_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SIDE_PX", 48)
    blue = np.zeros((40, 96, 3), np.uint8)
    blue[..., 0] = 255
    (tmp_path / "background").mkdir()
    assert cv2.imwrite(str(tmp_path / "background" / "sky.webp"), blue, LOSSLESS)
    image = load_bank(tmp_path).backgrounds.image(0)
    assert image.shape == (4, 20, 48)
    assert image[2].min() > 0.9 > 0.1 > image[0].max()


@pytest.mark.parametrize("folder", [None, Path("there is no such folder")])
def test_without_images_the_bank_is_empty(folder: Path | None) -> None:
    for bank in (load_bank(folder), load_bank(folder, held_out=True), empty_bank()):
        assert bank.is_empty
        assert all_levels(bank) == []
        assert not len(bank.panoramas)


def test_the_list_names_each_image_once_and_the_one_with_fur() -> None:
    names = module._HELD_OUT.read_text().split()
    assert max(Counter(names).values()) == 1
    assert "foreground/lemur_CC0/lemur.webp" in names


def test_the_list_names_about_a_tenth_of_the_licensed_images(shared_data: Path) -> None:
    names = set(module._HELD_OUT.read_text().split())
    for kind in ("foreground", "background"):
        there = {
            p.relative_to(shared_data).as_posix() for p in (shared_data / kind).rglob("*.webp")
        }
        named = {name for name in names if name.startswith(kind)}
        assert named <= there
        assert 0.08 < len(named) / len(there) < 0.12
