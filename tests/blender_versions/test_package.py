"""The extension: what is in its zip, and that Blender's own tools check, install and remove it."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import runpy
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any

import environments
import pytest

import platematte

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

REPOSITORY = Path(__file__).resolve().parents[2]
ADDON = REPOSITORY / "blender_addon"
HOST = Path(__file__).with_name("installed.py")
PATIENCE_S = 240
OLDEST, *_, NEWEST = environments.RELEASES
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture(scope="module")
def package_py() -> SimpleNamespace:
    """The program that builds the package."""
    return SimpleNamespace(**runpy.run_path(str(ADDON / "package.py")))


@pytest.fixture(scope="module", params=["oldest", "newest"])
def blender(request: pytest.FixtureRequest, find_blender: Callable[[str], str]) -> str:
    """The Python of the oldest, and of the newest Blender that this machine has."""
    if request.param == "oldest":
        return find_blender(OLDEST)
    for series in reversed(list(environments.RELEASES)[1:]):
        try:
            return find_blender(series)
        except pytest.skip.Exception:
            continue
    pytest.skip(f"there is no Blender of {OLDEST} to {NEWEST} but perhaps the oldest")


@pytest.fixture(scope="module")
def built(
    package_py: SimpleNamespace, blender: str, tmp_path_factory: pytest.TempPathFactory
) -> SimpleNamespace:
    """Package and repository, made with the tool of that Blender."""
    folder = tmp_path_factory.mktemp("dist é")
    tool = package_py.tool_of(blender)
    package = package_py.build_extension(folder, tool)
    index = package_py.build_repository(folder / "repository", package, tool)
    return SimpleNamespace(tool=tool, package=package, index=index)


@pytest.fixture
def website(built: SimpleNamespace) -> Iterator[str]:
    """The URL of the repository on a web server of static files."""
    serve = functools.partial(QuietHandler, directory=str(built.index.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/index.json"
        server.shutdown()
        thread.join()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """Serves files and prints nothing."""

    def log_message(self, format: str, *arguments: Any) -> None:
        return


def read_manifest() -> dict[str, Any]:
    return tomllib.loads((ADDON / "blender_manifest.toml").read_text(encoding="utf-8"))


def test_the_manifest_has_the_engines_version_and_what_users_read_fits() -> None:
    manifest = read_manifest()
    version = platematte.__version__
    assert manifest["version"] == version
    assert manifest["wheels"] == [f"./wheels/platematte_client-{version}-py3-none-any.whl"]
    assert "blender" not in manifest["name"].lower()
    for line in (manifest["tagline"], *manifest["permissions"].values()):
        assert len(line) <= 64 and not line.endswith(".")
    assert manifest["blender_version_min"] == OLDEST + ".0"
    assert manifest["license"] == ["SPDX:GPL-3.0-or-later"]


def test_every_permission_that_the_code_needs_is_asked_for_and_none_else() -> None:
    code = "\n".join(path.read_text(encoding="utf-8") for path in ADDON.rglob("*.py"))
    needed = {"files"}
    if re.search(r"\bclipboard\b", code):
        needed.add("clipboard")
    if re.search(r"^\s*(import|from) (urllib|http|socket)\b", code, re.MULTILINE):
        needed.add("network")
    assert set(read_manifest()["permissions"]) == needed


def test_the_wheel_is_the_client_and_the_same_every_time(tmp_path: Path) -> None:
    build = runpy.run_path(str(ADDON / "client_wheel.py"))["build_wheel"]
    wheel = build(tmp_path / "a")
    assert wheel.read_bytes() == build(tmp_path / "b").read_bytes()
    with zipfile.ZipFile(wheel) as packed:
        names = packed.namelist()
        client = REPOSITORY / "core" / "platematte_client"
        for path in client.rglob("*.py"):
            inside = packed.read("platematte_client/" + path.relative_to(client).as_posix())
            assert inside == path.read_bytes()
        record = packed.read(names[-1]).decode().splitlines()
    assert [line.partition(",")[0] for line in record] == names
    assert not [name for name in names if not name.startswith("platematte_client")]


def test_pip_takes_the_wheel_and_finds_its_record_in_order(tmp_path: Path) -> None:
    build = runpy.run_path(str(ADDON / "client_wheel.py"))["build_wheel"]
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--no-index"]
    command += ["--no-deps", "--target", str(tmp_path / "here"), str(build(tmp_path))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PRINT_HOME, str(tmp_path / "here")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(told.stdout.strip()).is_relative_to(tmp_path / "here")


PRINT_HOME = (
    "import sys; sys.path.insert(0, sys.argv[1]); from platematte_client import warm; "
    "print(warm.__file__)"
)


@pytest.mark.slow
@pytest.mark.blender
def test_the_package_holds_add_on_client_icons_and_licence_and_nothing_else(
    built: SimpleNamespace, package_py: SimpleNamespace
) -> None:
    with zipfile.ZipFile(built.package) as packed:
        names = packed.namelist()
        assert len(names) == len(set(names))
        for name, source in package_py.package_files().items():
            assert packed.read(name) == source.read_bytes()
    wheel = f"wheels/platematte_client-{platematte.__version__}-py3-none-any.whl"
    assert set(names) == {*package_py.package_files(), wheel}
    assert {"__init__.py", "blender_manifest.toml", "LICENSE", "README.md"} <= set(names)
    assert "icons/platematte_64.png" in names
    for name in names:
        assert not {"tests", "__pycache__"} & set(PurePosixPath(name).parts)
        assert PurePosixPath(name).name not in package_py.NOT_IN_IT
        assert not PurePosixPath(name).name.startswith((".", "test_"))


@pytest.mark.slow
@pytest.mark.blender
def test_building_it_again_changes_no_file_in_it(
    built: SimpleNamespace, package_py: SimpleNamespace, tmp_path: Path
) -> None:
    again = package_py.build_extension(tmp_path, built.tool)
    with zipfile.ZipFile(built.package) as first, zipfile.ZipFile(again) as second:
        one = {entry.filename: (entry.CRC, entry.date_time) for entry in first.infolist()}
        two = {entry.filename: (entry.CRC, entry.date_time) for entry in second.infolist()}
    assert one == two


@pytest.mark.slow
@pytest.mark.blender
def test_blenders_own_tool_calls_the_package_valid(
    built: SimpleNamespace, package_py: SimpleNamespace, tmp_path: Path
) -> None:
    assert "Success" in package_py.run_tool(built.tool, "validate", str(built.package))
    # So that the words above mean something.
    harmed = tmp_path / "harmed.zip"
    with zipfile.ZipFile(built.package) as whole, zipfile.ZipFile(harmed, "w") as copy:
        for name in whole.namelist():
            content = whole.read(name)
            if name == "blender_manifest.toml":
                content = content.replace(b'license = ["SPDX:', b'licence = ["SPDX:')
            copy.writestr(name, content)
    with pytest.raises(package_py.NotBuilt, match="license"):
        package_py.run_tool(built.tool, "validate", str(harmed))


@pytest.mark.slow
@pytest.mark.blender
def test_the_repository_lists_the_package_by_its_hash(built: SimpleNamespace) -> None:
    import hashlib

    (entry,) = json.loads(built.index.read_text(encoding="utf-8"))["data"]
    packed = built.index.parent / entry["archive_url"]
    digest = hashlib.sha256(packed.read_bytes()).hexdigest()
    assert packed.read_bytes() == built.package.read_bytes()
    assert entry["archive_hash"] == f"sha256:{digest}"
    assert (entry["id"], entry["version"]) == ("platematte", platematte.__version__)
    assert "PlateMatte" in built.index.with_name("index.html").read_text(encoding="utf-8")


@linux_only
@pytest.mark.slow
@pytest.mark.blender
def test_it_installs_from_disk_works_and_leaves_nothing_behind(
    built: SimpleNamespace, blender: str, engine: Path, tmp_path: Path
) -> None:
    seen = run_installed(blender, engine, tmp_path, "file", str(built.package))
    check_seen(seen, tmp_path)


@linux_only
@pytest.mark.slow
@pytest.mark.blender
def test_it_installs_from_a_repository_that_was_added_by_its_url(
    website: str, blender: str, engine: Path, tmp_path: Path
) -> None:
    seen = run_installed(blender, engine, tmp_path, "repository", website)
    check_seen(seen, tmp_path)


def test_without_any_blender_the_words_say_what_is_needed(
    package_py: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    for series in environments.RELEASES:
        monkeypatch.delenv(environments.variable_of(series), raising=False)
    with pytest.raises(package_py.NotBuilt, match=r"Blender 4\.2 or newer, as `blender` on PATH"):
        package_py.find_tool()


def run_installed(python: str, engine: Path, folder: Path, way: str, what: str) -> dict[str, Any]:
    """Run installed.py in a Blender that knows nothing of this repository."""
    (folder / "resources").mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "BLENDER_"))}
    environment["BLENDER_USER_RESOURCES"] = str(folder / "resources")
    environment["PLATEMATTE_ENGINE"] = str(engine)
    done = subprocess.run(
        [python, "-I", str(HOST), way, what],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr[-6000:]
    return json.loads(done.stdout.splitlines()[-1])  # type: ignore[no-any-return]


def check_seen(seen: dict[str, Any], folder: Path) -> None:
    assert not [entry for entry in seen["path"] if Path(entry).is_relative_to(REPOSITORY)]
    assert seen["enabled"] is True
    used, left = seen["used"], seen["left"]
    assert Path(used["client"]).is_relative_to(folder / "resources" / "extensions" / ".local")
    assert used["inputs"] == ["Plate", "Clean Plate", "Garbage Matte", "Core Matte"]
    assert used["outputs"][:2] == ["Foreground", "Alpha"]
    assert "matte_range" in used["operators"]
    assert "/none" in used["engine says"]
    assert len(used["running"]) == 1 and used["running"][0].endswith("serve")
    assert left == {
        "running": [],
        "threads": ["MainThread"],
        "handlers": [],
        "classes": [],
        "files": [],
    }
