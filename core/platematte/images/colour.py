"""Colour spaces: which one a file is in, which one we work in, and the way between them.

Every conversion is OpenColorIO's, by the studio's `$OCIO` or else the built-in ACES studio config.
Nothing here clamps, except `to_display`, which is for looking only.
"""

from __future__ import annotations

import difflib
import functools
import logging
import os
from dataclasses import dataclass

import numpy as np
import OpenImageIO as oiio

from platematte.errors import ColourSpaceUnknown, SettingsInvalid
from platematte.images.read import SourceImage

BUILTIN_CONFIG = "ocio://studio-config-latest"
_LINEAR_REC709 = (
    "lin_rec709_scene",
    "lin_rec709",
    "lin_rec709_srgb",
    "lin_srgb",
    "Utility - Linear - sRGB",
    "Utility - Linear - Rec.709",
)
_SRGB = ("srgb_rec709_scene", "srgb_tx", "srgb_texture", "Utility - sRGB - Texture", "sRGB")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SpaceChoice:
    """A colour space and, in words, why it was chosen."""

    name: str
    reason: str


def config_name() -> str:
    """Return what names the config in use: the value of `$OCIO`, or the built-in studio config."""
    return os.environ.get("OCIO") or BUILTIN_CONFIG


def load_config() -> oiio.ColorConfig:
    """Return the config in use. Raises SettingsInvalid when `$OCIO` names no usable config."""
    return _load(config_name())


def resolve(name: str) -> str:
    """Return the config's own name for a colour space, an alias, a role or an interop name.

    Raises ColourSpaceUnknown with the nearest names.
    """
    found = _resolve(load_config(), name)
    if found is None:
        near = _nearest(load_config(), name)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise ColourSpaceUnknown(
            f"the OCIO config {config_name()} has no colour space {name!r}{hint}"
        )
    return found


def interop_name(name: str) -> str | None:
    """Return the Color Interop Forum's name of a space, which other programs know, if it has one.

    Where the config says only a name of its own kind ("ocio:lin_awg4_scene"), that.
    """
    return load_config().get_color_interop_id(name) or None


def source_space(image: SourceImage, setting: str) -> str:
    """Return the colour space of an image's pixels; see `choose_source_space` for the rule."""
    return choose_source_space(image, setting).name


def choose_source_space(image: SourceImage, setting: str) -> SpaceChoice:
    """Return the colour space of an image's pixels and the reason.

    In this order: the setting, unless it is "auto"; the file's own tag where the config knows it;
    the config's scene_linear role for EXR and float files; sRGB for integer files.
    """
    if setting != "auto":
        return SpaceChoice(resolve(setting), f"asked for as {setting!r}")
    tag = image.colorspace_tag
    remark = ""
    if tag:
        # OpenImageIO once wrote the tag "Linear" into every EXR file, whatever its primaries.
        name = _resolve(load_config(), "scene_linear" if tag.lower() == "linear" else tag)
        if name is not None:
            return SpaceChoice(name, f"the file is tagged {tag!r}")
        remark = f"; its tag {tag!r} is unknown to the OCIO config"
    if image.is_float or image.format_name == "openexr":
        return SpaceChoice(resolve("scene_linear"), f"EXR or float file{remark}")
    name = _first_known(load_config(), _SRGB)
    if name is None:
        raise ColourSpaceUnknown(
            f"the OCIO config {config_name()} has no sRGB space for integer files{remark}",
            path=image.path,
            frame=image.frame,
            fix="Name the colour space with --colorspace.",
        )
    if image.bit_depth > 8:
        remark += "; name it with --colorspace if it is camera log"
    return SpaceChoice(name, f"{image.bit_depth}-bit integer file without a known tag{remark}")


def working_space(source: str, setting: str) -> str:
    """Return the scene-linear space to work and write in.

    The setting, unless it is "auto"; the source's own space where that is linear or is data
    ("Raw"); linear Rec.709 for encoded Rec.709 primaries (sRGB, video); the scene_linear role for
    all others (camera log).
    Raises SettingsInvalid for a setting that is not linear.
    """
    config = load_config()
    if setting != "auto":
        name = resolve(setting)
        if not config.isColorSpaceLinear(name):
            raise SettingsInvalid(
                f"the working space must be scene-linear and {name!r} is not",
                fix="Leave input.working_space at auto, or name a linear space such as ACEScg.",
            )
        return name
    if config.isColorSpaceLinear(source) or config.isData(source):
        return source
    linear_rec709 = _first_known(config, _LINEAR_REC709)
    if linear_rec709 is not None and _has_primaries_of(source, linear_rec709):
        return linear_rec709
    return resolve("scene_linear")


def to_working(pixels: np.ndarray, source: str, working: str) -> np.ndarray:
    """Return H x W x 3 pixels in the working space, unclamped.

    The very same array where both spaces are the same. Beyond 0..1 a curve goes on: sRGB by its
    power above 1 and by its straight foot below 0; OCIO's fast power is good to 3 in 100 000.
    """
    if source == working or load_config().equivalent(source, working):
        return pixels
    return _convert(pixels, source, working, config_name())


def rec709_matrix(working: str) -> np.ndarray:
    """Return the 3 x 3 float32 matrix from a linear space to linear Rec.709.

    Use it as `pixels @ matrix.T`. Measured by sending the three unit colours through OCIO once.
    """
    return _rec709_matrix(config_name(), working).copy()


def to_display(pixels: np.ndarray, working: str) -> np.ndarray:
    """Return H x W x 3 in 0..1 sRGB for looking at, from linear pixels; cut at black and white."""
    linear = (pixels @ rec709_matrix(working).T).astype(np.float32)
    # What is not a number shows as black; it was counted where the file was read.
    linear = np.clip(np.nan_to_num(linear, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    shown = _convert(linear, "lin_rec709_scene", "srgb_rec709_scene", BUILTIN_CONFIG)
    return np.clip(shown, 0.0, 1.0)


@functools.lru_cache(maxsize=4)
def _load(name: str) -> oiio.ColorConfig:
    config = oiio.ColorConfig(name)
    problem = config.geterror()
    if problem:
        raise SettingsInvalid(
            f"the OCIO config cannot be used: {problem}",
            path=name,
            fix="Let $OCIO name a config that exists, or unset it to use the built-in one.",
        )
    return config


def _resolve(config: oiio.ColorConfig, name: str) -> str | None:
    # The first knows names, aliases and roles of the config; the second also the Color Interop
    # Forum's names and OpenImageIO's own, which are what files are tagged with.
    for candidate in (config.resolve(name), config.getColorSpaceNameByRole(name)):
        if candidate and config.getColorSpaceIndex(candidate) >= 0:
            return str(config.getColorSpaceNameByIndex(config.getColorSpaceIndex(candidate)))
    return None


def _first_known(config: oiio.ColorConfig, names: tuple[str, ...]) -> str | None:
    return next((found for name in names if (found := _resolve(config, name))), None)


def _nearest(config: oiio.ColorConfig, name: str) -> list[str]:
    known = [*config.getColorSpaceNames(), *config.getRoles()]
    for space in config.getColorSpaceNames():
        known.extend(config.getAliases(space))
    by_folded = {candidate.casefold(): candidate for candidate in reversed(known)}
    near = difflib.get_close_matches(name.casefold(), by_folded, n=3, cutoff=0.5)
    return [by_folded[folded] for folded in near]


@functools.lru_cache(maxsize=64)
def _has_primaries(config: str, source: str, linear: str) -> bool:
    # A pure red, green or blue stays pure exactly when both spaces have the same primaries.
    units = _convert(np.eye(3, dtype=np.float32)[None], source, linear, config)[0]
    return bool(np.abs(units - np.diag(np.diag(units))).max() < 1e-3)


def _has_primaries_of(source: str, linear: str) -> bool:
    return _has_primaries(config_name(), source, linear)


@functools.lru_cache(maxsize=64)
def _rec709_matrix(config: str, working: str) -> np.ndarray:
    target = _first_known(_load(config), _LINEAR_REC709)
    units = np.eye(3, dtype=np.float32)[None]
    if target is not None:
        if _load(config).equivalent(working, target):
            return np.eye(3, dtype=np.float32)
        return _convert(units, working, target, config)[0].T.astype(np.float32)
    aces = _first_known(_load(config), ("aces_interchange",))
    if aces is None:
        _log.warning("%s has no linear Rec.709; %s is taken for it", config, working)
        return np.eye(3, dtype=np.float32)
    # A config without linear Rec.709 still says how its spaces relate to ACES, and from there
    # on the built-in config knows the way.
    units = _convert(units, working, aces, config)
    units = _convert(units, "lin_ap0_scene", "lin_rec709_scene", BUILTIN_CONFIG)
    return units[0].T.astype(np.float32)


def _convert(pixels: np.ndarray, source: str, target: str, config: str) -> np.ndarray:
    buffer = oiio.ImageBuf(np.ascontiguousarray(pixels, np.float32))
    converted = oiio.ImageBufAlgo.colorconvert(
        buffer, source, target, unpremult=False, colorconfig=config
    )
    result = None if converted.has_error else converted.get_pixels(oiio.FLOAT)
    if result is None:
        raise SettingsInvalid(
            f"no conversion from {source!r} to {target!r}: {converted.geterror()}",
            fix="`platematte doctor` prints the OCIO config in use and its colour spaces.",
        )
    return result.reshape(pixels.shape)
