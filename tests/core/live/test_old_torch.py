"""What is exported runs in the oldest torch that it claims, with the engine's alpha."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from old_torch import NoOldTorch, old_torch

from platematte.live import archive

_PROGRAM = """
import sys
import numpy, torch

folder, model = sys.argv[1], torch.jit.load(sys.argv[2])
torch.set_num_threads(1)
print(torch.__version__)
with torch.no_grad():
    for name in sys.argv[3:]:
        fed = torch.from_numpy(numpy.load("{}/{}.npy".format(folder, name)))
        numpy.save("{}/{}.out.npy".format(folder, name), model(fed)[0].permute(1, 2, 0).numpy())
"""


@pytest.fixture(scope="session")
def old_python() -> Path:
    """A Python with an old torch."""
    try:
        return old_torch()
    except NoOldTorch as reason:
        pytest.skip(str(reason))


def run(python: Path, model: Path, folder: Path, fed: dict[str, Any]) -> tuple[str, dict]:
    """Return the old torch's version and its answers, H x W x 5 each."""
    for name, tensor in fed.items():
        np.save(folder / f"{name}.npy", tensor.numpy())
    command = [python, "-W", "ignore", "-c", _PROGRAM, folder, model, *fed]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.split()[0], {name: np.load(folder / f"{name}.out.npy") for name in fed}


@pytest.mark.timeout(1800)
def test_the_table_of_operations_is_that_of_the_real_torch_1_6(old_python: Path) -> None:
    lister = Path(__file__).with_name("list_operations.py")
    program = "import sys, torch; sys.exit(not torch.__version__.startswith('1.6.'))"
    if subprocess.run([old_python, "-c", program]).returncode:
        pytest.skip("the old torch that is here is not 1.6")
    told = subprocess.run([old_python, lister], capture_output=True, text=True, check=True).stdout
    table = Path(archive.__file__).with_name("torch_1_6.txt").read_text(encoding="utf-8")
    assert [line for line in table.splitlines() if line[0] != "#"] == told.splitlines()


# The first call may have to install torch.
@pytest.mark.timeout(1800)
@pytest.mark.slow
def test_an_old_torch_gives_the_engines_alpha_within_1_255_on_the_demo_shot(
    demo: Any, live_file: Path, old_python: Path, tmp_path: Path
) -> None:
    fed = {"still": demo.fed(1002), "fused": demo.fed(1002, with_neighbours=True)}
    version, seen = run(old_python, live_file, tmp_path, fed)
    still = np.abs(seen["still"][..., 3:4] - demo.still(1002).solved.alpha)
    fused = np.abs(seen["fused"][..., 3:4] - demo.fused(1002).solved.alpha)
    print(
        f"torch {version}: alpha differs by {still.max():.6f} at most; fused by {fused.max():.4f}"
    )
    print(f"fused differs by more than 1/255 in {(fused > 1 / 255).sum()} of {fused.size} px")
    assert version.startswith((archive.OLDEST_TORCH + ".", "1.12."))
    assert still.max() <= 1 / 255
    assert (fused > 1 / 255).mean() < 1 / 3000
    assert fused.max() < 0.05
