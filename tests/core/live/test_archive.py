"""What is written is read by torch 1.6, or refused before it is written."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
import torch

from platematte.live.archive import TorchUnfit, check_operations, save_for_old_torch

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "code",
    [
        "x = torch.narrow(y, 1, 0, 9)",
        "x = torch.slice(y, 1, 0, 9223372036854775807)",
        "x = torch.upsample_bilinear2d(y, [4, 4], False, None, None)",
        "x = torch.zeros_like(y, dtype=6)",
        "x = torch.append(frames, self.matte(y))",
    ],
)
def test_operations_of_torch_1_6_pass(code: str) -> None:
    check_operations(code)


@pytest.mark.parametrize(
    "code",
    [
        "x = torch.unflatten(y, 1, [2, 2])",
        "x = torch.amax(y, [1], True)",
        "x = torch.slice(y, 1, None, 9)",
        "x = torch._convolution(a, b, c, d, d, d, False, d, 1, True, True, True, True)",
        "x = torch.upsample_bilinear2d(y, None, False, [4., 4.])",
        'ops.prim.RaiseException(_0, "builtins.RuntimeError")',
        "x = torch.zeros_like(y, sort=6)",
    ],
)  # fmt: skip
def test_what_torch_1_6_does_not_have_is_named(code: str) -> None:
    with pytest.raises(TorchUnfit, match=r"torch 1\.6 does not have"):
        check_operations(code)


class Newer(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nan_to_num(x)


def test_a_module_that_is_too_new_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "new.pt"
    with pytest.raises(TorchUnfit, match="nan_to_num"):
        save_for_old_torch(torch.jit.script(Newer()), path)
    assert list(tmp_path.iterdir()) == []


def test_the_file_holds_no_path_of_the_machine_that_wrote_it(live_file: Path) -> None:
    with zipfile.ZipFile(live_file) as archive:
        names = archive.namelist()
        content = b"".join(archive.read(name) for name in names if "/data/" not in name)
    assert str(REPOSITORY).encode() not in content
    assert not [name for name in names if name.endswith(".debug_pkl")]


def test_nothing_in_the_file_is_bound_to_the_cpu(live_file: Path) -> None:
    """A trace writes the device of new tensors down; on a GPU such a model would fail."""
    with zipfile.ZipFile(live_file) as archive:
        code = "".join(archive.read(n).decode() for n in archive.namelist() if n.endswith(".py"))
    assert "torch.narrow" in code
    assert "device" not in code
    assert "cpu" not in code
