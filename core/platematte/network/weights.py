"""Reads and writes sets of weights: safetensors with what they are in the header."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from ..errors import OutputExists, OutputUnwritable, WeightsInvalid
from .base import Widths
from .matter import Matter

FORMAT = "platematte-matter-3"
"""Names the architecture; a file with another one is refused, not guessed at."""
PACKAGED = Path(__file__).resolve().parent.parent / "weights"
DEFAULT = "quality-9"
ALIASES = {"default": DEFAULT, "quality": DEFAULT, "fast": "fast-3"}
"""Names that go on meaning the newest set of their kind; a farm may pin the numbered one."""


@dataclass(frozen=True)
class WeightsCard:
    """What a set of weights says of itself."""

    name: str
    licence: str
    samples: int
    is_temporal: bool
    sha256: str


def packaged_weights() -> dict[str, Path]:
    """Return the sets of weights in the package, by name."""
    return {path.stem: path for path in sorted(PACKAGED.glob("*.safetensors"))}


def weights_folder() -> Path:
    """Return the user's folder of imported weights; it need not exist.

    PLATEMATTE_WEIGHTS names it, else it lies where the system keeps the data of programs.
    """
    chosen = os.environ.get("PLATEMATTE_WEIGHTS")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "platematte" / "weights"


def imported_weights() -> dict[str, Path]:
    """Return the sets of weights in the user's folder, by name."""
    return {path.stem: path for path in sorted(weights_folder().glob("*.safetensors"))}


def find_weights(name: str) -> Path:
    """Return the file of a set of weights: an alias, a name (packaged or imported) or a path."""
    known = {**imported_weights(), **packaged_weights()}
    wanted = ALIASES.get(name, name)
    if wanted in known:
        return known[wanted]
    if Path(name).is_file():
        return Path(name)
    raise WeightsInvalid(
        f"no weights of this name ({', '.join(known) or 'there are none'}) and no such file",
        path=name,
        fix="Leave --weights out to use those in the package; `platematte weights list` lists all.",
    )


def read_header(path: Path) -> dict[str, str]:
    """Return what a weights file says of itself; raises WeightsInvalid where it is damaged."""
    try:
        with safe_open(str(path), framework="pt") as file:
            return file.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise WeightsInvalid(f"not a readable safetensors file ({error})", path=path) from error


def load_weights(path: Path) -> tuple[Matter, WeightsCard]:
    """Return the network of a weights file, in evaluation mode, and the file's card.

    Raises WeightsInvalid for a file that is damaged or of another architecture.
    """
    try:
        with safe_open(str(path), framework="pt") as file:
            header = file.metadata() or {}
            tensors = {key: file.get_tensor(key).float() for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise WeightsInvalid(f"not a readable safetensors file ({error})", path=path) from error
    if header.get("format") != FORMAT:
        raise WeightsInvalid(
            f"holds {header.get('format', 'unknown weights')}, this engine runs {FORMAT}", path=path
        )
    is_temporal = header.get("is_temporal") == "true"
    try:
        matter = Matter(Widths(**json.loads(header["widths"])), is_temporal)
        card = WeightsCard(
            name=header.get("name", path.stem),
            licence=header.get("licence", "unknown"),
            samples=int(header.get("samples", 0)),
            is_temporal=is_temporal,
            sha256=hash_file(path),
        )
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise WeightsInvalid(f"its header makes no sense ({error})", path=path) from error
    _fill(matter, tensors, path)
    return matter.eval(), card


def _fill(matter: Matter, tensors: dict[str, torch.Tensor], path: Path) -> None:
    """Put tensors into their places; raises WeightsInvalid unless each place gets its own."""
    places = matter.state_dict()
    missing = [name for name in places if name not in tensors]
    unknown = [name for name in tensors if name not in places]
    other = [n for n, place in places.items() if n in tensors and tensors[n].shape != place.shape]
    if missing or unknown or other:
        raise WeightsInvalid(
            f"{len(missing)} tensors are missing, {len(unknown)} unknown, {len(other)} of another "
            f"size; the first: {[*missing, *unknown, *other][0]}",
            path=path,
        )
    matter.load_state_dict(tensors)


def save_weights(
    path: Path, state: dict[str, torch.Tensor], widths: Widths, samples: int, is_temporal: bool
) -> None:
    """Write a state dict as half floats, beside and then renamed."""
    header = {
        "format": FORMAT,
        "name": path.stem,
        "licence": "CC0-1.0",
        "samples": str(samples),
        "is_temporal": "true" if is_temporal else "false",
        "widths": json.dumps(asdict(widths)),
    }
    halves = {key: value.detach().cpu().half().contiguous() for key, value in state.items()}
    part = path.with_name(f".{path.name}.part")
    # Not by `save_file`, whose files nobody but their owner may read.
    part.write_bytes(save(halves, metadata=header))
    part.replace(path)


def mean_weights(paths: Sequence[Path], to: Path) -> Path:
    """Write the mean of sets of weights of one shape, and return its path; a set may count twice.

    Of runs that began with the same weights and saw different samples, the mean is better than each
    (Wortsman et al., "Model soups", 2022); with the weights that they began with, it keeps more of
    what those knew ("Robust fine-tuning of zero-shot models", 2022). Its header says as many
    samples as the longest run has seen, and the farthest reach; a set from before there was
    `evidence` counts with a layer of zeros for it, which is what it says. Raises WeightsInvalid for
    sets that do not fit together, OutputExists and OutputUnwritable.
    """
    if to.exists():
        raise OutputExists("there is a file of this name", path=to, fix="Choose another --out.")
    sets = [load_weights(path) for path in paths]
    every = [matter.widths for matter, _ in sets]
    reach, evidence = max(w.reach for w in every), any(w.evidence for w in every)
    grown = [replace(widths, reach=reach, evidence=evidence) for widths in every]
    shapes = [(widths, card.is_temporal) for widths, (_, card) in zip(grown, sets, strict=True)]
    for path, shape in zip(paths, shapes, strict=True):
        if shape != shapes[0]:
            raise WeightsInvalid(
                "its network has another shape than that of the first file",
                path=path,
                fix="Give runs of one architecture that began with the same weights.",
            )
    states = [matter.state_dict() for matter, _ in sets]
    silent = {key: torch.zeros_like(value) for state in states for key, value in state.items()}
    mean = {
        key: torch.stack([state.get(key, zeros) for state in states]).mean(0)
        for key, zeros in silent.items()
    }
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        save_weights(to, mean, shapes[0][0], max(c.samples for _, c in sets), shapes[0][1])
    except OSError as error:
        raise OutputUnwritable(error.strerror or str(error), path=to) from error
    return to


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
