"""Which of a plate's header entries stay true for a matte of it, and how they get into its header.

Windows and channels are not entries; `write.py` sets those.
"""

from __future__ import annotations

import math

import OpenImageIO as oiio

# How the plate's file is laid out, what is hashed or drawn from its pixels, which part or view of
# a file it was, and which program wrote it: all of it is untrue of the file that we write.
_UNTRUE_PREFIXES = (
    "oiio:",
    "openexr:",
    "png:",
    "tiff:",
    "jpeg:",
    "jfif:",
    "dpx:",
    "cryptomatte/",
    "platematte/",
    "thumbnail",
)
_UNTRUE_NAMES = frozenset(
    {
        "acesimagecontainerflag",
        "colorinteropid",
        "compression",
        "compressionquality",
        "chunkcount",
        "envmap",
        "iccprofile",
        "ilut",
        "lineorder",
        "multiview",
        "name",
        "nuke/full_layer_names",
        "nuke/node_hash",
        "orientation",
        "planarconfig",
        "preview",
        "sha-1",
        "software",
        "textureformat",
        "tiles",
        "type",
        "version",
        "view",
    }
)


def carry_over(plate: oiio.ImageSpec, matte: oiio.ImageSpec, *, same_colours: bool) -> None:
    """Copy the entries of a plate's header that are true of its matte: timecode, camera, rate.

    `same_colours` says that the matte is in the plate's own primaries, so that the plate's
    chromaticities describe it too. Works for any format the plate may have had.
    """
    for entry in plate.extra_attribs:
        name = entry.name.lower()
        if name.startswith(_UNTRUE_PREFIXES) or name in _UNTRUE_NAMES:
            continue
        if name == "chromaticities" and not same_colours:
            continue
        matte.attribute(entry.name, entry.type, entry.value)
    if plate.getattribute("FramesPerSecond") is None:
        _carry_dpx_rate(plate, matte)


def _carry_dpx_rate(plate: oiio.ImageSpec, matte: oiio.ImageSpec) -> None:
    for name in ("dpx:FrameRate", "dpx:TemporalFrameRate"):
        rate = plate.get_float_attribute(name, 0.0)
        if math.isfinite(rate) and 1.0 <= rate <= 1000.0:
            matte.attribute("FramesPerSecond", oiio.TypeRational, _as_rational(rate))
            return


def _as_rational(rate: float) -> tuple[int, int]:
    # 23.976, 29.97 and their kin stand for n * 1000 / 1001 exactly.
    whole = round(rate)
    if abs(rate - whole) < 1e-4:
        return whole, 1
    if abs(rate * 1.001 - round(rate * 1.001)) < 2e-3:
        return round(rate * 1.001) * 1000, 1001
    return round(rate * 1000), 1000
