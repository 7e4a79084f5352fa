"""`platematte matte`: its exit statuses, its sentences, and that it never shows a traceback."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from platematte import plan
from platematte.cli.main import main, make_parser
from platematte.cli.matte import read_settings, read_shot
from platematte.images.write import read_attributes
from platematte.network.matter import Matter
from platematte.settings import LAYER_NAMES, EngineSettings
from platematte.shot import Shot

MakeShot = Callable[..., Shot]
WriteImage = Callable[..., Path]
Command = Callable[..., "Answer"]


class Answer:
    """What a command left: its exit status and what it printed."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    def refused(self, status: int, *said: str) -> None:
        """Check the status, that all of `said` is in the sentence, and that a fix follows it."""
        assert self.status == status, self.err
        assert "Traceback" not in self.err + self.out
        sentence, *rest = [line for line in self.err.splitlines() if line]
        assert sentence.startswith("platematte: ")
        assert rest
        for part in said:
            assert part in self.err, part


@pytest.fixture
def command(tiny_weights: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runner of `platematte matte` on a shot: `command(shot, "--layers", "clean")`."""

    def run(shot: Shot, *flags: str, progress: str = "none") -> Answer:
        arguments = ["matte", shot.plate, shot.clean, "--out", shot.out, "--progress", progress]
        if "--weights" not in flags:
            arguments += ["--weights", str(tiny_weights)]
        if "--device" not in flags:
            arguments += ["--device", "cpu"]
        capsys.readouterr()
        status = main([*arguments, *flags])
        return Answer(status, *capsys.readouterr())

    return run


def frame_path(pattern: str, frame: int) -> Path:
    return Path(pattern.replace("####", str(frame)))


def test_a_shot_is_matted_and_stdout_stays_empty(
    tmp_path: Path, make_shot: MakeShot, command: Command
) -> None:
    shot = make_shot(tmp_path)
    answer = command(shot, "--frames", "1001-1003x2", "--layers", "clean,residual")
    assert (answer.status, answer.out, answer.err) == (0, "", "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "matte.1001.exr",
        "matte.1003.exr",
    ]


def test_json_progress_is_all_there_is_on_stdout(
    tmp_path: Path, make_shot: MakeShot, command: Command
) -> None:
    answer = command(make_shot(tmp_path), progress="json")
    records = [json.loads(line) for line in answer.out.splitlines()]
    assert [record["kind"] for record in records] == ["start", *["frame"] * 3, "done"]


def test_later_settings_win_file_then_set_then_flag(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(
        '[engine]\nmemory_mib = 100\nread_ahead = 3\n[output]\nlayers = ["clean"]\n'
        '[network]\nprecision = "fp32"\n'
    )
    parsed = make_parser("matte").parse_args(
        [
            *("matte", "p.####.exr", "c.exr", "--out", "o.####.exr", "--settings", str(path)),
            *("--set", "engine.memory_mib=200", "--set", "network.precision=fp16"),
            *("--precision", "bf16", "--frames", "3-5", "--core", "k.exr"),
        ]
    )
    settings = read_settings(parsed)
    assert settings.engine == EngineSettings(memory_mib=200, read_ahead=3)
    assert (settings.network.precision, settings.output.layers) == ("bf16", ("clean",))
    assert read_shot(parsed) == Shot("p.####.exr", "c.exr", "o.####.exr", (3, 4, 5), core="k.exr")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--set", "engine.memory=512"), ("engine.memory", "memory_mib")),
        (("--set", "engin.memory_mib=512"), ("engin", "engine")),
        (("--set", "engine.memory_mib=lots"), ("engine.memory_mib", "lots")),
        (("--set", "engine.memory_mib=1"), ("engine.memory_mib", "64")),
        (("--set", "memory"), ("section.key=value",)),
        (("--layers", "foregruond"), ("foregruond", "foreground")),
        (("--layers", "clean,depth"), ("depth", *LAYER_NAMES)),
        (("--colorspace", "ACEScgg"), ("ACEScgg", "ACEScg")),
        (("--set", "input.clean_colorspace=ACEScgg"), ("ACEScgg", "ACEScg")),
        (("--precision", "fp8"), ("network.precision", "fp8")),
        (("--device", "tpu"), ("network.device", "tpu")),
        (("--frames", "10:20"), ("10:20",)),
        (("--frames", "abc"), ("abc",)),
    ],
)
def test_wrong_arguments_are_refused_with_status_2_before_any_work(
    tmp_path: Path,
    make_shot: MakeShot,
    command: Command,
    flags: tuple[str, ...],
    said: tuple[str, ...],
) -> None:
    command(make_shot(tmp_path), *flags).refused(2, *said)
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_a_gpu_asked_for_by_name_and_absent_is_status_2(
    tmp_path: Path, make_shot: MakeShot, command: Command
) -> None:
    command(make_shot(tmp_path), "--device", "cuda").refused(2, "no cuda device", "--device auto")


def test_unknown_weights_are_status_3(
    tmp_path: Path, make_shot: MakeShot, command: Command
) -> None:
    shot = make_shot(tmp_path)
    command(shot, "--weights", "best-ever").refused(3, "best-ever", "--weights")
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(b"\0" * 100)
    command(shot, "--weights", str(damaged)).refused(3, str(damaged), "safetensors")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("binary.toml", bytes(range(256))),
        ("binary.json", bytes(range(256))),
        ("list.json", b'["engine", 512]'),
        ("scalar.toml", b"engine = 5"),
        ("types.toml", b'[engine]\nmemory_mib = "much"'),
        ("table.json", b'{"engine": {"memory_mib": {"least": 5}}}'),
        ("unknown.toml", b"[engine]\nmemory_mb = 512"),
    ],
)
def test_garbage_in_a_settings_file_is_status_2_with_its_path(
    tmp_path: Path, make_shot: MakeShot, command: Command, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    command(make_shot(tmp_path), "--settings", str(path)).refused(2, str(path))


def test_a_missing_settings_file_is_status_2(
    tmp_path: Path, make_shot: MakeShot, command: Command
) -> None:
    path = tmp_path / "absent.toml"
    command(make_shot(tmp_path), "--settings", str(path)).refused(2, str(path), "no such")


def test_an_output_over_the_plate_is_status_2_and_leaves_the_plate(
    tmp_path: Path, make_shot: MakeShot, command: Command
) -> None:
    shot = make_shot(tmp_path)
    before = frame_path(shot.plate, 1002).read_bytes()
    out = shot.plate.replace("####", "%04d")
    command(replace(shot, out=out), "--overwrite").refused(2, "overwrite the plate", "--out")
    assert frame_path(shot.plate, 1002).read_bytes() == before


def test_existing_frames_are_status_2_until_it_is_said_what_to_do(
    tmp_path: Path, make_shot: MakeShot, command: Command
) -> None:
    shot = make_shot(tmp_path)
    assert command(shot).status == 0
    times = [frame_path(shot.out, frame).stat().st_mtime_ns for frame in (1001, 1002, 1003)]
    command(shot).refused(2, "1001-1003", "--overwrite", "--resume")
    assert command(shot, "--resume").status == 0
    assert [frame_path(shot.out, n).stat().st_mtime_ns for n in (1001, 1002, 1003)] == times
    assert command(shot, "--overwrite").status == 0
    assert frame_path(shot.out, 1001).stat().st_mtime_ns > times[0]


def test_missing_frames_are_status_3_as_ranges_before_any_work(
    tmp_path: Path, make_shot: MakeShot, command: Command
) -> None:
    shot = make_shot(tmp_path, frames=(1001, 1002, 1005, 1008))
    command(shot).refused(3, "1003-1004,1006-1007", shot.plate)
    command(shot, "--frames", "1001-1010").refused(3, "1003-1004,1006-1007,1009-1010", "missing")
    absent = replace(shot, plate=str(tmp_path / "plate" / "plates.####.exr"))
    command(absent).refused(3, absent.plate)
    assert not list(tmp_path.glob("out/*"))


def test_a_damaged_frame_is_status_3_and_the_others_are_written(
    tmp_path: Path, make_shot: MakeShot, command: Command
) -> None:
    shot = make_shot(tmp_path, frames=5)
    path = frame_path(shot.plate, 1003)
    path.write_bytes(path.read_bytes()[:-900])
    answer = command(shot, progress="json")
    answer.refused(3, f"frame 1003: {path}: ", "failed frames: 1003", "4 others", "copy this frame")
    written = [frame_path(shot.out, frame) for frame in (1001, 1002, 1004, 1005)]
    assert all(read_attributes(frame) for frame in written)
    assert sorted((tmp_path / "out").iterdir()) == written
    records = [json.loads(line) for line in answer.out.splitlines()]
    assert "done" not in [record["kind"] for record in records], "a host takes done for success"
    error = records[-1]
    assert (error["kind"], error["code"], error["exit_status"]) == ("error", "input-unreadable", 3)
    assert (error["frame"], error["path"]) == (1003, str(path))


def test_no_colour_channels_is_status_3_with_the_channels(
    tmp_path: Path, make_shot: MakeShot, command: Command, write_exr: WriteImage
) -> None:
    shot = make_shot(tmp_path, frames=1)
    pixels = np.ones((48, 64, 1), np.float32)
    write_exr(frame_path(shot.plate, 1001), pixels, channels=("depth.Z",))
    command(shot).refused(3, "depth.Z", "R, G and B")


def test_out_of_memory_is_status_4(
    tmp_path: Path, make_shot: MakeShot, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(Matter, "look", look)
    command(make_shot(tmp_path)).refused(4, "no memory left", "engine.memory_mib")


def test_a_clean_plate_that_is_the_plate_is_status_5(
    tmp_path: Path, make_shot: MakeShot, command: Command
) -> None:
    shot = make_shot(tmp_path)
    command(replace(shot, clean=shot.plate)).refused(5, "the plate's own frame", "without the")


def test_an_output_that_cannot_be_written_is_status_1(
    tmp_path: Path, make_shot: MakeShot, command: Command
) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_bytes(b"a file where a folder is asked for")
    shot = make_shot(tmp_path, out=str(blocked / "matte.####.exr"))
    command(shot).refused(1, str(blocked), "permissions")


def test_a_fault_of_ours_is_one_sentence_and_status_1(
    tmp_path: Path, make_shot: MakeShot, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("deep inside")

    monkeypatch.setattr(plan, "check_output", broken)
    command(make_shot(tmp_path)).refused(1, "internal error", "deep inside", "PLATEMATTE_LOG")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["mattes"],
        ["matte"],
        ["matte", "plate.exr", "clean.exr"],
        ["matte", "p.exr", "c.exr", "--out", "o.exr", "--resume", "--overwrite"],
        ["matte", "p.exr", "c.exr", "--out", "o.exr", "--progress", "dots"],
    ],
)
def test_a_command_line_that_means_nothing_is_status_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert "usage: platematte" in output.err
