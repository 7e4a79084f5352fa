"""What the engine's process gets of its host: its own group, and an environment that is clean."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from platematte_client.process import describe_exit, engine_environment, start_process


@pytest.mark.parametrize(
    "name",
    [
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONEXECUTABLE",
        "__PYVENV_LAUNCHER__",
        "LD_LIBRARY_PATH",
        "DYLD_INSERT_LIBRARIES",
        "QT_PLUGIN_PATH",
        "QT_QPA_PLATFORM",
        "NUKE_PATH",
        "NUKE_TEMP_DIR",
    ],
)
def test_what_the_host_sets_for_itself_does_not_reach_the_engine(name: str) -> None:
    assert name not in engine_environment({name: "/host", "PATH": "/bin"})


@pytest.mark.parametrize("name", ["PATH", "OCIO", "PLATEMATTE_LOG", "CUDA_VISIBLE_DEVICES", "HOME"])
def test_what_the_user_sets_for_the_engine_reaches_it(name: str) -> None:
    assert engine_environment({name: "mine"})[name] == "mine"


def test_the_hosts_own_environment_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONHOME", "/host")
    told = _output("import os; print(os.environ.get('PYTHONHOME'))")
    assert (told, os.environ["PYTHONHOME"]) == ("None", "/host")


@pytest.mark.skipif(os.name != "posix", reason="process groups of POSIX systems")
def test_the_engine_is_in_a_process_group_of_its_own() -> None:
    group = int(_output("import os; print(os.getpgrp() == os.getpid() and os.getpgrp())"))
    assert group != os.getpgrp()


def test_its_words_are_utf_8_whatever_the_system_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    assert _output("print('é 猫')") == "é 猫"


def test_how_it_ended_is_said_in_words() -> None:
    assert describe_exit(3) == "ended with status 3"
    assert describe_exit(-9) == "was ended by signal 9"


def _output(program: str) -> str:
    process = start_process([sys.executable, "-c", program], stdout=subprocess.PIPE)
    told, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return told.decode("utf-8").strip()
