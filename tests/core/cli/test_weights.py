"""`platematte weights` imports, lists and refuses in sentences, and what it imports can be used."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from platematte.cli.main import main
from platematte.images.read import read_image
from platematte.network.published.layouts import BUILDERS
from platematte.network.weights import load_weights, packaged_weights
from platematte.shot import Shot

MakeShot = Callable[..., Shot]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of weights, not there yet."""
    monkeypatch.setenv("PLATEMATTE_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A checkpoint of BackgroundMattingV2's smallest network, with random weights."""
    torch.manual_seed(12)
    state = BUILDERS["v2-mobilenetv2"]().state_dict()
    # Alpha leaves 0 and 1, where random weights would hold it.
    state["decoder.conv4.bias"][0] = 0.6
    torch.save(state, tmp_path / "pytorch_mobilenetv2.pth")
    return tmp_path / "pytorch_mobilenetv2.pth"


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def test_an_import_is_told_listed_and_used_by_its_name(
    folder: Path,
    checkpoint: Path,
    tmp_path: Path,
    make_shot: MakeShot,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, out, told = run(capsys, "weights", "import", checkpoint, "--name", "mobile")
    row = f"mobile  v2-mobilenetv2  MIT  {folder / 'mobile.safetensors'}"
    assert (status, out.strip()) == (0, row)
    assert "--weights mobile" in told
    status, out, _ = run(capsys, "weights", "list")
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == row
    assert any(line.startswith("quality-9  ours (default)  CC0-1.0") for line in lines)
    assert len(lines) == 1 + len(packaged_weights())
    shot = make_shot(tmp_path, frames=2)
    status, _, told = run(
        capsys, "matte", shot.plate, shot.clean, "--out", shot.out, "--weights", "mobile",
        "--device", "cpu", "--progress", "none",
    )  # fmt: skip
    assert status == 0, told
    written = sorted(Path(shot.out).parent.glob("*.exr"))
    assert len(written) == 2
    assert read_image(written[0]).header["platematte/weights"].startswith("mobile ")


def test_a_licence_that_allows_no_commercial_work_is_told(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "netG_epoch_12.pth"
    torch.manual_seed(1)
    state = BUILDERS["seed"]().state_dict()
    torch.save({f"module.{key}": value for key, value in state.items()}, path)
    status, out, told = run(capsys, "weights", "import", path)
    assert status == 0
    assert out.startswith("netG_epoch_12  seed  CC BY-NC-SA 4.0  ")
    assert "no commercial work" in told
    status, out, told = run(capsys, "weights", "import", path, "--licence", "ours", "--replace")
    assert out.startswith("netG_epoch_12  seed  ours  ")
    assert "commercial" not in told


def test_weights_in_another_folder_are_used_by_their_path(
    folder: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "show" / "weights"
    status, _, told = run(capsys, "weights", "import", checkpoint, "--to", other)
    assert status == 0
    assert f"--weights {other / 'pytorch_mobilenetv2.safetensors'}" in told
    assert not folder.exists()


@pytest.mark.parametrize("content", [b"", b"no checkpoint", bytes(5000)])
def test_a_file_that_is_no_checkpoint_ends_with_3_and_a_sentence(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    status, out, told = run(capsys, "weights", "import", path)
    assert (status, out) == (3, "")
    assert told.startswith(f"platematte: {path}: cannot be read as a checkpoint")
    assert "Traceback" not in told
    assert not folder.exists()


def test_an_unknown_state_dict_ends_with_3_and_the_nearest_layout(
    folder: Path, checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = torch.load(checkpoint, weights_only=True)
    del state["aspp.convs.4.1.weight"]
    torch.save(state, checkpoint)
    status, _, told = run(capsys, "weights", "import", checkpoint)
    assert status == 3
    assert "nearest is v2-mobilenetv2" in told
    assert "1 entry is missing, first aspp.convs.4.1.weight" in told


def test_a_second_import_under_the_same_name_must_be_meant(
    folder: Path, checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "weights", "import", checkpoint, "--name", "net")[0] == 0
    assert run(capsys, "weights", "import", checkpoint, "--name", "net")[0] == 0
    torch.manual_seed(13)
    torch.save(BUILDERS["v2-mobilenetv2"]().state_dict(), tmp_path / "later.pth")
    status, _, told = run(capsys, "weights", "import", tmp_path / "later.pth", "--name", "net")
    assert status == 3
    assert "--replace" in told
    arguments = ("weights", "import", tmp_path / "later.pth", "--name", "net", "--replace")
    assert run(capsys, *arguments)[0] == 0


def test_a_damaged_set_does_not_stop_the_list(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder.mkdir()
    (folder / "broken.safetensors").write_bytes(b"nothing")
    status, out, _ = run(capsys, "weights", "list")
    assert status == 0
    assert out.startswith("broken  unusable: not a readable safetensors file")
    assert len(out.splitlines()) == 1 + len(packaged_weights())


def test_a_mean_is_written_where_it_was_asked_for_and_only_once(
    tmp_path: Path, tiny_weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    to = tmp_path / "mean.safetensors"
    asked = ("weights", "mean", tiny_weights, tiny_weights, "--out", to)
    status, out, _ = run(capsys, *asked)
    assert (status, out.strip()) == (0, str(to))
    one, other = (load_weights(path)[0].state_dict() for path in (tiny_weights, to))
    assert all(torch.equal(value, other[key]) for key, value in one.items())
    status, _, told = run(capsys, *asked)
    assert status == 2
    assert "Choose another --out." in told


def test_an_action_is_needed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["weights"])
    assert caught.value.code == 2
