"""Make the example shot: four frames of a plate and its clean plate, from two CC0 pictures.

A person (MakeHuman) stands in an open chapel (Poly Haven) before a hand-held camera. Everything is
composited in linear light, and plate and clean plate differ as they do on a set: camera position,
exposure, grain, and the subject's soft shadow, which only the plate has. Both pictures are of the
part that training never sees. The same call writes the same pixels. The frames lie in the
repository, so that nobody needs to run this.

    python examples/make_shot.py --data FOLDER_WITH_IMAGES --out examples/shot
"""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import OpenImageIO as oiio

WIDTH, HEIGHT = 640, 360
FIRST_FRAME = 1001
ROOM = "background/polyhaven_pano_crops/outdoor_chapel_preview_1.webp"
PERSON = "foreground/makehuman_render_CC0/mh_0321.webp"
PERSON_HEIGHT_PX = 316
# A camera at some ISO: the variance of its noise is the sum of a constant part (reading) and of a
# part that grows with the light (photons).
READ_NOISE = 0.0012
PHOTON_NOISE = 0.0042
SUPERSAMPLING = 2


@dataclass(frozen=True)
class CameraPose:
    """Where the hand holds the camera: an offset in px, a turn in degrees, a distance."""

    x: float
    y: float
    roll: float
    zoom: float

    def matrix(self) -> np.ndarray:
        """Return the 3 x 3 matrix from pixels of the room's picture to pixels of the frame."""
        angle = np.radians(self.roll)
        # At 0.865 the room's 768 x 432 picture is a little larger than the frame on every side.
        scale = 0.865 * self.zoom
        cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
        to_centre = np.array([[1, 0, -384], [0, 1, -216], [0, 0, 1]], np.float64)
        turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]], np.float64)
        to_frame = np.array(
            [[1, 0, WIDTH / 2 + self.x], [0, 1, HEIGHT / 2 + self.y], [0, 0, 1]], np.float64
        )
        return to_frame @ turn @ to_centre


@dataclass(frozen=True)
class SubjectPose:
    """Where the subject is: the middle of its lower edge in px, its lean in degrees."""

    x: float
    y: float
    lean: float


PLATE_CAMERA = (
    CameraPose(0.0, 0.0, 0.00, 1.000),
    CameraPose(1.7, -0.9, 0.06, 1.000),
    CameraPose(3.9, -1.2, 0.15, 1.001),
    CameraPose(5.2, -0.4, 0.19, 1.001),
)
SUBJECT = (
    SubjectPose(330.0, 366.0, -1.5),
    SubjectPose(334.5, 365.2, -0.6),
    SubjectPose(340.5, 364.7, 0.5),
    SubjectPose(345.0, 365.0, 1.4),
)
CLEAN_CAMERA = CameraPose(-6.5, -4.8, -0.35, 1.006)
CLEAN_EXPOSURE = 0.94


def main() -> None:
    """Write the plate's frames and the clean plate."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=os.environ.get("PLATEMATTE_SHARED_DATA"))
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "shot")
    arguments = parser.parse_args()
    if arguments.data is None:
        parser.error("give --data, or set PLATEMATTE_SHARED_DATA to the folder of images")
    arguments.out.mkdir(parents=True, exist_ok=True)
    room = read_room(arguments.data / ROOM)
    person = read_person(arguments.data / PERSON)
    for index, (camera, pose) in enumerate(zip(PLATE_CAMERA, SUBJECT, strict=True)):
        number = FIRST_FRAME + index
        plate = add_grain(photograph_subject(photograph_room(room, camera), person, pose), number)
        write_frame(arguments.out / f"plate.{number}.exr", plate, index)
    clean = CLEAN_EXPOSURE * photograph_room(room, CLEAN_CAMERA)
    write_frame(arguments.out / "clean.exr", add_grain(clean, seed=7), 0)


def read_room(path: Path) -> np.ndarray:
    """Return the room, H x W x 3 linear Rec.709, its sky as bright as a sky is.

    The picture is 8-bit: its sky is cut at white. What is white there is raised to 5.
    """
    room = from_srgb(_read(path)[..., :3])
    # By the least channel: a bright orange is a lit wall, only white is the sky.
    part = np.clip((room.min(axis=2, keepdims=True) - 0.6) / 0.4, 0.0, 1.0)
    return room * (1.0 + 4.0 * part * part * (3.0 - 2.0 * part))


def read_person(path: Path) -> np.ndarray:
    """Return the person, H x W x 4 premultiplied linear Rec.709, in the daylight of the set."""
    picture = _read(path)
    alpha = picture[..., 3:]
    straight = from_srgb(picture[..., :3]) * np.array([1.34, 1.24, 1.10], np.float32)
    person = np.concatenate([straight * alpha, alpha], axis=2)
    height = PERSON_HEIGHT_PX * SUPERSAMPLING
    width = round(person.shape[1] * height / person.shape[0])
    return cv2.resize(person, (width, height), interpolation=cv2.INTER_AREA)


def photograph_room(room: np.ndarray, camera: CameraPose) -> np.ndarray:
    """Return the empty set as this camera sees it, HEIGHT x WIDTH x 3, without grain."""
    # A slight blur first, since the picture is made smaller and cubic sampling would alias.
    soft = cv2.GaussianBlur(room, (0, 0), 0.45)
    return cv2.warpPerspective(
        soft,
        camera.matrix(),
        (WIDTH, HEIGHT),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )


def photograph_subject(room: np.ndarray, person: np.ndarray, pose: SubjectPose) -> np.ndarray:
    """Return the room with the subject in it and with its shadow on the wall behind it."""
    subject = _place(person, pose)
    alpha = subject[..., 3:]
    shifted = np.roll(alpha[..., 0], (14, 34), axis=(0, 1))
    shifted[:, :34] = 0.0
    shadow = 0.25 * cv2.GaussianBlur(shifted, (0, 0), 20)[..., None]
    return subject[..., :3] + (1.0 - alpha) * room * (1.0 - shadow)


def add_grain(pixels: np.ndarray, seed: int) -> np.ndarray:
    """Return pixels with the camera's noise; dark values may become a little negative."""
    noise = np.random.default_rng(seed).standard_normal(pixels.shape).astype(np.float32)
    light = np.maximum(pixels, 0.0)
    return pixels + noise * np.sqrt(READ_NOISE**2 + PHOTON_NOISE**2 * light)


def write_frame(path: Path, pixels: np.ndarray, index: int) -> None:
    """Write one frame as half EXR with colour space, timecode and frame rate."""
    spec = oiio.ImageSpec(WIDTH, HEIGHT, 3, oiio.HALF)
    spec.attribute("compression", "zip")
    spec.attribute("oiio:ColorSpace", "lin_rec709_scene")
    spec.attribute("FramesPerSecond", oiio.TypeRational, (24, 1))
    # The first word of a SMPTE timecode holds its digits as nibbles: 10:00:00:00 and on.
    spec.attribute("smpte:TimeCode", oiio.TypeTimeCode, (0x10000000 + index, 0))
    spec.attribute("Copyright", "CC0-1.0: Poly Haven (room), MakeHuman (person)")
    output = oiio.ImageOutput.create(str(path))
    if output is None or not output.open(str(path), spec):
        raise SystemExit(f"{path}: {oiio.geterror() if output is None else output.geterror()}")
    if not output.write_image(pixels) or not output.close():
        raise SystemExit(f"{path}: {output.geterror()}")


def from_srgb(encoded: np.ndarray) -> np.ndarray:
    """Return linear values for sRGB-encoded ones (IEC 61966-2-1)."""
    above = ((np.maximum(encoded, 0.04045) + 0.055) / 1.055) ** 2.4
    return np.where(encoded <= 0.04045, encoded / 12.92, above).astype(np.float32)


def _place(person: np.ndarray, pose: SubjectPose) -> np.ndarray:
    height, width = person.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height), -pose.lean, 1.0)
    turn[:, 2] += (pose.x * SUPERSAMPLING - width / 2, pose.y * SUPERSAMPLING - height)
    size = (WIDTH * SUPERSAMPLING, HEIGHT * SUPERSAMPLING)
    large = cv2.warpAffine(person, turn, size, flags=cv2.INTER_LINEAR)
    return cv2.resize(large, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)


def _read(path: Path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise SystemExit(f"{path}: there is no such picture")
    order = [2, 1, 0, 3][: picture.shape[2]]
    return picture[..., order].astype(np.float32) / 255.0


if __name__ == "__main__":
    main()
