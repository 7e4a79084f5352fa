"""Makes the client's wheel that is in the extension, with the standard library alone."""

import base64
import hashlib
import re
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
_EPOCH = (1980, 1, 1, 0, 0, 0)
_METADATA = """Metadata-Version: 2.4
Name: platematte-client
Version: {version}
Summary: What a host program needs to talk to PlateMatte's engine
License-Expression: Apache-2.0
License-File: LICENSE
Requires-Python: >=3.7
"""
_WHEEL = """Wheel-Version: 1.0
Generator: platematte ({version})
Root-Is-Purelib: true
Tag: py3-none-any
"""


def read_version() -> str:
    """Return the version of the engine, which is the client's and the add-on's as well."""
    text = (REPOSITORY / "core" / "platematte" / "__init__.py").read_text(encoding="utf-8")
    match = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    if match is None:
        raise SystemExit("core/platematte/__init__.py does not say its version")
    return match.group(1)


def build_wheel(folder: Path) -> Path:
    """Write the wheel into a folder and return its path. The same files give the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"platematte_client-{read_version()}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in _wheel_files().items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            wheel.writestr(entry, content)
    return path


def _wheel_files() -> dict[str, bytes]:
    """Return what is in the wheel by name; its record is last, as pip's rules ask."""
    core = REPOSITORY / "core"
    version = read_version()
    information = f"platematte_client-{version}.dist-info"
    files = {
        path.relative_to(core).as_posix(): path.read_bytes()
        for path in sorted((core / "platematte_client").rglob("*.py"))
    }
    files[f"{information}/METADATA"] = _METADATA.format(version=version).encode()
    files[f"{information}/WHEEL"] = _WHEEL.format(version=version).encode()
    files[f"{information}/licenses/LICENSE"] = (REPOSITORY / "LICENSE").read_bytes()
    record = [f"{name},{_digest(content)},{len(content)}" for name, content in files.items()]
    record.append(f"{information}/RECORD,,")
    files[f"{information}/RECORD"] = ("\n".join(record) + "\n").encode()
    return files


def _digest(content: bytes) -> str:
    digest = hashlib.sha256(content).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
