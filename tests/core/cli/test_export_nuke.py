"""`platematte export-nuke` writes all that a TD needs, and refuses in sentences."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from platematte.cli.main import main

NAMES = ["PlateMatteLive.pt", "PlateMatteLive_CatFileCreator.nk", "README.txt"]


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main(["export-nuke", *(str(argument) for argument in arguments)])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_three_files_are_written_and_their_paths_printed(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "with space" / "é"
    status, out, told = run(capsys, folder, "--weights", tiny_weights)
    assert status == 0, told
    assert out.splitlines() == [str(folder / name) for name in NAMES]
    assert sorted(path.name for path in folder.iterdir()) == NAMES
    with torch.no_grad():
        answer = torch.jit.load(folder / NAMES[0])(torch.rand(1, 27, 40, 50))
    assert answer.shape == (1, 5, 40, 50)
    preset = (folder / NAMES[1]).read_text(encoding="utf-8")
    assert (folder / NAMES[0]).as_posix() in preset
    readme = (folder / NAMES[2]).read_text(encoding="utf-8")
    assert "NOT RUN IN A REAL NUKE BY US" in readme
    assert "tiny" in readme
    assert "linear Rec.709" in readme
    assert len(readme.splitlines()) == 10


def test_an_export_is_replaced_only_where_that_is_said(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "README.txt").write_text("mine")
    status, out, told = run(capsys, tmp_path, "--weights", tiny_weights)
    assert (status, out) == (2, "")
    assert "README.txt: this file is there already" in told
    assert "--overwrite" in told
    assert [path.name for path in tmp_path.iterdir()] == ["README.txt"]
    assert run(capsys, tmp_path, "--weights", tiny_weights, "--overwrite")[0] == 0
    assert (tmp_path / "README.txt").read_text() != "mine"


def test_a_working_space_is_named_in_the_readme_or_refused(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ("--weights", tiny_weights, "--working-space")
    assert run(capsys, tmp_path / "a", *given, "ACEScg")[0] == 0
    assert "works in ACEScg" in (tmp_path / "a" / "README.txt").read_text()
    status, _, told = run(capsys, tmp_path / "b", *given, "ACEScc")
    assert status == 2
    assert "must be scene-linear" in told
    status, _, told = run(capsys, tmp_path / "b", *given, "ACEScgg")
    assert status == 2
    assert "did you mean ACEScg" in told
    assert not (tmp_path / "b").exists()


def test_weights_that_look_at_neighbours_are_refused(
    tmp_path: Path, tiny_temporal_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, told = run(capsys, tmp_path / "a", "--weights", tiny_temporal_weights)
    assert status == 3
    assert "neighbouring frames inside the network" in told
    assert not (tmp_path / "a").exists()


def test_weights_that_are_not_there_end_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, told = run(capsys, tmp_path / "a", "--weights", "fluffy")
    assert status == 3
    assert "fluffy: no weights of this name" in told


@pytest.mark.parametrize("name", ["a [b]", "50%", "v#"])
def test_a_path_that_means_something_else_to_nuke_is_refused(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, told = run(capsys, tmp_path / name)
    assert status == 2
    assert "Nuke reads" in told
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_place_of_the_folder_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    status, _, told = run(capsys, tmp_path / "file")
    assert status == 1
    assert "this is a file, not a folder" in told
