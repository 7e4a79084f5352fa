"""Settings are checked however they come in, and what is wrong is said with the nearest name."""

from __future__ import annotations

import itertools
import json
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest

from platematte.errors import SettingsInvalid
from platematte.settings import (
    LAYER_NAMES,
    EngineSettings,
    MatteSettings,
    NetworkSettings,
    OutputSettings,
    change_settings,
    describe_settings,
    parse_assignment,
    read_settings_file,
)


def refusal(changes: dict[str, Any]) -> SettingsInvalid:
    with pytest.raises(SettingsInvalid) as caught:
        change_settings(MatteSettings(), changes)
    assert caught.value.exit_status == 2
    assert caught.value.fix
    return caught.value


def test_a_change_leaves_everything_else_and_the_old_settings_as_they_were() -> None:
    before = MatteSettings()
    after = change_settings(before, {"engine": {"memory_mib": 2048}})
    assert after.engine == EngineSettings(memory_mib=2048)
    assert (after.input, after.prepare, after.output) == (
        before.input,
        before.prepare,
        before.output,
    )
    assert before == MatteSettings()
    with pytest.raises(FrozenInstanceError):
        before.engine.memory_mib = 1  # type: ignore[misc]


def test_text_becomes_the_type_of_the_setting() -> None:
    changes = {
        "engine": {"memory_mib": "1024", "cpu_fallback": "true"},
        "output": {"layers": "clean, residual"},
    }
    settings = change_settings(MatteSettings(), changes)
    assert settings.engine == EngineSettings(memory_mib=1024, cpu_fallback=True)
    assert settings.output.layers == ("clean", "residual")


@pytest.mark.parametrize(
    ("changes", "nearest"),
    [
        ({"engin": {}}, "engine"),
        ({"engine": {"memory": 512}}, "memory_mib"),
        ({"output": {"layer": "clean"}}, "layers"),
        ({"output": {"layers": "confidense"}}, "confidence"),
        ({"output": {"layers": ["foregrund"]}}, "foreground"),
    ],
)
def test_an_unknown_name_is_answered_with_the_nearest(
    changes: dict[str, Any], nearest: str
) -> None:
    assert nearest in refusal(changes).fix


@pytest.mark.parametrize(
    "changes",
    [
        {"engine": 5},
        {"engine": ["memory_mib"]},
        {"engine": {"memory_mib": "lots"}},
        {"engine": {"memory_mib": 12.5}},
        {"engine": {"memory_mib": [512]}},
        {"engine": {"memory_mib": None}},
        {"engine": {"memory_mib": 63}},
        {"engine": {"memory_mib": -512}},
        {"engine": {"memory_mib": float("inf")}},
        {"engine": {"read_ahead": 0}},
        {"engine": {"read_ahead": 17}},
        {"engine": {"cpu_fallback": "perhaps"}},
        {"network": {"device": "tpu"}},
        {"network": {"precision": "fp64"}},
        {"prepare": {"align": True}},
        {"prepare": {"camera": "flying"}},
        {"output": {"layers": {"clean": 1}}},
        {"output": {"compression": "dwaa"}},
        {"input": {"colorspace": 7.5}},
    ],
)
def test_a_value_of_the_wrong_kind_or_range_is_refused_by_its_name(changes: dict[str, Any]) -> None:
    section, values = next(iter(changes.items()))
    reason = refusal(changes).reason
    assert section in reason
    if isinstance(values, dict):
        assert f"{section}.{next(iter(values))}" in reason


def test_settings_made_in_python_are_checked_as_well() -> None:
    for build in (
        lambda: MatteSettings(engine=EngineSettings(memory_mib=1)),
        lambda: MatteSettings(network=NetworkSettings(device="tpu")),  # type: ignore[arg-type]
        lambda: MatteSettings(output=OutputSettings(layers=("depth",))),
    ):
        with pytest.raises(SettingsInvalid):
            build()


def test_assignments_are_taken_apart_at_the_first_equals_sign() -> None:
    assert parse_assignment("input.colorspace=a=b ") == ("input", "colorspace", "a=b")
    for text in ("memory_mib=5", "engine.memory_mib", "", "=", ".=5", "engine.=5"):
        with pytest.raises(SettingsInvalid, match=r"section\.key=value"):
            parse_assignment(text)


def test_toml_and_json_files_say_the_same(tmp_path: Path) -> None:
    said = {"engine": {"memory_mib": 1024}, "output": {"layers": ["clean"]}}
    as_json, as_toml = tmp_path / "s.json", tmp_path / "s.toml"
    as_json.write_text(json.dumps(said))
    as_toml.write_text('[engine]\nmemory_mib = 1024\n[output]\nlayers = ["clean"]\n')
    assert read_settings_file(as_json) == read_settings_file(as_toml) == said


def test_described_settings_come_back_through_a_file(tmp_path: Path) -> None:
    changes = {"output": {"layers": "clean"}, "engine": {"cpu_fallback": True}}
    settings = change_settings(MatteSettings(), changes)
    path = tmp_path / "s.json"
    path.write_text(json.dumps(describe_settings(settings)))
    assert change_settings(MatteSettings(), read_settings_file(path)) == settings


@pytest.mark.parametrize("suffix", ["toml", "json"])
@pytest.mark.parametrize(
    "content",
    [bytes(range(256)), b"\xff\xfe[\0e\0", b"[engine", b"{", b"[1, 2]", b"42", b"[" * 100_000],
    ids=["binary", "utf16", "unclosed", "brace", "list", "number", "deep"],
)
def test_garbage_in_a_settings_file_is_refused_with_its_path(
    tmp_path: Path, suffix: str, content: bytes
) -> None:
    path = tmp_path / f"s.{suffix}"
    path.write_bytes(content)
    with pytest.raises(SettingsInvalid) as caught:
        read_settings_file(path)
    assert caught.value.path == str(path)


def test_a_missing_file_and_a_folder_are_refused_with_their_path(tmp_path: Path) -> None:
    for path in (tmp_path / "absent.toml", tmp_path):
        with pytest.raises(SettingsInvalid) as caught:
            read_settings_file(path)
        assert caught.value.path == str(path)


def test_every_layer_that_may_be_asked_for_can_be_written() -> None:
    from platematte.images.layers import LAYER_CHANNELS

    assert set(LAYER_NAMES) == set(LAYER_CHANNELS)


def test_every_setting_has_its_help_under_it() -> None:
    import ast
    import inspect

    import platematte.settings as module

    tree = ast.parse(inspect.getsource(module))
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for section in fields(MatteSettings):
        body = classes[type(getattr(MatteSettings(), section.name)).__name__].body
        for field, below in itertools.pairwise(body):
            if isinstance(field, ast.AnnAssign):
                assert isinstance(below, ast.Expr), ast.unparse(field)
