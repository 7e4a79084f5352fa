"""The networks of the speed benchmark as functions, on each runtime that can compute them.

What is timed is all of it, from scene-linear plate and clean plate to alpha and foreground at full
resolution: our encoding and tiles, and what the published networks do before and after. Copies
between main memory and a GPU are left out on both sides.
"""

from __future__ import annotations

import contextlib
import copy
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from platematte.network.matter import Cues, Drawn, Matter
from platematte.network.published.mattingv2 import MattingRefine
from platematte.network.published.run import run_published, scale_for
from platematte.network.recorded import Recording
from platematte.network.tiles import (
    crop_drawn,
    draw_in_tiles,
    look_in_tiles,
    padded_height,
    padded_rows,
)
from platematte.opencv_pixels import OpenCVPixels

Tensor = torch.Tensor
Run = Callable[[Cues], Drawn]
TYPES = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}
MEMORY_MIB = 512
"""The default of `engine.memory_mib`."""


@dataclass(frozen=True)
class Contender:
    """A network on a runtime with an arithmetic."""

    network: str
    runtime: str
    precision: str
    run: Run
    weights_mib: float = 0.0
    held_mib: float = 0.0
    """What a recording holds of a GPU's memory between its runs."""


def has_openvino() -> bool:
    """Tell whether OpenVINO is installed."""
    return importlib.util.find_spec("openvino") is not None


def contend(
    name: str, network: nn.Module, runtime: str, precision: str, cues: Cues
) -> list[Contender]:
    """Return a network on a runtime; a published one also with its channels last in memory.

    cues: of the size that will be asked for; compiled networks are compiled for that size alone.
    """
    weights_mib = mib_of(*network.parameters(), *network.buffers())
    if isinstance(network, Matter):
        run, held_mib = _holding(lambda: _OURS[runtime](network, precision, cues), cues)
        return [Contender(name, runtime, precision, run, weights_mib, held_mib)]
    if runtime != "eager":
        assert isinstance(network, MattingRefine)
        maps = {"openvino": on_openvino, "compile": on_inductor, "graph": on_graph}[runtime]
        run, held_mib = _holding(lambda: theirs(network, precision, cues, maps), cues)
        return [Contender(name, runtime, precision, run, weights_mib, held_mib)]
    packed = copy.deepcopy(network).to(memory_format=torch.channels_last)
    return [
        Contender(name, runtime, precision, theirs(one, precision, cues), weights_mib)
        for runtime, one in (("eager", network), ("eager, channels last", packed))
    ]


def _holding(build: Callable[[], Run], cues: Cues) -> tuple[Run, float]:
    """Return what is built and the most that it took of a GPU's memory; a recording keeps that."""
    if cues.plate.device.type != "cuda":
        return build(), 0.0
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    return build(), (torch.cuda.max_memory_allocated() - before) / 2**20


def mib_of(*parts: Tensor) -> float:
    """Return the memory of tensors."""
    return sum(part.numel() * part.element_size() for part in parts) / 2**20


def ours_eager(matter: Matter, precision: str, cues: Cues) -> Run:
    """Return our network as the engine runs it, in tiles."""
    matter.pixels = OpenCVPixels()
    height, width = cues.plate.shape[2:]

    def run(cues: Cues) -> Drawn:
        with torch.inference_mode(), arithmetic(cues.plate.device, precision):
            seen = look_in_tiles(matter, cues, MEMORY_MIB)
            thought = matter.think(seen.eighth, guess=seen.guess, is_far=seen.is_far)
            drawn = draw_in_tiles(matter, cues, seen, thought, MEMORY_MIB)
            return crop_drawn(drawn, height, width)

    return run


def ours_openvino(matter: Matter, precision: str, cues: Cues) -> Run:
    """Return our network as one OpenVINO graph of the whole frame."""
    align_px = matter.align_px
    function = on_openvino(_Flat(matter), precision, _whole(cues, align_px))
    return _ours_at_once(function, cues, align_px)


def ours_compiled(matter: Matter, precision: str, cues: Cues) -> Run:
    """Return our network as torch.compile makes it, of the whole frame."""
    align_px = matter.align_px
    function = on_inductor(_Flat(matter), precision, _whole(cues, align_px))
    return _ours_at_once(function, cues, align_px)


Function = Callable[..., tuple[Tensor, ...]]
Replace = Callable[[nn.Module, str, tuple[Tensor, ...]], Function]


def ours_recorded(matter: Matter, precision: str, cues: Cues) -> Run:
    """Return our network as the engine runs it on a GPU: recorded as a CUDA graph."""
    eager = ours_eager(matter, precision, cues)

    def run(*parts: Tensor) -> tuple[Tensor, ...]:
        drawn = eager(Cues(*parts))
        return drawn.alpha, drawn.coarse, drawn.foreground, drawn.error

    with torch.inference_mode():
        recording = Recording(run, (cues.plate, cues.clean, cues.trust, cues.hints))

    def again(cues: Cues) -> Drawn:
        with torch.inference_mode():
            return Drawn(*recording(cues.plate, cues.clean, cues.trust, cues.hints))

    return again


def on_graph(module: nn.Module, precision: str, example: tuple[Tensor, ...]) -> Function:
    """Return a module as a CUDA graph, for tensors of the example's sizes."""
    device = example[0].device

    def run(*parts: Tensor) -> tuple[Tensor, ...]:
        with arithmetic(device, precision):
            return module(*parts)

    with torch.inference_mode():
        return Recording(run, example)


def theirs(network: nn.Module, precision: str, cues: Cues, maps: Replace | None = None) -> Run:
    """Return a published network with its own processing before and after, at published settings.

    maps: what runs backbone and decoder of BackgroundMattingV2. Its refiner stays in torch: how
    many patches it takes is known only when it runs.
    """
    if maps is not None:
        network = copy.deepcopy(network)
        scale = scale_for(*cues.plate.shape[2:])
        height, width = (side + -side % network.ALIGN_PX for side in cues.plate.shape[2:])
        size = int(height * scale), int(width * scale)
        small = torch.rand(1, 6, *size, device=cues.plate.device)
        network.draw_maps = maps(_Maps(copy.deepcopy(network)), precision, (small,))

    def run(cues: Cues) -> Drawn:
        with torch.inference_mode(), arithmetic(cues.plate.device, precision):
            return run_published(network, cues)

    return run


def on_openvino(module: nn.Module, precision: str, example: tuple[Tensor, ...]) -> Function:
    """Return a module as OpenVINO computes it, for tensors of the example's sizes."""
    import openvino

    shapes = [tuple(part.shape) for part in example]
    with torch.no_grad():
        graph = openvino.convert_model(module, example_input=example, input=shapes)
    hints = {
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision],
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    compiled = openvino.Core().compile_model(graph, "CPU", hints)
    request = compiled.create_infer_request()
    count = len(compiled.outputs)

    def run(*parts: Tensor) -> tuple[Tensor, ...]:
        # Under autocast the tensors between torch's own layers may be bfloat16.
        request.infer([part.float().contiguous().numpy() for part in parts], share_inputs=True)
        return tuple(torch.from_numpy(request.get_output_tensor(i).data) for i in range(count))

    return run


def on_inductor(module: nn.Module, precision: str, example: tuple[Tensor, ...]) -> Function:
    """Return a module as torch.compile makes it, with its weights frozen into it."""
    import torch._inductor.config as inductor

    inductor.freezing = True
    compiled = torch.compile(module, dynamic=False)
    device = example[0].device

    def run(*parts: Tensor) -> tuple[Tensor, ...]:
        # It freezes weights only where no gradient is asked for; inference mode is not known to it.
        with torch.inference_mode(False), torch.no_grad(), arithmetic(device, precision):
            return compiled(*(part.clone() if part.is_inference() else part for part in parts))

    return run


def arithmetic(device: torch.device, precision: str) -> contextlib.AbstractContextManager[object]:
    """Return the context in which layers compute with a precision."""
    if precision == "fp32":
        return contextlib.nullcontext()
    return torch.autocast(device.type, TYPES[precision])


_OURS: dict[str, Callable[[Matter, str, Cues], Run]] = {
    "eager": ours_eager,
    "graph": ours_recorded,
    "openvino": ours_openvino,
    "compile": ours_compiled,
}


class _Flat(nn.Module):
    """Our network with tensors for arguments and results."""

    def __init__(self, matter: Matter) -> None:
        super().__init__()
        self.matter = matter

    def forward(
        self, plate: Tensor, clean: Tensor, trust: Tensor, hints: Tensor
    ) -> tuple[Tensor, ...]:
        drawn = self.matter(Cues(plate, clean, trust, hints))
        return drawn.alpha, drawn.coarse, drawn.foreground, drawn.error


class _Maps(nn.Module):
    """Backbone and decoder of BackgroundMattingV2."""

    def __init__(self, network: MattingRefine) -> None:
        super().__init__()
        self.network = network

    def forward(self, pair: Tensor) -> tuple[Tensor, ...]:
        return self.network.draw_maps(pair)


def _ours_at_once(function: Function, cues: Cues, align_px: int) -> Run:
    height, width = cues.plate.shape[2:]

    def run(cues: Cues) -> Drawn:
        return crop_drawn(Drawn(*function(*_whole(cues, align_px))), height, width)

    return run


def _whole(cues: Cues, align_px: int) -> tuple[Tensor, ...]:
    """Return the cues at the size that our network takes."""
    padded = padded_rows(cues, 0, padded_height(cues, align_px), align_px)
    return padded.plate, padded.clean, padded.trust, padded.hints.contiguous()
