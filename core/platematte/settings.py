"""Every setting of a matte, once: the command line, files, knobs and docs are made from these.

A field's docstring stands under it and is its help text. Values are checked on construction.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_type_hints

from platematte.errors import SettingsInvalid

LAYER_NAMES = ("foreground", "clean", "residual", "confidence")


@dataclass(frozen=True)
class InputSettings:
    """How the files are understood."""

    colorspace: str = "auto"
    """Colour space of the plate; auto: the file's tag, else scene_linear for float, or sRGB."""
    clean_colorspace: str = "auto"
    """Colour space of the clean plate; auto: as for the plate, from its own file."""
    working_space: str = "auto"
    """Scene-linear space to work and write in; auto: the plate's own."""


@dataclass(frozen=True)
class PrepareSettings:
    """How the clean plate is made comparable with the plate."""

    align: Literal["auto", "off"] = "auto"
    """Warp the clean plate onto each plate by a homography where that is better than none."""
    match: Literal["auto", "off"] = "auto"
    """Match exposure and white balance of the clean plate, per channel, in linear light."""
    camera: Literal["auto", "static", "moving"] = "auto"
    """Static: one alignment for the whole shot; auto finds out from a few frames of the shot."""


@dataclass(frozen=True)
class NetworkSettings:
    """What computes alpha, and where."""

    weights: str = "default"
    """Name of a set of weights in the package, or the path of a safetensors file."""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Device to compute on; auto: CUDA, then MPS, then the CPU."""
    precision: Literal["auto", "fp32", "fp16", "bf16"] = "auto"
    """Arithmetic within the network; auto: fp16 on CUDA, bf16 on CPUs that have it, else fp32.

    Pixels, and what leaves the network, are float32 always. Name it on a farm of mixed machines."""


@dataclass(frozen=True)
class SolveSettings:
    """What becomes of the network's answer."""

    temporal: Literal["auto", "off"] = "auto"
    """Average alpha with that of two frames on each side, along the motion, against flicker."""


@dataclass(frozen=True)
class OutputSettings:
    """What is written."""

    layers: tuple[str, ...] = ()
    """Extra layers: foreground (straight), clean, residual, confidence."""
    compression: Literal["zips", "zip", "piz", "none", "rle"] = "zips"
    """EXR compression; all of these keep every bit."""


@dataclass(frozen=True)
class EngineSettings:
    """How the machine is used."""

    memory_mib: int = field(default=512, metadata={"minimum": 64, "maximum": 1 << 20})
    """Memory that the network may take for its features, MiB; on a GPU four times as much.

    Larger frames go in tiles."""
    read_ahead: int = field(default=2, metadata={"minimum": 1, "maximum": 16})
    """Frames read before they are needed and frames waiting to be written."""
    cpu_fallback: bool = False
    """Go on on the CPU when the GPU has no memory left even for the smallest tiles."""


@dataclass(frozen=True)
class MatteSettings:
    """All settings of a matte, a section for each stage."""

    input: InputSettings = InputSettings()
    prepare: PrepareSettings = PrepareSettings()
    network: NetworkSettings = NetworkSettings()
    solve: SolveSettings = SolveSettings()
    output: OutputSettings = OutputSettings()
    engine: EngineSettings = EngineSettings()

    def __post_init__(self) -> None:
        """Check every value against its type and range, however the settings were made."""
        for section in fields(self):
            part = getattr(self, section.name)
            for name in (entry.name for entry in fields(part)):
                _check(section.name, name, getattr(part, name), type(part))


def change_settings(
    settings: MatteSettings, changes: Mapping[str, Mapping[str, Any]]
) -> MatteSettings:
    """Return settings with some values changed, as {section: {key: value}}; text is converted.

    Raises SettingsInvalid for unknown sections and keys, with the nearest name, and for values of
    the wrong type or outside their range.
    """
    for section, values in changes.items():
        names = [entry.name for entry in fields(MatteSettings)]
        if section not in names:
            raise _unknown(f"section {section!r}", section, names)
        if not isinstance(values, Mapping):
            raise SettingsInvalid(
                f"{section} is a section; it holds keys, not the value {values!r}"
            )
        part = getattr(settings, section)
        converted = {
            key: _convert(section, key, value, type(part)) for key, value in values.items()
        }
        settings = replace(settings, **{section: replace(part, **converted)})
    return settings


def parse_assignment(text: str) -> tuple[str, str, str]:
    """Return section, key and value of "section.key=value"."""
    name, equals, value = text.partition("=")
    section, dot, key = name.strip().partition(".")
    if not (equals and dot and section and key):
        raise SettingsInvalid(
            f"{text!r} is not of the form section.key=value",
            fix="For example: --set engine.memory_mib=2048",
        )
    return section, key, value.strip()


def read_settings_file(path: Path) -> dict[str, Any]:
    """Return what a TOML or JSON settings file says, to be passed to `change_settings`.

    Raises SettingsInvalid, with the place in the file, when it is missing or is neither.
    """
    import msgspec

    try:
        text = path.read_text(encoding="utf-8")
        content = json.loads(text) if path.suffix == ".json" else msgspec.toml.decode(text)
    except FileNotFoundError:
        raise SettingsInvalid("there is no such settings file", path=path) from None
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise SettingsInvalid(f"cannot be read as a settings file: {error}", path=path) from error
    if not isinstance(content, dict):
        raise SettingsInvalid("holds no sections", path=path)
    return content


def describe_settings(settings: MatteSettings) -> dict[str, dict[str, Any]]:
    """Return all values as {section: {key: value}}, ready for JSON."""
    return asdict(settings)


def _check(section: str, key: str, value: Any, kind: type) -> None:
    import msgspec

    annotation = get_type_hints(kind)[key]
    try:
        msgspec.convert(value, annotation)
    except msgspec.ValidationError as error:
        raise SettingsInvalid(f"{section}.{key}: {error}; the value is {value!r}") from None
    metadata = {entry.name: entry.metadata for entry in fields(kind)}[key]
    low, high = metadata.get("minimum"), metadata.get("maximum")
    if low is not None and not low <= value <= high:
        raise SettingsInvalid(f"{section}.{key} is {value}; it may be {low} to {high}")
    if (section, key) == ("output", "layers"):
        for layer in value:
            if layer not in LAYER_NAMES:
                raise _unknown(f"layer {layer!r}", layer, list(LAYER_NAMES))


def _convert(section: str, key: str, value: Any, kind: type) -> Any:
    import msgspec

    names = [entry.name for entry in fields(kind)]
    if key not in names:
        raise _unknown(f"setting {section}.{key}", key, names)
    if key == "layers" and isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    try:
        return msgspec.convert(value, get_type_hints(kind)[key], strict=False)
    except msgspec.ValidationError as error:
        raise SettingsInvalid(f"{section}.{key}: {error}; the value is {value!r}") from None


def _unknown(what: str, name: str, known: list[str]) -> SettingsInvalid:
    nearest = difflib.get_close_matches(name, known, 3, 0.5) or known
    return SettingsInvalid(f"there is no {what}", fix=f"The nearest: {', '.join(nearest)}.")
