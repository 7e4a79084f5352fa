"""`platematte info FILE`: what we see in a file or sequence, and how it would be understood."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from platematte.images.colour import choose_source_space, config_name, working_space
from platematte.images.read import SourceImage, readable_metadata
from platematte.images.sequence import Sequence, format_frames
from platematte.images.source import Source
from platematte.images.window import Window


@dataclass(frozen=True)
class ChannelInfo:
    """One channel: its type in the file, its range over the values that are numbers, the others."""

    name: str
    channel_type: str
    minimum: float | None
    maximum: float | None
    nan_count: int
    inf_count: int


@dataclass(frozen=True)
class InfoReport:
    """What is known of a file or sequence; the picture's facts are of its first frame."""

    path: str
    kind: str
    """sequence, still or movie."""
    frames: tuple[int, ...]
    holes: str
    """Frames missing between the first and the last, as ranges; empty when there are none."""
    frame_path: str
    format_name: str
    bit_depth: int
    data_window: Window
    display_window: Window
    pixel_aspect: float
    parts: int
    layers: dict[str, tuple[str, ...]]
    """Channels by layer; the unnamed layer is the empty name."""
    channels: tuple[ChannelInfo, ...]
    colorspace: str
    colorspace_reason: str
    working_space: str
    ocio_config: str
    timecode: str | None
    frame_rate: str | None
    metadata: dict[str, str]


def describe(path: str) -> InfoReport:
    """Return what we see in a file, a sequence or a movie; reads its first frame whole.

    Raises InputMissing, InputUnreadable and, for a broken `$OCIO`, SettingsInvalid.
    """
    sequence = Sequence.parse(path)
    sequence.require(())
    frames = sequence.frames_on_disk()
    with Source(sequence) as source:
        image = source.read(frames[0])
    choice = choose_source_space(image, "auto")
    metadata = readable_metadata(image.header)
    return InfoReport(
        path=str(path),
        kind="movie" if sequence.is_movie else "still" if sequence.is_still else "sequence",
        frames=frames,
        holes=_holes(frames),
        frame_path=str(image.path),
        format_name=image.format_name,
        bit_depth=image.bit_depth,
        data_window=image.data_window,
        display_window=image.display_window,
        pixel_aspect=image.pixel_aspect,
        parts=int(metadata.get("oiio:subimages", "1")),
        layers=_layers(image.channels),
        channels=_channels(image),
        colorspace=choice.name,
        colorspace_reason=choice.reason,
        working_space=working_space(choice.name, "auto"),
        ocio_config=config_name(),
        timecode=metadata.get("smpte:TimeCode"),
        frame_rate=metadata.get("FramesPerSecond"),
        metadata=metadata,
    )


def print_report(report: InfoReport) -> None:
    """Print a report for people, one fact a line."""
    for line in report_lines(report):
        print(line)


def report_lines(report: InfoReport) -> list[str]:
    """Return a report as lines of text."""
    frames = f"{format_frames(report.frames)} ({len(report.frames)})"
    facts = [
        ("file", report.path),
        ("kind", f"{report.kind}, {report.format_name}, {report.bit_depth} bit"),
        ("frames", "one, held for every frame" if report.kind == "still" else frames),
        ("holes", report.holes or "none"),
        ("data window", str(report.data_window)),
        ("display window", str(report.display_window)),
        ("pixel aspect", f"{report.pixel_aspect:g}"),
        ("parts", _parts_text(report)),
        ("colour space", f"{report.colorspace} ({report.colorspace_reason})"),
        ("worked on in", report.working_space),
        ("OCIO config", report.ocio_config),
        ("timecode", report.timecode or "none"),
        ("frame rate", report.frame_rate or "not given"),
    ]
    if report.kind == "still":
        facts = [fact for fact in facts if fact[0] != "holes"]
    lines = [f"{name + ':':<16}{value}" for name, value in facts]
    for layer, names in report.layers.items():
        lines.append(f"{'layer:':<16}{layer or '(unnamed)'}: {', '.join(names)}")
    lines.extend(f"{'channel:':<16}{_channel_line(channel)}" for channel in report.channels)
    return lines


def _parts_text(report: InfoReport) -> str:
    if report.parts == 1:
        return "1"
    return f"{report.parts}; these are facts of {report.metadata.get('oiio:subimagename', '?')!r}"


def _channel_line(channel: ChannelInfo) -> str:
    if channel.minimum is None or channel.maximum is None:
        values = "no value is a number"
    else:
        values = f"{channel.minimum:.6g} to {channel.maximum:.6g}"
    bad = [
        f"{count} {name}"
        for count, name in ((channel.nan_count, "NaN"), (channel.inf_count, "Inf"))
        if count
    ]
    return ", ".join([f"{channel.name} {channel.channel_type}, {values}", *bad])


def _holes(frames: tuple[int, ...]) -> str:
    missing = set(range(frames[0], frames[-1] + 1)) - set(frames)
    return format_frames(missing) if missing else ""


def _layers(channels: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    layers: dict[str, tuple[str, ...]] = {}
    for name in channels:
        layer, _, channel = name.rpartition(".")
        layers[layer] = (*layers.get(layer, ()), channel)
    return layers


def _channels(image: SourceImage) -> tuple[ChannelInfo, ...]:
    return tuple(
        _channel(name, channel_type, image.pixels[..., index])
        for index, (name, channel_type) in enumerate(
            zip(image.channels, image.channel_types, strict=True)
        )
    )


def _channel(name: str, channel_type: str, values: np.ndarray) -> ChannelInfo:
    numbers = values[np.isfinite(values)]
    return ChannelInfo(
        name=name,
        channel_type=channel_type,
        minimum=float(numbers.min()) if numbers.size else None,
        maximum=float(numbers.max()) if numbers.size else None,
        nan_count=int(np.count_nonzero(np.isnan(values))),
        inf_count=int(np.count_nonzero(np.isinf(values))),
    )


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes and what carries it out."""
    parser.description = (
        "Print windows, layers, colour space, range of values and holes of a file, a "
        "sequence (name.####.exr) or a movie, as `matte` would understand it."
    )
    parser.add_argument("file", metavar="FILE", help="file, sequence pattern or movie")
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Print the report; raises what `describe` raises."""
    print_report(describe(parsed.file))
    return 0
