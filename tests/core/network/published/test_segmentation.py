"""The subject is found by hint or difference, boxed and softened as the seed was published with."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import torch

from platematte.network.matter import Cues
from platematte.network.published.segmentation import Box, box_of, find_subject, soften
from platematte.network.published.view import encode_pair


def cues_with_subject(height: int = 90, width: int = 160) -> Cues:
    """Return noisy cues in which a bright block of 30 x 40 pixels stands on a grey set."""
    random = torch.Generator().manual_seed(1)
    plate, clean = (
        0.2 + 0.01 * torch.randn(1, 3, height, width, generator=random) for _ in range(2)
    )
    plate[:, :, 20:50, 60:100] = 0.7
    trust = torch.ones(1, 1, height, width)
    return Cues(plate, clean, trust, torch.zeros(1, 3, height, width))


def subject_of(cues: Cues) -> torch.Tensor:
    return find_subject(cues, *encode_pair(cues))[0, 0]


def test_without_a_hint_the_subject_is_what_differs_from_the_clean_plate() -> None:
    found = subject_of(cues_with_subject())
    true = torch.zeros(90, 160, dtype=torch.bool)
    true[20:50, 60:100] = True
    # The corners are rounded; nothing else is wrong.
    assert int((found != true).sum()) < 40
    assert not (found & ~true).any()


def test_an_unchanged_set_holds_no_subject() -> None:
    cues = cues_with_subject()
    assert not subject_of(replace(cues, plate=cues.clean * 1.05)).any()


def test_nothing_is_found_where_the_clean_plate_is_not_trusted() -> None:
    cues = cues_with_subject()
    assert not subject_of(replace(cues, trust=torch.zeros_like(cues.trust))).any()


def test_a_hint_takes_the_place_of_the_difference() -> None:
    cues = cues_with_subject()
    hints = -torch.ones(1, 3, 90, 160)
    hints[:, :2] = 0
    hints[:, 2, 5:15, 5:25] = 0.8
    found = subject_of(replace(cues, hints=hints))
    assert int(found.sum()) == 200
    assert bool(found[5:15, 5:25].all())


def test_core_adds_and_garbage_takes_away() -> None:
    hints = torch.zeros(1, 3, 90, 160)
    hints[:, 0, :, 80:] = 1
    hints[:, 1, 80:85, :90] = 1
    found = subject_of(replace(cues_with_subject(), hints=hints))
    assert bool(found[80:85, :80].all())
    assert not found[:, 80:].any()


def test_the_box_is_square_with_a_tenth_around_and_cut_at_the_frame() -> None:
    subject = torch.zeros(1, 1, 200, 300, dtype=torch.bool)
    subject[:, :, 40:141, 100:121] = True
    # 100 px from the first to the last row; the square hangs at the subject's top left.
    assert box_of(subject) == Box(30, 90, 150, 210)
    subject[:, :, 141:200] = subject[:, :, 100:101]
    assert box_of(subject) == Box(24, 84, 200, 275)
    assert box_of(torch.zeros_like(subject)) is None


def test_a_subject_of_one_pixel_has_a_box() -> None:
    for size in ((1, 1), (2, 9), (50, 50)):
        subject = torch.zeros(1, 1, *size, dtype=torch.bool)
        subject[..., -1, -1] = True
        box = box_of(subject)
        assert box is not None
        assert bool(box.cut(subject).any())


def test_the_soft_segmentation_is_eroded_dilated_and_blurred_as_published() -> None:
    mask = np.zeros((512, 512), np.float32)
    cv2.ellipse(mask, (250, 300), (90, 400), 0, 0, 360, 1.0, -1)
    assert mask[-1].any()
    extended = np.concatenate([mask, np.repeat(mask[-1:], 25, 0)])
    small, large = (cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (n, n)) for n in (3, 5))
    expected = cv2.dilate(cv2.erode(extended, small, iterations=10), large, iterations=5)
    expected = cv2.GaussianBlur(expected, (31, 31), 0)[:512]
    found = soften(torch.from_numpy(mask)[None, None])[0, 0].numpy()
    assert np.allclose(found, expected, atol=1e-5)


def test_a_subject_that_ends_above_the_lower_edge_is_drawn_down_to_it() -> None:
    mask = torch.zeros(1, 1, 512, 512)
    mask[:, :, 60:400, 200:300] = 1
    soft = soften(mask)
    assert soft[0, 0, 511, 250] > 0.999
    assert soft[0, 0, 40, 250] < 0.01
    # In the upper half it ends where it ends.
    mask[:, :, 200:] = 0
    assert not soften(mask)[0, 0, 220:].any()
