"""The live model answers as the engine does, whatever comes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from platematte.compute import Engine, FrameResult, Mattes
from platematte.images.colour import rec709_matrix
from platematte.live import model as live_model
from platematte.live.archive import save_for_old_torch
from platematte.live.model import script_live_matte
from platematte.network import matter as network_of_engine
from platematte.network.matter import Cues
from platematte.network.weights import find_weights, load_weights, save_weights
from platematte.prepare.prepare import Preparer
from platematte.settings import MatteSettings, NetworkSettings, PrepareSettings

Live = Callable[[torch.Tensor], np.ndarray]
IDENTITY = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
STEP = 1 / 255


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(MatteSettings(network=NetworkSettings(device="cpu", precision="fp32")))


def draw_frame(height: int, width: int, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Return plate and clean plate, H x W x 3, with a bright subject and values below 0."""
    random = np.random.default_rng(seed)
    clean = random.uniform(0.02, 0.4, (height // 6 + 1, width // 6 + 1, 3)).astype(np.float32)
    clean = clean.repeat(6, 0).repeat(6, 1)[:height, :width]
    clean = clean + random.uniform(-0.02, 0.02, clean.shape).astype(np.float32)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    away = np.hypot((x / width - 0.45) / 0.25, (y / height - 0.5) / 0.3)
    alpha = np.clip((1.2 - away) / 0.4, 0, 1)[..., None].astype(np.float32)
    return alpha * np.array([3.5, 1.1, -0.02], np.float32) + (1 - alpha) * clean, clean


def feed(
    plate: np.ndarray,
    clean: np.ndarray,
    coverage: np.ndarray | None = None,
    garbage: np.ndarray | None = None,
    core: np.ndarray | None = None,
) -> torch.Tensor:
    """Return the channels of one frame, 1 x 9 x H x W."""
    one = np.ones((*plate.shape[:2], 1), np.float32)
    parts = [plate, clean, one if coverage is None else coverage]
    parts += [0 * one if matte is None else matte for matte in (garbage, core)]
    stacked = np.concatenate(parts, axis=2).transpose(2, 0, 1)
    return torch.from_numpy(np.ascontiguousarray(stacked[None], np.float32))


def engines(
    engine: Engine,
    plate: np.ndarray,
    clean: np.ndarray,
    coverage: np.ndarray | None = None,
    mattes: Mattes | None = None,
    to_rec709: np.ndarray | None = None,
) -> FrameResult:
    """Return the engine's result without alignment, light matching and neighbours."""
    matrix = np.eye(3, dtype=np.float32) if to_rec709 is None else to_rec709
    settings = PrepareSettings(align="off", match="off")
    prepared = Preparer(settings, None).prepare(plate, clean, coverage)
    here = engine.look(prepared, mattes or Mattes(), matrix)
    return engine.solve(here, engine.draw(here, []), matrix)


def largest(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max())


def test_alpha_is_the_engines_within_1_255_over_the_whole_demo_frame(demo, live: Live) -> None:
    for frame in (1001, 1002, 1003):
        seen, engine = live(demo.fed(frame)), demo.still(frame)
        away = largest(seen[..., 3:4], engine.solved.alpha)
        print(f"frame {frame}: alpha differs by {away:.6f} at most")
        assert seen.shape == (360, 640, 5)
        assert away <= STEP
        assert largest(seen[..., 4:], engine.confidence) <= STEP
        # The engine's foreground is rounded to half floats, live's is not.
        assert np.allclose(seen[..., :3], engine.solved.premult, rtol=2**-10, atol=0.004)


def test_fused_alpha_is_the_engines_in_all_but_a_few_pixels(demo, live: Live) -> None:
    """The search for motion decides between places; 1 / 32 px of rounding tips a few of them."""
    for frame in (1002, 1003):
        engine, seen = demo.fused(frame).solved.alpha, live(demo.fed(frame, True))[..., 3:4]
        away = np.abs(seen - engine)
        print(f"frame {frame}: fused alpha differs by {away.max():.4f} at most,")
        print(f"in {(away > STEP).sum()} of {away.size} px by more than 1/255")
        assert np.abs(engine - demo.still(frame).solved.alpha).max() > 0.1
        assert (away > STEP).mean() < 1 / 3000
        assert away.max() < 0.05


@pytest.mark.parametrize("size", [(4, 5), (5, 7), (32, 32), (33, 47), (90, 131)])
def test_any_size_is_padded_inside(engine: Engine, live: Live, size: tuple[int, int]) -> None:
    plate, clean = draw_frame(*size)
    seen = live(feed(plate, clean))
    assert seen.shape == (*size, 5)
    assert largest(seen[..., 3:4], engines(engine, plate, clean).solved.alpha) <= STEP
    beside = torch.cat([feed(plate, clean), feed(clean, clean), feed(clean, clean)], 1)
    assert np.isfinite(live(beside)).all()


def test_a_large_frame_is_looked_at_as_the_engine_looks_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained, size = load_weights(find_weights("default"))[0], (128, 192)
    path = tmp_path / "far.safetensors"
    save_weights(path, trained.state_dict(), replace(trained.widths, reach=2), 0, False)
    matter = load_weights(path)[0]
    for module in (network_of_engine, live_model):
        monkeypatch.setattr(module, "FAR_PX", size[0] * size[1])
    save_for_old_torch(script_live_matte(matter, IDENTITY, IDENTITY), tmp_path / "live.pt")
    model = torch.jit.load(tmp_path / "live.pt")
    network = NetworkSettings(weights=str(path), device="cpu", precision="fp32")
    engine = Engine(MatteSettings(network=network))
    for height, width in (size, (size[0], size[1] - 1)):
        plate, clean = draw_frame(height, width)
        expected, seen = engines(engine, plate, clean), model(feed(plate, clean))
        alpha = seen[0].detach().permute(1, 2, 0).numpy()[..., 3:4]
        assert largest(alpha, expected.solved.alpha) <= STEP
    # Both were asked for.
    cues = Cues(*(torch.rand(1, channels, *size) for channels in (3, 3, 1, 3)))
    with torch.inference_mode():
        near, far = (matter.eval()(cues, is_far=is_far).alpha for is_far in (False, True))
    assert float((near - far).abs().max()) > STEP


def test_where_alpha_is_1_the_plate_passes_bit_for_bit(live: Live) -> None:
    plate, clean = draw_frame(64, 96)
    plate[30:34, 40:44] = (50000.123, 7e5, -0.125)
    core = np.zeros((64, 96, 1), np.float32)
    core[28:36, 38:46] = 1
    seen = live(feed(plate, clean, core=core))
    solid = seen[..., 3] == 1
    assert solid[30:34, 40:44].all()
    assert np.array_equal(seen[solid][:, :3], plate[solid])
    assert not seen[seen[..., 3] == 0][:, :3].any()


def test_plate_and_clean_plate_are_what_premult_and_the_rest_add_up_to(live: Live) -> None:
    plate, clean = draw_frame(64, 96)
    seen = live(feed(plate, clean))
    alpha = seen[..., 3:4]
    soft = ((alpha > 0) & (alpha < 1))[..., 0] & (seen[..., :3] > 0).all(axis=2)
    assert soft.sum() > 50
    again = seen[..., :3] + (1 - alpha) * clean
    assert np.allclose(again[soft], plate[soft], atol=1e-6)


def test_pixels_that_are_not_finite_are_replaced_and_not_trusted(
    engine: Engine, live: Live
) -> None:
    plate, clean = draw_frame(64, 96)
    plate[20, 30], plate[40:42, 50, 1], clean[10:13, 60] = np.nan, np.inf, -np.inf
    expected = engines(engine, plate.copy(), clean.copy())
    seen = live(feed(plate, clean))
    assert np.isfinite(seen).all()
    assert largest(seen[..., 3:4], expected.solved.alpha) <= STEP
    assert np.allclose(seen[..., :3], expected.solved.premult, rtol=2**-9, atol=0.004)


def test_mattes_are_obeyed_as_in_the_engine(engine: Engine, live: Live) -> None:
    plate, clean = draw_frame(64, 96)
    garbage, core = (np.zeros((64, 96, 1), np.float32) for _ in range(2))
    garbage[:, :40], core[20:40, 30:60] = 1, 1
    garbage[:, 40:44] = 0.5
    expected = engines(engine, plate, clean, mattes=Mattes(garbage, core))
    broken = garbage.copy()
    broken[0, 90] = np.nan
    seen = live(feed(plate, clean, garbage=broken, core=core))
    assert largest(seen[..., 3:4], expected.solved.alpha) <= STEP
    assert not seen[:, :40, 3].any()
    assert (seen[20:40, 44:60, 3] == 1).all()


def test_where_the_clean_plate_does_not_reach_the_engines_colour_is_painted(
    engine: Engine, live: Live
) -> None:
    plate, clean = draw_frame(64, 96)
    coverage = np.ones((64, 96, 1), np.float32)
    coverage[:, 40:] = 0
    expected = engines(engine, plate, clean * coverage, coverage)
    seen = live(feed(plate, clean, coverage))
    assert largest(seen[..., 3:4], expected.solved.alpha) <= STEP
    assert np.allclose(seen[..., :3], expected.solved.premult, rtol=2**-9, atol=0.004)


def test_a_comp_in_acescg_gets_the_alpha_of_the_same_picture(
    engine: Engine, tmp_path: Path
) -> None:
    plate, clean = draw_frame(64, 96)
    matrix = rec709_matrix("ACEScg")
    back = np.linalg.inv(matrix.astype(np.float64))
    matter = load_weights(find_weights("default"))[0]
    model = script_live_matte(matter, matrix.ravel().tolist(), back.ravel().tolist())
    save_for_old_torch(model, tmp_path / "aces.pt")
    aces_plate, aces_clean = (
        (image @ back.T.astype(np.float32)).astype(np.float32) for image in (plate, clean)
    )
    expected = engines(engine, aces_plate, aces_clean, to_rec709=matrix)
    with torch.no_grad():
        fed = feed(aces_plate, aces_clean)
        seen = torch.jit.load(tmp_path / "aces.pt")(fed)[0].permute(1, 2, 0).numpy()
    assert largest(seen[..., 3:4], expected.solved.alpha) <= STEP
    assert np.allclose(seen[..., :3], expected.solved.premult, rtol=2**-9, atol=0.004)


def test_frames_beside_that_are_this_frame_again_change_nothing(live: Live) -> None:
    plate, clean = draw_frame(64, 96)
    fed = feed(plate, clean)
    assert np.array_equal(live(torch.cat([fed, fed, fed], 1)), live(fed))


def test_frames_of_another_shot_change_nothing(live: Live) -> None:
    plate, clean = draw_frame(96, 128)
    other = feed(*draw_frame(96, 128, seed=9))
    fed = feed(plate, clean)
    assert np.array_equal(live(torch.cat([fed, other, other], 1)), live(fed))


def test_the_knob_quality_switches_the_frames_beside_off(demo, live_file: Path) -> None:
    model = torch.jit.load(live_file)
    assert model.quality == 1
    fed = demo.fed(1002, True)[..., 100:260, 200:360]
    with torch.no_grad():
        fused = model(fed)
        model.quality = 0
        alone = model(fed)
        assert torch.equal(alone, model(fed[:, :9]))
    assert not torch.equal(fused, alone)


def test_several_frames_at_once_are_each_what_they_are_alone(live_file: Path) -> None:
    model = torch.jit.load(live_file)
    one, other = (feed(*draw_frame(40, 50, seed)) for seed in (1, 2))
    with torch.no_grad():
        both = model(torch.cat([one, other]))
        assert torch.equal(both, torch.cat([model(one), model(other)]))
    assert both.is_contiguous()


def test_half_floats_in_and_a_halved_model_stay_near_and_finite(demo, live_file: Path) -> None:
    fed = demo.fed(1002)[..., 60:252, 160:416]
    model = torch.jit.load(live_file)
    with torch.no_grad():
        full = model(fed)
        taken = model(fed.half())
        halved = model.half()(fed.half())
    assert taken.dtype == halved.dtype == torch.float16
    for seen in (taken, halved):
        assert torch.isfinite(seen).all()
        assert (seen[:, 3] - full[:, 3]).abs().mean() < 0.002


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_the_answer_is_that_of_the_cpu(demo, live_file: Path) -> None:
    fed = demo.fed(1002, with_neighbours=True)
    model = torch.jit.load(live_file)
    with torch.no_grad():
        expected = model(fed)[:, 3]
        seen = model.cuda()(fed.cuda())[:, 3].cpu()
        halved = model.half()(fed.cuda().half())[:, 3].cpu().float()
    assert (seen - expected).abs().mean() < 1e-3
    assert (halved - expected).abs().mean() < 2e-3


def test_another_number_of_channels_is_refused(live_file: Path) -> None:
    with pytest.raises(torch.jit.Error, match="9 or 27 channels"):
        torch.jit.load(live_file)(torch.zeros(1, 10, 32, 32))
