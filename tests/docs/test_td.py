"""docs/td.md lists everything that the program has: settings, flags, errors, layers."""

from __future__ import annotations

import argparse
import re
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from platematte import errors
from platematte.cli.main import make_parser
from platematte.errors import MatteError
from platematte.images.layers import LAYER_CHANNELS
from platematte.settings import MatteSettings

DOCS = Path(__file__).resolve().parents[2] / "docs"
TD = (DOCS / "td.md").read_text(encoding="utf-8")


def _settings() -> list[tuple[str, Any, Any, Any]]:
    settings = MatteSettings()
    return [
        (
            f"{section.name}.{entry.name}",
            getattr(getattr(settings, section.name), entry.name),
            get_type_hints(type(getattr(settings, section.name)))[entry.name],
            entry.metadata,
        )
        for section in fields(settings)
        for entry in fields(getattr(settings, section.name))
    ]


def _row(first_cell: str) -> list[str]:
    rows = [line for line in TD.splitlines() if line.startswith(f"| {first_cell} |")]
    assert len(rows) == 1, f"docs/td.md has {len(rows)} rows for {first_cell}"
    return [cell.strip() for cell in rows[0].strip("|").split(" | ")]


@pytest.mark.parametrize(("name", "default", "kind", "metadata"), _settings())
def test_every_setting_has_a_row_with_its_default_and_range(
    name: str, default: Any, kind: Any, metadata: Any
) -> None:
    _, told_default, told_values, meaning = _row(f"`{name}`")
    told = told_default.strip("`")
    if default == ():
        assert told == "none"
    elif isinstance(default, bool):
        assert told == str(default).lower()
    else:
        assert told == str(default)
    if get_origin(kind) is Literal:
        assert {value.strip("` ") for value in told_values.split(",")} == set(get_args(kind))
    if "minimum" in metadata:
        assert told_values == f"{metadata['minimum']} to {metadata['maximum']}"
    assert meaning.endswith(".")


def test_no_row_is_about_a_setting_that_does_not_exist() -> None:
    table = TD.partition("## Settings")[2].partition("\n## ")[0]
    told = set(re.findall(r"^\| `(\w+\.\w+)` \|", table, re.MULTILINE))
    assert told <= {name for name, *_ in _settings()}


def _all_errors(kind: type[MatteError] = MatteError) -> list[type[MatteError]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in _all_errors(child))]


@pytest.mark.parametrize(
    "kind", [kind for kind in _all_errors() if kind.__module__ == errors.__name__]
)
def test_every_error_has_a_row_with_its_exit_status(kind: type[MatteError]) -> None:
    rows = [line for line in TD.splitlines() if line.endswith(f"| `{kind.code}` |")]
    assert len(rows) == 1, kind.code
    assert str(kind.exit_status) in rows[0].split("|")[1]


def test_every_flag_of_matte_is_named() -> None:
    commands = next(
        action
        for action in make_parser("matte")._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    for action in commands.choices["matte"]._actions:
        for flag in action.option_strings:
            assert flag in ("-h", "--help") or flag in TD, flag
    for command in commands.choices:
        assert f"platematte {command}" in TD


def test_every_layer_is_listed_with_its_channels() -> None:
    for layer, channels in LAYER_CHANNELS.items():
        assert f"`{layer}.{channels[0]}`" in TD


_PAGES = [*DOCS.glob("*.md"), *DOCS.parent.glob("README.md"), *DOCS.parent.glob("*/README.md")]


@pytest.mark.parametrize("page", _PAGES)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), target
