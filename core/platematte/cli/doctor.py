"""`platematte doctor`: what this install can do, and what keeps it from matting."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Literal

from platematte import __version__
from platematte.errors import MatteError

_LIBRARIES = {
    "numpy": "numpy",
    "OpenCV": "cv2",
    "OpenImageIO": "OpenImageIO",
    "fileseq": "fileseq",
    "safetensors": "safetensors",
    "msgspec": "msgspec",
    "rich": "rich",
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    status: Literal["ok", "warning", "error"]
    """warning: something will not work; error: nothing can be matted."""
    detail: str
    fix: str = ""


def configure(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes and what carries it out."""
    parser.description = (
        "Look at devices, memory, colour config, formats and weights. The exit status "
        "is 1 when this install cannot matte at all, else 0."
    )
    parser.add_argument(
        "--json", action="store_true", help="one line of JSON on stdout, its last, for programs"
    )
    parser.set_defaults(run=run)


def run(parsed: argparse.Namespace) -> int:
    """Print all checks; return 1 if matting is impossible."""
    checks = diagnose()
    is_able = all(check.status != "error" for check in checks)
    if parsed.json:
        record = {"version": __version__, "can_matte": is_able, "checks": [*map(asdict, checks)]}
        print(json.dumps(record))
    else:
        _print(checks)
    return 0 if is_able else 1


def _print(checks: list[Check]) -> None:
    for check in checks:
        mark = "" if check.status == "ok" else f"{check.status.upper()}: "
        print(f"{check.name + ':':<18}{mark}{check.detail}")
        if check.fix:
            print(f"{'':<18}{check.fix}")


def diagnose() -> list[Check]:
    """Return what was found, in the order that it is of use; never raises."""
    looks: list[tuple[str, Callable[[], list[Check]]]] = [
        ("platematte", _look_at_versions),
        ("libraries", _look_at_libraries),
        ("torch", _look_at_torch),
        ("GPU", _look_at_gpus),
        ("memory", _look_at_memory),
        ("OCIO config", _look_at_colours),
        ("formats", _look_at_formats),
        ("movies", _look_at_movies),
        ("weights", _look_at_weights),
        ("example shot", _look_at_example),
        ("this folder", _look_at_folder),
    ]
    return [check for name, look in looks for check in _survive(name, look)]


def _survive(name: str, look: Callable[[], list[Check]]) -> list[Check]:
    # A broken driver or library may raise anything, and saying so is what this command is for.
    try:
        return look()
    except MatteError as error:
        return [Check(name, "error", str(error), error.fix)]
    except Exception as error:
        return [Check(name, "error", f"{type(error).__name__}: {error}")]


def _look_at_versions() -> list[Check]:
    python = f"Python {platform.python_version()}, {sys.executable}"
    return [Check("platematte", "ok", f"{__version__}, {python}, {platform.platform()}")]


def _look_at_libraries() -> list[Check]:
    versions, broken = [], []
    for name, module in _LIBRARIES.items():
        try:
            version = getattr(import_module(module), "__version__", None) or metadata.version(name)
        except Exception as error:
            broken.append(Check(name, "error", f"cannot be imported: {error}", "Install it anew."))
        else:
            versions.append(f"{name} {version}")
    return [Check("libraries", "ok", ", ".join(versions)), *broken]


def _look_at_torch() -> list[Check]:
    try:
        import torch
    except Exception as error:
        fix = "Install it: pip install torch"
        return [Check("torch", "error", f"cannot be imported: {error}", fix)]
    cores = os.cpu_count() or 1
    detail = f"{torch.__version__}, {torch.get_num_threads()} threads on {cores} CPU cores"
    return [Check("torch", "ok", detail)]


def _look_at_gpus() -> list[Check]:
    try:
        import torch
    except Exception:
        return []
    found = []
    if torch.cuda.is_available():
        for index in range(torch.cuda.device_count()):
            name = torch.cuda.get_device_properties(index).name
            free, total = torch.cuda.mem_get_info(index)
            memory = f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB free"
            found.append(Check("GPU", "ok", f"cuda:{index} {name}, {memory}"))
    if torch.backends.mps.is_available():
        memory = f"{torch.mps.recommended_max_memory() / 2**30:.1f} GiB for it"
        found.append(Check("GPU", "ok", f"mps, {memory}"))
    return found or [Check("GPU", "ok", "none that torch can use; the CPU computes")]


def _look_at_memory() -> list[Check]:
    total, available = _memory_bytes()
    if total is None:
        return [Check("memory", "ok", "this system does not tell")]
    free = "" if available is None else f", {available / 2**30:.1f} GiB available"
    return [Check("memory", "ok", f"{total / 2**30:.1f} GiB{free}")]


def _memory_bytes() -> tuple[int | None, int | None]:
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None, None
    # What is free on Linux without what the kernel would give back says too little.
    table = Path("/proc/meminfo")
    rows = table.read_text().splitlines() if table.is_file() else []
    available = [int(row.split()[1]) * 1024 for row in rows if row.startswith("MemAvailable:")]
    return total, available[0] if available else None


def _look_at_colours() -> list[Check]:
    from platematte.images.colour import config_name, load_config

    count = len(load_config().getColorSpaceNames())
    origin = "$OCIO" if os.environ.get("OCIO") else "built in, since $OCIO is not set"
    return [Check("OCIO config", "ok", f"{config_name()} ({origin}), {count} colour spaces")]


def _look_at_formats() -> list[Check]:
    from platematte.images.formats import library_version, readable_formats

    names = ", ".join(readable_formats())
    return [
        Check("reads", "ok", f"{names} (OpenImageIO {library_version()})"),
        Check("writes", "ok", "openexr: half R,G,B,A, and layers"),
    ]


def _look_at_movies() -> list[Check]:
    try:
        version = metadata.version("av")
        import_module("av")
    except Exception as error:
        detail = f"cannot be read: {error}"
        return [Check("movies", "warning", detail, "Install: pip install 'platematte[movie]'")]
    return [Check("movies", "ok", f"read by PyAV {version}")]


def _look_at_weights() -> list[Check]:
    try:
        from platematte.network.weights import find_weights, load_weights, packaged_weights
    except ImportError as error:
        return [Check("weights", "error", f"cannot be read: {error}")]
    packaged = packaged_weights()
    if not packaged:
        fix = "Install PlateMatte anew; its package holds them."
        return [Check("weights", "error", "there are none in this install", fix)]
    default = find_weights("default")
    checks = []
    for name, path in packaged.items():
        is_default = path == default
        try:
            card = load_weights(path)[1]
        except MatteError as error:
            checks.append(Check("weights", "error" if is_default else "warning", str(error)))
            continue
        size = f"{path.stat().st_size / 2**20:.1f} MiB"
        temporal = ", uses neighbour frames" if card.is_temporal else ""
        chosen = " (default)" if is_default else ""
        detail = f"{name}{chosen}, {size}, {card.licence}, sha256 {card.sha256}{temporal}"
        checks.append(Check("weights", "ok", detail))
    return checks


def _look_at_example() -> list[Check]:
    from platematte.cli.demo import find_example

    try:
        folder = find_example()
    except MatteError as error:
        return [Check("example shot", "warning", str(error), error.fix)]
    return [Check("example shot", "ok", str(folder))]


def _look_at_folder() -> list[Check]:
    folder = Path.cwd()
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        detail = f"{folder} takes no files: {error.strerror}"
        return [Check("this folder", "warning", detail, "Name another place with --out.")]
    return [Check("this folder", "ok", f"{folder} can be written to")]
