"""Turns a computed frame into the file that is written, and says what it was made with."""

from __future__ import annotations

from platematte import __version__
from platematte.compute import FrameResult, LookedAt
from platematte.frames import FrameInput
from platematte.images.layers import MatteFrame
from platematte.images.write import WriteReport, write_matte
from platematte.network.weights import WeightsCard
from platematte.plan import SETTINGS_ATTRIBUTE, Job
from platematte.solve.foreground import residual_of, straight_foreground


def finish_frame(
    job: Job, card: WeightsCard, source: FrameInput, here: LookedAt, result: FrameResult
) -> WriteReport:
    """Write a frame with the layers that were asked for, whole or not at all.

    Raises OutputExists and OutputUnwritable.
    """
    frame = MatteFrame(
        premult=result.solved.premult,
        alpha=result.solved.alpha,
        data_window=source.source.data_window,
        display_window=source.source.display_window,
        pixel_aspect=source.source.pixel_aspect,
        layers=_layers(job, here, result),
        colorspace=job.working,
        plate_space=source.space,
        number=source.frame,
    )
    attributes: dict[str, str | int | float] = {
        "platematte/version": __version__,
        "platematte/weights": f"{card.name} {card.sha256[:12]}",
        SETTINGS_ATTRIBUTE: job.identity,
        "platematte/prepare": here.prepared.report.chosen,
    }
    return write_matte(
        job.out.path(source.frame),
        frame,
        source.source.header,
        attributes,
        job.settings.output.compression,
        job.is_overwriting,
    )


def _layers(job: Job, here: LookedAt, result: FrameResult) -> dict:
    prepared, solved = here.prepared, result.solved
    makers = {
        "foreground": lambda: straight_foreground(solved, result.colour, job.to_rec709),
        "clean": lambda: prepared.clean,
        "residual": lambda: residual_of(prepared.plate, prepared.clean, solved),
        "confidence": lambda: result.confidence,
    }
    return {name: makers[name]() for name in job.settings.output.layers}
