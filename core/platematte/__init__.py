"""PlateMatte: a plate and a clean plate go in, alpha and premultiplied foreground come out.

The names below load what they need when they are first used, so that importing the package is
quick and does not bring torch with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from platematte.errors import Cancelled, MatteError
    from platematte.matte import matte_pixels, matte_shot
    from platematte.progress import ProgressEvent
    from platematte.settings import MatteSettings
    from platematte.shot import Shot
    from platematte.telling import ShotReport

__version__ = "0.1.0"

_HOMES = {
    "Cancelled": "errors",
    "MatteError": "errors",
    "MatteSettings": "settings",
    "ProgressEvent": "progress",
    "Shot": "shot",
    "ShotReport": "telling",
    "matte_pixels": "matte",
    "matte_shot": "matte",
}

__all__ = [
    "Cancelled",
    "MatteError",
    "MatteSettings",
    "ProgressEvent",
    "Shot",
    "ShotReport",
    "__version__",
    "matte_pixels",
    "matte_shot",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
