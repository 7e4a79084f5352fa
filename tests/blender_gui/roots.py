"""Debian roots that hold a Blender with windows: 4.3 from trixie, 5.2 from sid.

python tests/blender_gui/roots.py [trixie] [sid]

makes those that are not there (some minutes, 1.5 GB each, needs root and debootstrap) and prints
where they are. Nothing is mounted where others could see it: /proc, /dev and the folders that a run
asks for exist in a mount namespace that ends with the command, and so do its processes.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

MIRROR = "http://deb.debian.org/debian"
SUITES = ("trixie", "sid")
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "platematte-tests"
# Without cattr and requests the extension manager of 5.2 does not load; Mesa's software driver
# draws the windows; ImageMagick takes the pictures.
PACKAGES = [
    "blender",
    "xvfb",
    "openbox",
    "imagemagick",
    "x11-utils",
    "libgl1-mesa-dri",
    "fonts-dejavu-core",
    "python3-numpy",
    "python3-cattr",
    "python3-requests",
]
MADE = "etc/platematte-root"


def root_of(suite: str) -> Path:
    """Where the root of a suite is, made or not."""
    return CACHE / f"blender-{suite}"


def make(suite: str) -> Path:
    """The root of a suite, made or completed if need be.

    SystemExit with what to do where that cannot be done.
    """
    root = root_of(suite)
    if root.exists():
        if _made(root)[1:] != PACKAGES:
            _ask_for_tools()
            _install(root)
        return root
    _ask_for_tools()
    making = root.with_name(root.name + ".making")
    shutil.rmtree(making, ignore_errors=True)
    making.parent.mkdir(parents=True, exist_ok=True)
    print(f"== making {root} (some minutes)", flush=True)
    _run(["nice", "debootstrap", "--variant=minbase", suite, str(making), MIRROR])
    _install(making)
    making.rename(root)
    return root


def blender_of(suite: str) -> str:
    """What the Blender of a root that is there calls itself, as in "Blender 4.3.2"."""
    return _made(root_of(suite))[0]


def _made(root: Path) -> list[str]:
    """What a root was made with: its Blender, then the packages that were asked for."""
    try:
        return (root / MADE).read_text().splitlines()
    except OSError:
        return ["a Blender that was not installed"]


def _install(root: Path) -> None:
    # A mirror that is kept at a date has lists past their time; they are signed all the same.
    update = "apt-get -o Acquire::Check-Valid-Until=false update -q"
    packages = " ".join(PACKAGES)
    lines = (
        "export DEBIAN_FRONTEND=noninteractive",
        update,
        f"apt-get install -q -y --no-install-recommends {packages}",
        "apt-get clean",
        f"blender --version | head -1 > /{MADE}.part",
        f"printf '%s\\n' {packages} >> /{MADE}.part",
        f"mv /{MADE}.part /{MADE}",
    )
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    _run(inside(root, ["nice", "sh", "-e", "-c", "\n".join(lines)], network=True))


def inside(
    root: Path,
    command: Sequence[str],
    *,
    network: bool = False,
    readable: Mapping[Path, str] | None = None,
    writable: Mapping[Path, str] | None = None,
    machine: str = "",
) -> list[str]:
    """The command line that runs `command` in the root, with folders of this machine in it.

    readable, writable: folder here -> absolute path there. machine: where the command sees this
    whole machine, read-only but for the folders in `writable`, so that a process may `chroot` back
    to it. All of it is seen by this command alone. Its processes have a namespace of their own, and
    the kernel ends whatever it leaves behind.
    """
    at = shlex.quote(str(root))
    lines = [
        "set -e",
        "mount --make-rprivate /",
        *(_machine_lines(f"{root}{machine}", writable or {}) if machine else ()),
        f"mount -t proc proc {at}/proc",
        f"mount --rbind /dev {at}/dev",
        # A root's own /tmp would keep the sockets of an X server that was ended by the kernel.
        f"mount -t tmpfs tmpfs {at}/tmp",
    ]
    for folders, mode in ((readable or {}, "ro"), (writable or {}, "rw")):
        for here, there in folders.items():
            target = shlex.quote(f"{root}{there}")
            lines.append(f"mkdir -p {target}; mount --bind {shlex.quote(str(here))} {target}")
            lines.append(f"mount -o remount,bind,{mode} {target}")
    lines.append(f"exec chroot {at} {shlex.join(command)}")
    spaces = ["--mount", "--pid", "--ipc", "--fork", "--kill-child"]
    # Without a network of its own a display's number could be taken by an X server of this machine.
    spaces += [] if network else ["--net"]
    return ["unshare", *spaces, "sh", "-c", "\n".join(lines)]


def _machine_lines(at: str, writable: Mapping[Path, str]) -> list[str]:
    """Mount this machine at a folder, before anything else is mounted there."""
    target = shlex.quote(at)
    lines = [
        f"mkdir -p {target}; mount --rbind / {target}; mount -o remount,bind,ro {target}",
        f"mount -t proc proc {target}/proc",
    ]
    for here in writable:
        lines.append(f"mount --bind {shlex.quote(str(here))} {shlex.quote(at + str(here))}")
    return lines


def _ask_for_tools() -> None:
    if os.geteuid() != 0:
        raise SystemExit("Making a root needs root's rights: run this as root, or in a container.")
    missing = [tool for tool in ("debootstrap", "unshare", "gpgv") if not shutil.which(tool)]
    if missing:
        raise SystemExit(
            f"{', '.join(missing)} missing. On Debian: apt-get install debootstrap gpgv"
        )


def _run(command: list[str]) -> None:
    status = subprocess.run(command, check=False).returncode
    if status:
        raise SystemExit(f"exit status {status} from: {shlex.join(command)[:300]}")


if __name__ == "__main__":
    for name in sys.argv[1:] or SUITES:
        if name not in SUITES:
            raise SystemExit(
                f"{name} is not a suite that has a Blender for this: {', '.join(SUITES)}"
            )
        print(f"{make(name)}: {blender_of(name)}")
