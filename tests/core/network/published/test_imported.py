"""Published checkpoints survive the import bit for bit, and run as the network itself runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from platematte.compute import Engine, Mattes
from platematte.errors import WeightsInvalid
from platematte.matte import matte_pixels
from platematte.network import imported
from platematte.network.imported import import_weights, load_imported, read_imported
from platematte.network.load import Machine, load_runner
from platematte.network.published import run as run_module
from platematte.network.published import segmentation
from platematte.network.published.layouts import BUILDERS
from platematte.network.published.run import run_published
from platematte.network.weights import find_weights, hash_file
from platematte.settings import MatteSettings, NetworkSettings

MakeState = Callable[..., dict[str, torch.Tensor]]
SaveCheckpoint = Callable[..., Path]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's folder of weights, not there yet."""
    monkeypatch.setenv("PLATEMATTE_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture(params=["seed", "v2-mobilenetv2", "v2-mobilenetv2-base"])
def layout(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def small_pictures() -> tuple[np.ndarray, np.ndarray]:
    """Return a plate of 46 x 62 pixels with a subject, brighter than white in part, and its set."""
    random = np.random.default_rng(5)
    clean = (0.2 + 0.1 * random.random((46, 62, 3))).astype(np.float32)
    plate = clean.copy()
    plate[10:36, 20:44] = (0.8, 0.1, 0.3)
    plate[14:20, 24:30] = 12.0
    return plate, clean


def test_a_checkpoint_comes_back_bit_for_bit(
    folder: Path,
    tmp_path: Path,
    layout: str,
    save_checkpoint: SaveCheckpoint,
    make_state: MakeState,
) -> None:
    source = save_checkpoint(tmp_path, layout)
    told = import_weights(source)
    network, card = load_imported(told.path)
    state = network.state_dict()
    published = make_state(layout)
    assert len(state) == len(published)
    for key, value in published.items():
        assert torch.equal(state[key.removeprefix("module.")], value), key
    assert not network.training
    assert (card.name, card.licence, card.is_temporal) == ("net_1", told.licence, False)
    assert card.sha256 == hash_file(told.path)


def test_the_header_says_where_weights_come_from(
    folder: Path, tmp_path: Path, save_checkpoint: SaveCheckpoint
) -> None:
    source = save_checkpoint(tmp_path, "v2-mobilenetv2", "pytorch mobile (1).pth")
    told = import_weights(source)
    assert told.path == folder / "pytorch-mobile-1.safetensors"
    with safe_open(str(told.path), framework="pt") as file:
        header = file.metadata()
        kinds = {file.get_tensor(key).dtype for key in file.keys()}  # noqa: SIM118
    assert header == {
        "format": imported.FORMAT,
        "name": "pytorch-mobile-1",
        "layout": "v2-mobilenetv2",
        "licence": "MIT",
        "origin": "pytorch mobile (1).pth",
        "origin_sha256": hash_file(source),
    }
    assert kinds == {torch.float32, torch.int64}
    assert [path.name for path in folder.iterdir()] == ["pytorch-mobile-1.safetensors"]


def test_the_seeds_weights_are_not_for_commercial_work_unless_the_studio_says_so(
    folder: Path, tmp_path: Path, save_checkpoint: SaveCheckpoint
) -> None:
    source = save_checkpoint(tmp_path, "seed")
    assert import_weights(source).licence == "CC BY-NC-SA 4.0"
    assert import_weights(source, "cleared", "bought 2026").licence == "bought 2026"


def test_imported_weights_run_as_the_published_network_does(
    folder: Path,
    tmp_path: Path,
    layout: str,
    save_checkpoint: SaveCheckpoint,
    make_state: MakeState,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (run_module, segmentation):
        monkeypatch.setattr(module, "SIDE_PX", 64)
    told = import_weights(save_checkpoint(tmp_path, layout))
    settings = MatteSettings(network=NetworkSettings(weights=told.name, device="cpu"))
    engine = Engine(settings)
    plate, clean = small_pictures()
    hint = np.zeros((46, 62, 1), np.float32)
    hint[10:36, 20:44] = 1
    mattes = Mattes(hint=hint)
    result = matte_pixels(plate, clean, settings, mattes, engine)
    network = BUILDERS[layout]().eval()
    state = make_state(layout)
    network.load_state_dict({key.removeprefix("module."): state[key] for key in state})
    prepared = engine_cues(engine, plate, clean, settings, mattes)
    with torch.inference_mode():
        expected = run_published(network, prepared)
    drawn = engine.runner.answer(prepared, engine.runner.look(prepared))
    assert torch.equal(drawn.alpha, expected.alpha)
    assert torch.equal(drawn.foreground, expected.foreground)
    alpha = expected.alpha[0, 0].numpy().astype(np.float16).astype(np.float32)
    assert np.array_equal(result.solved.alpha[..., 0], alpha)
    assert alpha.std() > 0


def engine_cues(
    engine: Engine, plate: np.ndarray, clean: np.ndarray, settings: MatteSettings, mattes: Mattes
):
    from platematte.prepare.prepare import Preparer

    prepared = Preparer(settings.prepare, None).prepare(plate, clean, None, None)
    return engine.look(prepared, mattes, np.eye(3, dtype=np.float32)).cues


def test_a_highlight_beyond_white_is_whole_in_the_foreground(
    folder: Path, tmp_path: Path, make_state: MakeState
) -> None:
    state = make_state("v2-mobilenetv2")
    # Alpha is 1 everywhere, whatever is seen; nothing is refined.
    for index, value in ((0, 3.0), (4, -3.0)):
        state["decoder.conv4.weight"][index] = 0
        state["decoder.conv4.bias"][index] = value
    torch.save(state, tmp_path / "all.pth")
    told = import_weights(tmp_path / "all.pth")
    settings = MatteSettings(network=NetworkSettings(weights=told.name, device="cpu"))
    plate, clean = small_pictures()
    result = matte_pixels(plate, clean, settings)
    assert result.solved.alpha.min() == 1
    assert np.array_equal(result.solved.premult, plate.astype(np.float16).astype(np.float32))
    assert result.solved.premult.max() == 12


def test_weights_are_found_by_name_and_by_path(
    folder: Path, tmp_path: Path, save_checkpoint: SaveCheckpoint
) -> None:
    told = import_weights(save_checkpoint(tmp_path, "v2-mobilenetv2"), "mobile")
    assert find_weights("mobile") == told.path
    elsewhere = import_weights(tmp_path / "net_1.pth", "other", folder=tmp_path / "elsewhere")
    assert elsewhere.path == tmp_path / "elsewhere" / "other.safetensors"
    assert find_weights(str(elsewhere.path)) == elsewhere.path
    with pytest.raises(WeightsInvalid, match="mobile") as caught:
        find_weights("other")
    assert "weights list" in caught.value.fix


def test_imported_weights_run_in_float32_unless_told_otherwise(
    folder: Path, tmp_path: Path, save_checkpoint: SaveCheckpoint
) -> None:
    path = import_weights(save_checkpoint(tmp_path, "v2-mobilenetv2")).path
    cpu = torch.device("cpu")
    assert load_runner(path, Machine(cpu))[0].precision is torch.float32
    assert load_runner(path, Machine(cpu, "bf16"))[0].precision is torch.bfloat16


def test_the_same_import_gives_the_same_bytes(
    folder: Path, tmp_path: Path, save_checkpoint: SaveCheckpoint
) -> None:
    source = save_checkpoint(tmp_path, "v2-mobilenetv2")
    hashes = {hash_file(import_weights(source, "a").path) for _ in range(3)}
    hashes.add(hash_file(import_weights(source, "a", folder=tmp_path / "b").path))
    assert len(hashes) == 1


def test_other_weights_of_the_same_name_are_replaced_only_when_told(
    folder: Path, tmp_path: Path, save_checkpoint: SaveCheckpoint
) -> None:
    first = import_weights(save_checkpoint(tmp_path, "v2-mobilenetv2"), "mine")
    before = first.path.read_bytes()
    base = save_checkpoint(tmp_path, "v2-mobilenetv2-base", "base.pth")
    for arguments in ((base, "mine"), (tmp_path / "net_1.pth", "mine", "another licence")):
        with pytest.raises(WeightsInvalid, match="other weights of this name") as caught:
            import_weights(*arguments)
        assert "--replace" in caught.value.fix
    assert first.path.read_bytes() == before
    assert import_weights(base, "mine", replace=True).layout == "v2-mobilenetv2-base"


@pytest.mark.parametrize(
    "name", ["", "../up", "a/b", ".hidden", "-x", "default", "quality", "quality-9"]
)
def test_a_name_that_cannot_be_used_is_refused(
    folder: Path, tmp_path: Path, save_checkpoint: SaveCheckpoint, name: str
) -> None:
    with pytest.raises(WeightsInvalid) as caught:
        import_weights(save_checkpoint(tmp_path, "v2-mobilenetv2"), name)
    assert "--name" in caught.value.fix
    assert not folder.exists()


def test_a_state_dict_that_is_not_known_leaves_nothing_behind(
    folder: Path, tmp_path: Path, make_state: MakeState
) -> None:
    state = make_state("seed")
    del state["module.comb_back.0.weight"]
    torch.save(state, tmp_path / "broken.pth")
    with pytest.raises(WeightsInvalid, match=r"missing, first comb_back\.0\.weight") as caught:
        import_weights(tmp_path / "broken.pth")
    assert caught.value.path == str(tmp_path / "broken.pth")
    assert not folder.exists()


def test_imported_weights_that_were_damaged_are_refused(
    folder: Path, tmp_path: Path, save_checkpoint: SaveCheckpoint
) -> None:
    path = import_weights(save_checkpoint(tmp_path, "v2-mobilenetv2")).path
    with safe_open(str(path), framework="pt") as file:
        header = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    del tensors["aspp.project.0.weight"]
    save_file(tensors, str(path), metadata=header)
    with pytest.raises(WeightsInvalid, match=r"aspp\.project\.0\.weight") as caught:
        load_imported(path)
    assert "--replace" in caught.value.fix
    save_file(tensors, str(path), metadata={"format": imported.FORMAT, "layout": "v9"})
    with pytest.raises(WeightsInvalid, match="not written by an import"):
        read_imported(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsInvalid, match="not a readable safetensors file"):
        read_imported(path)
