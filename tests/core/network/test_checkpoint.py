"""Checkpoints are read without running anything in them; what is no checkpoint is told apart."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from platematte.errors import WeightsInvalid
from platematte.network.checkpoint import read_checkpoint

TENSORS = {f"layer{index}.weight": torch.full((50, 20), float(index)) for index in range(4)}


class Payload:
    """Unpickled without care, it writes a file."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch '{self.target}'",)


def refusal(path: Path) -> WeightsInvalid:
    with pytest.raises(WeightsInvalid) as caught:
        read_checkpoint(path)
    assert caught.value.path == str(path)
    assert caught.value.exit_status == 3
    assert caught.value.fix
    return caught.value


@pytest.mark.parametrize("is_zip", [True, False])
def test_files_of_both_generations_of_torch_are_read(tmp_path: Path, is_zip: bool) -> None:
    path = tmp_path / "net.pth"
    torch.save(TENSORS, path, _use_new_zipfile_serialization=is_zip)
    loaded = read_checkpoint(path)
    assert isinstance(loaded, dict)
    assert all(torch.equal(loaded[key], value) for key, value in TENSORS.items())


def test_safetensors_are_read_whatever_they_are_called(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    save_file(TENSORS, str(path))
    loaded = read_checkpoint(path)
    assert isinstance(loaded, dict)
    assert loaded.keys() == TENSORS.keys()


@pytest.mark.parametrize("is_zip", [True, False])
def test_code_in_a_file_is_refused_by_name_and_never_run(tmp_path: Path, is_zip: bool) -> None:
    path, target = tmp_path / "net.pth", tmp_path / "proof"
    content = {**TENSORS, "extra": Payload(target)}
    torch.save(content, path, _use_new_zipfile_serialization=is_zip)
    error = refusal(path)
    assert "system" in error.reason
    assert "nothing of it was run" in error.reason
    assert "state_dict" in error.fix
    assert not target.exists()


def test_a_whole_network_that_was_pickled_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.pth"
    torch.save(torch.nn.Conv2d(1, 1, 1), path)
    assert "torch.nn.modules.conv.Conv2d" in refusal(path).reason


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_refused(tmp_path: Path, is_zip: bool, share: float) -> None:
    path = tmp_path / "net.pth"
    torch.save(TENSORS, path, _use_new_zipfile_serialization=is_zip)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    error = refusal(path)
    assert "damaged" in error.reason
    assert "checksum" in error.fix


@pytest.mark.parametrize(
    "content", [b"<!DOCTYPE html><html></html>", bytes(range(256)) * 9, b"\x80\x04K\x01."]
)
def test_bytes_of_any_other_kind_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.pth"
    path.write_bytes(content)
    assert "cannot be read as a checkpoint" in refusal(path).reason


def test_truncated_safetensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    save_file(TENSORS, str(path))
    path.write_bytes(path.read_bytes()[:-100])
    assert "not a readable safetensors file" in refusal(path).reason


def test_networks_of_other_kinds_are_named(tmp_path: Path) -> None:
    script = tmp_path / "torchscript_resnet50_fp32.pth"
    torch.jit.trace(torch.nn.Conv2d(1, 1, 1), torch.zeros(1, 1, 2, 2)).save(str(script))
    assert "TorchScript" in refusal(script).reason
    onnx = tmp_path / "onnx_resnet50_hd.onnx"
    onnx.write_bytes(b"\x08\x06\x12\x07pytorch")
    assert "ONNX" in refusal(onnx).reason


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "absent.pth").reason
    assert "no such file" in refusal(tmp_path).reason
