"""Tells which published layout a state dict has, or in what it differs from the nearest one."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .layouts import BUILDERS, describe_layout

Tensor = torch.Tensor

PREFIX = "module."
"""What `nn.DataParallel` puts before every key of a network that was saved inside it."""
WRAPPERS = ("state_dict", "model_state_dict", "model", "network", "net")
_TITLES = {
    "seed": "the seed's network",
    "v2-resnet50": "BackgroundMattingV2, ResNet50",
    "v2-resnet101": "BackgroundMattingV2, ResNet101",
    "v2-mobilenetv2": "BackgroundMattingV2, MobileNetV2",
}
_SHOWN = 3


class NotRecognised(ValueError):
    """A state dict of no published layout; says which is nearest and what is missing first."""


@dataclass(frozen=True)
class Difference:
    """In what a state dict differs from a layout."""

    layout: str
    shared: int
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    misshapen: tuple[str, ...]

    @property
    def likeness(self) -> float:
        """Shared entries as a part of all, 0..1."""
        others = len(self.missing) + len(self.unknown) + len(self.misshapen)
        return self.shared / max(1, self.shared + others)


def recognise(loaded: object) -> tuple[str, dict[str, Tensor]]:
    """Return the layout of what a checkpoint file held, and its tensors without any prefix.

    A state dict may be wrapped in a dict under one of WRAPPERS, and each key may bear `module.`.
    Raises NotRecognised unless every entry is there in its shape, with finite values.
    """
    tensors = _without_prefix(_unwrap(loaded))
    nearest = max((compare(tensors, name) for name in BUILDERS), key=lambda it: it.likeness)
    if nearest.likeness < 1:
        raise NotRecognised(_tell(nearest, tensors))
    for key, value in tensors.items():
        if not bool(torch.isfinite(value).all()):
            raise NotRecognised(f"has values that are no numbers, the first of them in {key}")
    return nearest.layout, tensors


def describe(layout: str) -> str:
    """Return a layout in words, with its number of entries."""
    title = _TITLES[layout.removesuffix("-base")]
    coarse = " without its refiner" if layout.endswith("-base") else ""
    return f"{layout} ({title}{coarse}; {len(describe_layout(layout))} entries)"


def compare(tensors: dict[str, Tensor], name: str) -> Difference:
    """Return in what tensors without prefix differ from a layout."""
    layout = describe_layout(name)
    shared = [key for key in layout if key in tensors]
    misshapen = tuple(key for key in shared if tuple(tensors[key].shape) != layout[key])
    missing = tuple(key for key in layout if key not in tensors)
    unknown = tuple(key for key in tensors if key not in layout)
    return Difference(name, len(shared) - len(misshapen), missing, unknown, misshapen)


def _unwrap(loaded: object) -> dict[str, Tensor]:
    for name in WRAPPERS:
        if isinstance(loaded, dict) and isinstance(loaded.get(name), dict):
            loaded = loaded[name]
    if not isinstance(loaded, dict) or not loaded:
        raise NotRecognised("holds no state dict: no tensors by name")
    for key, value in loaded.items():
        is_tensor = isinstance(value, Tensor) and value.layout is torch.strided
        if not isinstance(key, str) or not is_tensor:
            raise NotRecognised(
                f"holds more than tensors by name: {key!r} is {type(value).__name__}"
            )
    return loaded


def _without_prefix(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    if all(key.startswith(PREFIX) for key in tensors):
        return {key.removeprefix(PREFIX): value for key, value in tensors.items()}
    return dict(tensors)


def _tell(nearest: Difference, tensors: dict[str, Tensor]) -> str:
    if nearest.shared == 0 and not nearest.misshapen:
        first = ", ".join(list(tensors)[:_SHOWN])
        return (
            f"has no layout that is known, nor any entry of one (its first are {first}); "
            f"known are {', '.join(BUILDERS)}"
        )
    found = [f"has no layout that is known; the nearest is {describe(nearest.layout)}"]
    for what, keys in (
        ("missing", nearest.missing),
        ("unknown", nearest.unknown),
        ("of another shape", nearest.misshapen),
    ):
        if keys:
            count = "1 entry is" if len(keys) == 1 else f"{len(keys)} entries are"
            found.append(f"{count} {what}, first {_first(keys, nearest, tensors)}")
    return "; ".join(found)


def _first(keys: tuple[str, ...], nearest: Difference, tensors: dict[str, Tensor]) -> str:
    if keys is nearest.misshapen:
        layout = describe_layout(nearest.layout)
        keys = tuple(f"{key} {tuple(tensors[key].shape)} for {layout[key]}" for key in keys)
    return ", ".join(keys[:_SHOWN])
