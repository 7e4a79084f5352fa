"""What a benchmark prints around its figures: the machine they were taken on, and a table."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from pathlib import Path


def describe_machine() -> str:
    """One line: processor, cores this process may use, torch with its threads, GPU if any."""
    parts = [_processor_name(), f"{_usable_cores()} cores", f"Python {platform.python_version()}"]
    return ", ".join(parts + _torch_facts())


def print_table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a Markdown table with aligned columns; floats with four digits, numbers to the right.

    Raises ValueError for a row that has not one cell for each header.
    """
    table = [[_cell(value) for value in row] for row in rows]
    widths = [max(3, *map(len, column)) for column in zip(headers, *table, strict=True)]
    numeric = [
        bool(rows) and all(isinstance(row[i], int | float) for row in rows)
        for i in range(len(headers))
    ]
    rules = [
        "-" * (w - 1) + (":" if right else "-") for w, right in zip(widths, numeric, strict=True)
    ]
    for line in (headers, rules, *table):
        cells = (
            text.rjust(w) if right else text.ljust(w)
            for text, w, right in zip(line, widths, numeric, strict=True)
        )
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
    sys.stdout.flush()


def _cell(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _processor_name() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _usable_cores() -> int:
    # A container or taskset may leave fewer cores than the machine has; macOS cannot tell.
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _torch_facts() -> list[str]:
    try:
        import torch
    except ImportError:
        return ["no torch"]
    facts = [f"torch {torch.__version__} with {torch.get_num_threads()} threads"]
    if torch.cuda.is_available():
        facts.append(torch.cuda.get_device_name())
    elif torch.backends.mps.is_available():
        facts.append("Apple GPU")
    else:
        facts.append("no GPU")
    return facts
