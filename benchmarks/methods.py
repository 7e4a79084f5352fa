"""What accuracy.py compares, behind one face: a scene goes in, an answer for each frame comes out.

Ours is the whole product with all settings at their defaults. A trained network runs behind our
prepare stage with its own published foreground, ours with the foreground of our solve; a published
network is shown a second time with our solve behind its alpha. Keyers get the clean plate as it
was shot ("raw") or as our prepare stage aligned and matched it ("prepared"). All images are float32
H x W x C, scene-linear Rec.709.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from clips import matte_clip, without_temporal
from keyers import Keyer, tune

from platematte.compute import Engine, FrameResult
from platematte.errors import MatteError
from platematte.evaluate.metrics import Image, Matte
from platematte.matte import matte_pixels
from platematte.prepare.prepare import PreparedFrame, Preparer, study_camera
from platematte.settings import MatteSettings, NetworkSettings, PrepareSettings
from platematte.solve.foreground import solve_alpha, solve_foreground, straight_foreground

if TYPE_CHECKING:
    from platematte.training.architectures import TrainedNetwork
    from platematte.training.heldout import HeldoutSample

Role = Literal[
    "ours", "ours-single", "ours-network", "mattingv2", "mattingv2-solved", "seed", "keyer"
]
PUBLISHED: dict[str, Role] = {"mattingv2-mobilenetv2": "mattingv2", "seed": "seed"}
"""Architectures of others; every other name is one of ours."""
TITLES = {"mattingv2-mobilenetv2": "BackgroundMattingV2 MobileNetV2", "seed": "seed"}


@dataclass(frozen=True)
class Answer:
    """What a method says of one frame."""

    matte: Matte
    confidence: Image | None
    """H x W x 1, where the method has one."""
    seconds: float


class Scene:
    """A still, or the frames of a clip; its clean plates are prepared once for all methods."""

    def __init__(self, frames: Sequence[HeldoutSample]) -> None:
        """Take one frame, or the consecutive frames of a clip."""
        self.frames = list(frames)

    @cached_property
    def prepared(self) -> list[PreparedFrame]:
        """The frames as our prepare stage makes them; the camera of a clip is studied first."""
        settings, camera = PrepareSettings(), None
        if len(self.frames) > 1:
            full = np.ones((*self.frames[0].plate.shape[:2], 1), np.float32)
            camera = study_camera(((f.plate, f.clean, full) for f in self.frames), settings)
        preparer = Preparer(settings, camera)
        return [preparer.prepare(frame.plate, frame.clean) for frame in self.frames]


@dataclass(frozen=True)
class Method:
    """One row of the table."""

    name: str
    role: Role
    clean: str
    """The clean plate it gets: raw or prepared; own for ours, which prepares the raw one itself."""
    answers: Callable[[Scene], Iterator[Answer]]
    samples: int | None = None
    """What a trained network was trained on."""


def ours(weights: str, is_clip: bool) -> list[Method]:
    """Return the product; on clips also as it is without what it knows of neighbouring frames.

    Raises WeightsInvalid. Where no setting switches the temporal path off, its row is missing.
    """
    settings = MatteSettings(network=NetworkSettings(weights=weights))
    engine = Engine(settings)
    name = f"ours ({engine.card.name})"
    if not is_clip:

        def still(scene: Scene) -> Iterator[Answer]:
            for frame in scene.frames:
                start = time.perf_counter()
                result = matte_pixels(frame.plate, frame.clean, settings, engine=engine)
                yield _answer_of(result, time.perf_counter() - start)

        return [Method(name, "ours", "own", still)]
    methods = [Method(name, "ours", "own", lambda scene: _clip(scene, settings))]
    single = without_temporal(settings)
    if single is not None:
        title = f"{name}, single frames"
        methods.append(Method(title, "ours-single", "own", lambda scene: _clip(scene, single)))
    return methods


def load_networks(paths: Sequence[Path], say: Callable[[str], None]) -> dict[str, TrainedNetwork]:
    """Load what `platematte train` wrote, by name of its run.

    A file that is absent, or is no such file, is named and left out.
    """
    from platematte.training.architectures import load_trained

    networks: dict[str, TrainedNetwork] = {}
    for path in paths:
        run = path.parent.name if path.name == "weights.safetensors" else path.stem
        try:
            if not path.is_file():
                raise FileNotFoundError("there is no such file")
            networks[str(path) if run in networks else run] = load_trained(path)
        except (MatteError, OSError, KeyError, RuntimeError, ValueError) as error:
            # What another architecture's file lacks shows as a missing key or a wrong shape.
            reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
            say(f"left out: {path}: {reason}")
    return networks


def network_methods(run: str, network: TrainedNetwork) -> list[Method]:
    """Return the rows of a trained network. run: what tells it from others of its kind."""
    role = PUBLISHED.get(network.name, "ours-network")
    samples = f"{network.samples:,}".replace(",", " ")
    name = f"{TITLES.get(network.name, 'our network')}, {samples} samples ({run})"

    def row(name: str, role: Role, is_solved: bool) -> Method:
        def answers(scene: Scene) -> Iterator[Answer]:
            return (_network_answer(network, frame, is_solved) for frame in scene.prepared)

        return Method(name, role, "prepared", answers, network.samples)

    if role == "ours-network":
        return [row(name, role, is_solved=True)]
    methods = [row(name, role, is_solved=False)]
    if role == "mattingv2":
        methods.append(row(f"{name}, our solve", "mattingv2-solved", is_solved=True))
    return methods


def keyer_methods(
    names: Sequence[str], cleans: Sequence[str], tuning: Scene, say: Callable[[str], None]
) -> Iterator[Method]:
    """Tune each keyer for each kind of clean plate on frames that are not measured."""
    for clean in cleans:
        pairs = zip(tuning.frames, _cleans(tuning, clean), strict=True)
        samples = [replace(frame, clean=shown) for frame, shown in pairs]
        for name in names:
            keyer = tune(name, samples)
            say(f"  {name}, {clean} clean plate: {keyer}")
            yield Method(name, "keyer", clean, _keyer_answers(keyer, clean))


def _keyer_answers(keyer: Keyer, clean: str) -> Callable[[Scene], Iterator[Answer]]:
    def answers(scene: Scene) -> Iterator[Answer]:
        for frame, shown in zip(scene.frames, _cleans(scene, clean), strict=True):
            start = time.perf_counter()
            keyed = keyer.key(frame.plate, shown)
            yield Answer(Matte(*keyed), None, time.perf_counter() - start)

    return answers


def _cleans(scene: Scene, clean: str) -> list[Image]:
    frames = scene.prepared if clean == "prepared" else scene.frames
    return [frame.clean for frame in frames]


def _network_answer(network: TrainedNetwork, frame: PreparedFrame, is_solved: bool) -> Answer:
    start = time.perf_counter()
    parts = network.matte(*(_tensor(part) for part in (frame.plate, frame.clean, frame.trust)))
    alpha, colour = (_image(part) for part in parts[:2])
    confidence = None if parts[2] is None else _image((1 - parts[2].abs()).clamp(0, 1))
    if is_solved:
        alpha = solve_alpha(alpha)
        solved = solve_foreground(frame.plate, frame.clean, alpha, frame.trust, colour)
        matte = Matte(alpha, solved.premult, straight_foreground(solved, colour))
    else:
        matte = Matte(alpha, alpha * colour, colour)
    return Answer(matte, confidence, time.perf_counter() - start)


def _answer_of(result: FrameResult, seconds: float) -> Answer:
    foreground = straight_foreground(result.solved, result.colour)
    matte = Matte(result.solved.alpha, result.solved.premult, foreground)
    return Answer(matte, result.confidence, seconds)


def _clip(scene: Scene, settings: MatteSettings) -> Iterator[Answer]:
    start = time.perf_counter()
    frames = [(frame.plate, frame.clean) for frame in scene.frames]
    written = matte_clip(frames, settings)
    seconds = (time.perf_counter() - start) / len(frames)
    return (Answer(matte, confidence, seconds) for matte, confidence in written)


def _tensor(image: Image) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1), np.float32))[None]


def _image(tensor: torch.Tensor) -> Image:
    return np.ascontiguousarray(tensor[0].float().permute(1, 2, 0).numpy())
