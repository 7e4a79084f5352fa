"""Claims about the prepared clean plate, on synthetic sets whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from platematte.errors import CleanUnusable
from platematte.prepare import choose
from platematte.prepare.align import corners_of, project
from platematte.prepare.exposure import ColourMatch
from platematte.prepare.prepare import CameraReport, Preparer, study_camera
from platematte.prepare.view import Homography, Image, View
from platematte.settings import PrepareSettings

HEIGHT, WIDTH = 200, 300
SETTINGS = PrepareSettings()


@dataclass(frozen=True)
class Scene:
    """A plate and clean plate with the homography between them."""

    plate: Image
    clean: Image
    truth: Homography


def make_set(seed: int = 1, height: int = HEIGHT, width: int = WIDTH) -> Image:
    """Build a scene-linear set of overlapping coloured boxes and soft texture."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), 0.2, np.float32)
    for _ in range(height * width // 250):
        y, x = int(rng.integers(0, height)), int(rng.integers(0, width))
        h, w = (int(rng.integers(4, 28)) for _ in range(2))
        image[y : y + h, x : x + w] = rng.uniform(0.03, 0.8, 3)
    texture = cv2.GaussianBlur(rng.normal(0, 1, (height, width, 3)).astype(np.float32), (0, 0), 1.5)
    return np.maximum(cv2.GaussianBlur(image, (0, 0), 0.8) * (1 + 0.3 * texture), 0.004)


def move(dx: float, dy: float, degrees: float = 0.0) -> Homography:
    """Build the homography of a shifted and turned camera."""
    turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), degrees, 1.0)
    turn[:, 2] += (dx, dy)
    return np.vstack([turn, [0, 0, 1]])


def make_scene(
    truth: Homography, gain: float = 1.0, subject: float = 0.2, noise: float = 0.004, seed: int = 1
) -> Scene:
    """Build a clean plate and its moved, re-exposed and noisy plate with a textured subject."""
    rng = np.random.default_rng(seed + 100)
    margin = 40
    wide = make_set(seed, HEIGHT + 2 * margin, WIDTH + 2 * margin)
    inset = np.array([[1, 0, -margin], [0, 1, -margin], [0, 0, 1]], np.float64)
    clean = wide[margin:-margin, margin:-margin]
    plate = cv2.warpPerspective(wide, truth @ inset, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
    plate = np.maximum(plate, 0.002) * np.float32(gain)
    columns = int(WIDTH * subject)
    plate[:, 60 : 60 + columns] = make_set(seed + 50)[:, :columns]
    plate, clean = (
        (image + rng.normal(0, noise, image.shape)).astype(np.float32) for image in (plate, clean)
    )
    return Scene(plate, clean, truth)


def worst_error(found: Homography | None, truth: Homography) -> float:
    """Return the largest distance, px, at corners and centre."""
    points = np.vstack([corners_of((HEIGHT, WIDTH)), [[WIDTH / 2, HEIGHT / 2]]])
    mine = points if found is None else project(found, points)
    return float(np.hypot(*(mine - project(truth, points)).T).max())


def constant(value: float = 1.0) -> Image:
    """Build an H x W x 1 plane."""
    return np.full((HEIGHT, WIDTH, 1), value, np.float32)


def study(*pairs: tuple[Image, Image], settings: PrepareSettings = SETTINGS) -> CameraReport:
    """Study a camera from pairs that are covered everywhere."""
    return study_camera(((plate, clean, constant()) for plate, clean in pairs), settings)


@pytest.mark.parametrize(
    ("truth", "gain", "subject"),
    [
        (move(3.4, -2.3), 1.0, 0.2),
        (move(-11.7, 6.2, 0.8), 0.77, 0.4),
        (move(27.3, 14.1, -1.0), 1.05, 0.1),
        (move(5.5, 1.2, 0.3), 0.9, 0.55),
    ],
)
def test_alignment_finds_the_true_homography(
    truth: Homography, gain: float, subject: float
) -> None:
    scene = make_scene(truth, gain, subject)
    report = Preparer(SETTINGS, None).prepare(scene.plate, scene.clean).report
    assert report.is_warped
    assert worst_error(report.homography, truth) < 0.25
    assert np.allclose(report.gain, gain, rtol=0.01)


def test_alignment_is_within_a_sixth_of_a_pixel_in_the_median() -> None:
    errors = []
    for seed in range(6):
        scene = make_scene(move(4.3 * seed - 9, 7.7 - 3.1 * seed, 0.2 * seed), 0.85, 0.3, seed=seed)
        report = Preparer(SETTINGS, None).prepare(scene.plate, scene.clean).report
        errors.append(worst_error(report.homography, scene.truth))
    assert np.median(errors) < 0.15


def make_defocused_scene(truth: Homography) -> Scene:
    """Build a scene whose set is far out of focus: grain is all that is fine in it."""
    rng = np.random.default_rng(5)
    margin = 40
    size = (WIDTH + 2 * margin, HEIGHT + 2 * margin)
    coarse = rng.random((size[1] // 16, size[0] // 16, 3)).astype(np.float32)
    wide = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC).clip(0.02) * np.float32(0.8)
    inset = np.array([[1, 0, -margin], [0, 1, -margin], [0, 0, 1]], np.float64)
    plate = cv2.warpPerspective(wide, truth @ inset, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
    plate[60:, 100:190] = 0.3
    clean = wide[margin:-margin, margin:-margin]
    grain = [rng.normal(0, 0.02, plate.shape).astype(np.float32) for _ in range(2)]
    return Scene(plate + grain[0], clean + grain[1], truth)


def test_a_set_out_of_focus_is_aligned_by_its_soft_structure() -> None:
    scene = make_defocused_scene(move(7.3, -4.6))
    report = Preparer(SETTINGS, None).prepare(scene.plate, scene.clean).report
    # Unwarped, it is 8.6 px off; where nothing is sharp, a pixel at a corner is not seen.
    assert worst_error(report.homography, scene.truth) < 1.0


def test_a_still_set_out_of_focus_is_not_warped() -> None:
    scene = make_defocused_scene(move(0.0, 0.0))
    assert Preparer(SETTINGS, None).prepare(scene.plate, scene.clean).report.homography is None


def test_a_light_that_is_missed_after_the_warp_says_nothing_against_the_warp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = make_scene(move(0, 9), gain=1.3)
    # Half of the set is plain: there the right light explains it, wherever it lies.
    plain = np.float32(0.25)
    plate, clean = scene.plate.copy(), scene.clean.copy()
    plate[:, 160:], clean[:, 160:] = 1.3 * plain, plain
    right, wrong = ColourMatch((1.3,) * 3), ColourMatch((1.1,) * 3)
    shown: list[View] = []

    def find(plate: View, clean: View, background: object) -> ColourMatch:
        shown.append(clean)
        return wrong if len(shown) == 1 else right

    monkeypatch.setattr(choose, "find_match", find)
    prepared = Preparer(SETTINGS, None).prepare(plate, clean)
    assert len(shown) == 2
    assert shown[0] is not shown[1]
    assert prepared.report.chosen == "warped+matched"
    assert prepared.report.gain == right.gain
    assert worst_error(prepared.report.homography, scene.truth) < 1


def test_a_subject_has_no_say_in_the_light_where_the_artist_has_said_what_is_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = make_scene(move(0, 9), gain=1.3, subject=0)
    plate, clean, garbage = scene.plate.copy(), scene.clean.copy(), constant(0)
    # A plain subject before a plain wall: another light explains it, but it is not the set's.
    plate[:, 130:], clean[:, 130:] = 1.1 * np.float32(0.25), np.float32(0.25)
    garbage[:, :130] = 1
    lights = iter((ColourMatch((1.3,) * 3), ColourMatch((1.1,) * 3)))
    monkeypatch.setattr(choose, "find_match", lambda *_: next(lights))
    report = Preparer(SETTINGS, None).prepare(plate, clean, None, garbage).report
    assert report.chosen == "warped+matched"
    assert report.gain == (1.3,) * 3


def test_uncovered_part_of_a_warp_is_distrusted_with_its_rim() -> None:
    scene = make_scene(move(12.5, 0))
    prepared = Preparer(SETTINGS, None).prepare(scene.plate, scene.clean)
    assert not prepared.trust[:, :14].any()
    assert prepared.trust[10:-10, 16:-4].all()
    assert np.isfinite(prepared.clean).all()


@pytest.mark.parametrize("seed", range(4))
def test_an_unrelated_clean_plate_is_not_warped(seed: int) -> None:
    prepared = Preparer(SETTINGS, None).prepare(make_set(seed), make_set(seed + 20))
    assert not prepared.report.is_warped
    assert prepared.report.homography is None


def test_a_textureless_clean_plate_is_not_warped() -> None:
    rng = np.random.default_rng(3)
    wall = np.full((HEIGHT, WIDTH, 3), 0.4, np.float32)
    plate, clean = ((wall + rng.normal(0, 0.01, wall.shape)).astype(np.float32) for _ in range(2))
    prepared = Preparer(SETTINGS, None).prepare(plate, clean)
    assert prepared.report.chosen == "raw"
    assert prepared.clean is clean


def test_a_prop_that_dominates_and_moves_does_not_carry_the_set_along() -> None:
    # The prop is in both images, sharper and more textured than the set, and has moved on its
    # own: most matched points are its own.
    rng = np.random.default_rng(4)
    truth = move(-6.0, 4.0)
    soft = cv2.GaussianBlur(make_set(5, HEIGHT + 80, WIDTH + 80), (0, 0), 1.6)
    prop = make_set(6)[:130, :130]
    clean = soft[40:-40, 40:-40].copy()
    plate = soft[36:-44, 46:-34].copy()
    clean[40:170, 60:190] = prop
    plate[52:182, 76:206] = prop
    plate, clean = (
        (image + rng.normal(0, 0.002, image.shape)).astype(np.float32) for image in (plate, clean)
    )
    report = Preparer(SETTINGS, None).prepare(plate, clean).report
    assert worst_error(report.homography, truth) < 0.5


@pytest.mark.parametrize("seed", range(3))
def test_noise_alone_never_causes_a_warp(seed: int) -> None:
    scene = make_scene(np.eye(3), noise=0.03, seed=seed)
    # The builder's cubic warp by whole pixels keeps every value, so that only noise differs.
    report = Preparer(SETTINGS, None).prepare(scene.plate, scene.clean).report
    assert not report.is_warped


def test_align_off_keeps_the_clean_plate_in_place() -> None:
    scene = make_scene(move(8, 3))
    settings = PrepareSettings(align="off", match="off")
    prepared = Preparer(settings, None).prepare(scene.plate, scene.clean)
    assert prepared.clean is scene.clean
    assert prepared.trust.all()


def test_gain_is_right_when_a_plain_subject_fills_two_thirds_of_the_frame() -> None:
    rng = np.random.default_rng(8)
    clean = make_set(9)
    plate = clean * np.float32(0.8)
    plate[:, : int(WIDTH * 0.65)] = (0.5, 0.12, 0.1)
    plate = (plate + rng.normal(0, 0.004, plate.shape)).astype(np.float32)
    report = Preparer(SETTINGS, None).prepare(plate, clean).report
    assert np.allclose(report.gain, 0.8, rtol=0.01)


def test_gain_is_right_before_a_plain_wall_behind_a_plain_shirt() -> None:
    rng = np.random.default_rng(10)
    wall = np.full((HEIGHT, WIDTH, 3), (0.4, 0.38, 0.36), np.float32)
    plate = wall * np.float32(0.9)
    plate[:, 80 : 80 + int(WIDTH * 0.6)] = (0.16, 0.2, 0.3)
    plate, clean = (
        (image + rng.normal(0, 0.005, image.shape)).astype(np.float32) for image in (plate, wall)
    )
    report = Preparer(SETTINGS, None).prepare(plate, clean).report
    assert np.allclose(report.gain, 0.9, rtol=0.01)


def test_white_balance_is_matched_in_each_channel() -> None:
    clean = make_set(11)
    gain = np.array([0.9, 1.0, 1.15], np.float32)
    report = Preparer(SETTINGS, None).prepare(clean * gain, clean).report
    assert np.allclose(report.gain, gain, rtol=0.005)


def test_flare_is_matched_by_a_bias() -> None:
    clean = make_set(12)
    plate = (clean * np.float32(0.95) + np.float32(0.012)).astype(np.float32)
    report = Preparer(SETTINGS, None).prepare(plate, clean).report
    assert np.allclose(report.gain, 0.95, rtol=0.02)
    assert np.allclose(report.bias, 0.012, atol=0.003)


def test_a_gain_that_makes_no_difference_leaves_the_bits_alone() -> None:
    clean = make_set(13)
    rng = np.random.default_rng(13)
    plate = (clean * 1.001 + rng.normal(0, 0.003, clean.shape)).astype(np.float32)
    prepared = Preparer(SETTINGS, None).prepare(plate, clean)
    assert prepared.clean is clean
    assert prepared.report.chosen == "raw"


def test_the_plate_comes_back_as_the_same_array() -> None:
    scene = make_scene(move(5, 2))
    assert Preparer(SETTINGS, None).prepare(scene.plate, scene.clean).plate is scene.plate


def test_highlights_and_negatives_survive_matching() -> None:
    clean = make_set(14)
    clean[30:34, 40:44] = 900.0
    clean[100:104, 200:204] = -0.02
    plate = clean * np.float32(0.8)
    plate[5, 5] = 0.5
    prepared = Preparer(SETTINGS, None).prepare(plate, clean)
    assert prepared.clean[31, 41, 0] == pytest.approx(720, rel=0.01)
    assert prepared.clean[102, 202, 0] == pytest.approx(-0.016, rel=0.01)


def test_a_warp_invents_no_negatives_beside_a_lamp() -> None:
    scene = make_scene(move(7.4, 3.3), noise=0.0)
    clean = np.maximum(scene.clean, 0.004)
    clean[80:86, 200:206] = 60.0
    prepared = Preparer(SETTINGS, None).prepare(scene.plate, clean)
    assert prepared.report.is_warped
    assert prepared.clean.min() > 0
    assert prepared.clean.max() <= 60.0 * max(prepared.report.gain)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_non_finite_pixels_are_distrusted_and_never_spread(value: float) -> None:
    scene = make_scene(move(6.5, -4.5))
    plate, clean = scene.plate.copy(), scene.clean.copy()
    plate[20:23, 30:33, 1] = value
    clean[120, 220] = value
    prepared = Preparer(SETTINGS, None).prepare(plate, clean)
    assert np.isfinite(prepared.plate).all() and np.isfinite(prepared.clean).all()
    assert (prepared.report.nonfinite_plate, prepared.report.nonfinite_clean) == (9, 1)
    assert len(prepared.report.warnings) == 2
    assert not prepared.trust[20:23, 30:33].any()
    row, column = np.rint(project(scene.truth, np.array([[220.0, 120.0]]))[0][::-1]).astype(int)
    assert not prepared.trust[row, column].any()
    # The pixel, its interpolation and a rim of two pixels to each side, and no more than that.
    around = prepared.trust[row - 12 : row + 13, column - 12 : column + 13]
    assert 25 <= (around == 0).sum() <= 49


def test_finite_pixels_beside_a_nan_keep_their_bits() -> None:
    clean = make_set(15)
    plate = clean * np.float32(0.9)
    broken = plate.copy()
    broken[50, 60] = np.nan
    prepared = Preparer(SETTINGS, None).prepare(broken, clean)
    untouched = np.ones((HEIGHT, WIDTH), bool)
    untouched[50, 60] = False
    assert np.array_equal(prepared.plate[untouched], plate[untouched])
    assert np.array_equal(prepared.trust[..., 0] == 1, untouched)


def test_a_clean_plate_equal_to_the_plate_is_refused() -> None:
    plate = make_set(16)
    with pytest.raises(CleanUnusable, match="own frame"):
        Preparer(SETTINGS, None).prepare(plate, plate.copy())
    with pytest.raises(CleanUnusable, match="own frame"):
        study((plate, plate.copy()), (make_set(17), make_set(17)))


def test_a_clean_plate_grabbed_from_the_shot_is_warned_of_in_its_own_frame_only() -> None:
    clean = make_set(16)
    rng = np.random.default_rng(16)
    other = (clean + rng.normal(0, 0.004, clean.shape)).astype(np.float32)
    preparer = Preparer(SETTINGS, study((clean, clean), (other, clean)))
    assert any("itself" in text for text in preparer.prepare(clean, clean).report.warnings)
    assert preparer.prepare(other, clean).report.warnings == ()


def test_an_empty_noisy_plate_is_accepted() -> None:
    scene = make_scene(np.eye(3), subject=0.0)
    report = Preparer(SETTINGS, None).prepare(scene.plate, scene.clean).report
    assert report.warnings == ()
    assert report.explained > 0.5


def test_a_clean_plate_of_another_set_is_warned_of() -> None:
    clean = make_set(18)
    plate = make_set(19) ** np.float32(0.25) * np.array([0.1, 3.0, 9.0], np.float32)
    report = Preparer(SETTINGS, None).prepare(plate, clean).report
    assert any("another set" in text for text in report.warnings)


def test_a_proxy_is_named_as_one() -> None:
    scene = make_scene(np.eye(3))
    coverage = np.zeros((HEIGHT, WIDTH, 1), np.float32)
    coverage[: HEIGHT // 2, : WIDTH // 2] = 1
    with pytest.raises(CleanUnusable, match=r"150x100 pixels of 300x200.*1/2.*proxy"):
        Preparer(SETTINGS, None).prepare(scene.plate, scene.clean, coverage)


def test_too_little_coverage_is_refused_with_both_sizes() -> None:
    scene = make_scene(np.eye(3))
    coverage = np.zeros((HEIGHT, WIDTH, 1), np.float32)
    coverage[:30, :200] = 1
    with pytest.raises(CleanUnusable, match="200x30 pixels of 300x200"):
        Preparer(SETTINGS, None).prepare(scene.plate, scene.clean, coverage)


def test_pixels_outside_of_the_coverage_are_distrusted() -> None:
    scene = make_scene(np.eye(3))
    coverage = constant()
    coverage[:, 250:] = 0
    prepared = Preparer(SETTINGS, None).prepare(scene.plate, scene.clean, coverage)
    assert np.array_equal(prepared.trust, coverage)


def test_a_static_camera_is_found_and_never_warps() -> None:
    scenes = [make_scene(np.eye(3), subject=0.1 * i, noise=0.006 + 0.001 * i) for i in range(1, 5)]
    camera = study(*((scene.plate, scenes[0].clean) for scene in scenes))
    assert camera.is_static
    assert camera.homography is None
    preparer = Preparer(SETTINGS, camera)
    shown = [preparer.prepare(scene.plate, scenes[0].clean).clean for scene in scenes]
    assert all(np.array_equal(clean, shown[0]) for clean in shown)


def test_a_knocked_tripod_gets_one_warp_and_one_gain_for_all_frames() -> None:
    truth = move(6.3, -3.8, 0.4)
    scenes = [make_scene(truth, 0.85, subject=0.1 * i) for i in range(1, 5)]
    camera = study(*((scene.plate, scenes[0].clean) for scene in scenes))
    assert camera.is_static
    assert worst_error(camera.homography, truth) < 0.25
    preparer = Preparer(SETTINGS, camera)
    shown = [preparer.prepare(scene.plate, scenes[0].clean).clean for scene in scenes]
    assert all(np.array_equal(clean, shown[0]) for clean in shown)


def test_a_moving_camera_is_found_and_each_frame_gets_its_own_warp() -> None:
    truths = [move(2.0 + 5 * i, 1.0 - 2 * i) for i in range(4)]
    scenes = [make_scene(truth) for truth in truths]
    camera = study(*((scene.plate, scene.clean) for scene in scenes))
    assert not camera.is_static
    preparer = Preparer(SETTINGS, camera)
    for scene in scenes:
        report = preparer.prepare(scene.plate, scene.clean).report
        assert worst_error(report.homography, scene.truth) < 0.3


def test_the_artist_decides_over_the_camera() -> None:
    moving = [make_scene(move(2.0 + 5 * i, 1.0)) for i in range(3)]
    still = [make_scene(np.eye(3), subject=0.1 * i) for i in range(1, 3)]
    said_static = PrepareSettings(camera="static")
    said_moving = PrepareSettings(camera="moving")
    assert study(*((s.plate, s.clean) for s in moving), settings=said_static).is_static
    assert not study(*((s.plate, s.clean) for s in still), settings=said_moving).is_static


def test_a_frame_is_the_same_in_any_order_and_every_time() -> None:
    scenes = [make_scene(move(3.0 + 4 * i, 2.0 * i), 0.9, seed=i) for i in range(3)]
    forward, backward = Preparer(SETTINGS, None), Preparer(SETTINGS, None)
    cv2.setRNGSeed(1)
    first = [forward.prepare(s.plate, s.clean) for s in scenes]
    cv2.setRNGSeed(99)
    second = [backward.prepare(s.plate, s.clean) for s in reversed(scenes)][::-1]
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.clean, other.clean)
        assert np.array_equal(one.trust, other.trust)


def test_a_garbage_matte_makes_its_pixels_evidence_of_the_light() -> None:
    # Before a grey wall a grey shirt at 0.95 of it is the likelier exposure; the artist knows.
    rng = np.random.default_rng(20)
    wall = np.full((HEIGHT, WIDTH, 3), 0.4, np.float32)
    plate = wall * np.float32(0.8)
    plate[:, 60:] = 0.4 * 0.95
    plate, clean = (
        (image + rng.normal(0, 0.003, image.shape)).astype(np.float32) for image in (plate, wall)
    )
    garbage = constant(0.0)
    garbage[:, :60] = 1
    report = Preparer(SETTINGS, None).prepare(plate, clean, garbage=garbage).report
    assert np.allclose(report.gain, 0.8, rtol=0.01)


def test_real_hand_held_pair_is_within_half_a_pixel(shared_data: Path) -> None:
    folder = shared_data / "pairs"
    if not folder.is_dir():
        pytest.skip(f"needs real pairs in {folder}")
    plate, clean = (
        (cv2.imread(str(folder / f"rooftop_1500_{role}.png"))[..., ::-1] / 255.0).astype(np.float32)
        ** np.float32(2.2)
        for role in ("plate", "clean")
    )
    report = Preparer(SETTINGS, None).prepare(plate, clean).report
    assert report.is_warped
    assert report.inliers > 400
    # In pixels of the frame, at points found on the half-size view: coarser than the frame's own.
    assert report.rms_px is not None and report.rms_px < 0.75
    assert np.allclose(report.gain, 1.0, atol=0.02)
