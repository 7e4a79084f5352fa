"""The node in real windows: starts each Blender under Xvfb, lets it do the steps, and judges.

python tests/blender_gui/run.py [trixie] [sid] [--only STEP,STEP]

Blender and what it loads are the root's own; add-on, client and example shot come from this
repository, and the engine is the real one: that of the Python that runs this file, on this
machine's own system, started by Blender as its own process. A step that fails, a Blender that
crashes and one that says nothing for STEP_LIMIT_S seconds make the exit status 1.
"""

from __future__ import annotations

import argparse
import os
import queue
import shlex
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import roots

REPOSITORY = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
STEP_LIMIT_S = 900
PASSED = "ALL STEPS PASSED"
FRAMES = 12
ENGINE_ROOT = "/machine"
HOME = "/home/artist"
SCREEN = (1600, 1000)
OCIO = "/usr/share/blender/datafiles/colormanagement"
# Of Blender's: said for each picture, and for each frame that is captured.
NOISE = (" Draw window and swap: ", "Saved: ", "list of mounted file-systems")
LEFT_BEHIND = "LEFT BEHIND"
LOOK_FOR_ENGINES = f"""\
sleep 2
# The brackets keep this script itself out of what it looks for.
for one in /proc/[0-9]*/cmdline; do
    if tr '\\0' ' ' < "$one" 2> /dev/null | grep -q "platematte.cli.main [s]erve"; then
        echo "{LEFT_BEHIND}: $one"
    fi
done"""


def main() -> int:
    """Run what the command line asks for; 0 when every step passed in every Blender."""
    parser = argparse.ArgumentParser(description="PlateMatte in real Blender windows")
    parser.add_argument("suites", nargs="*", help=f"of {', '.join(roots.SUITES)}; all without")
    parser.add_argument("--only", default="", help="names of steps, with commas")
    arguments = parser.parse_args()
    suites = arguments.suites or roots.SUITES
    unknown = set(suites) - set(roots.SUITES)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: there is no Blender for this")
    results = {suite: run(suite, arguments.only) for suite in suites}
    for suite, problem in results.items():
        print(f"{suite}, {roots.blender_of(suite)}: {problem or 'all steps passed'}")
    return int(any(results.values()))


def run(suite: str, only: str = "") -> str:
    """Run the steps in one Blender; "" when all passed, else what went wrong."""
    root = roots.make(suite)
    work = roots.CACHE / f"gui-{suite}"
    prepare(work)
    install_engine(root, work)
    command = roots.inside(
        root,
        ["sh", "-e", "-c", session(work, only)],
        readable={REPOSITORY: str(REPOSITORY)},
        writable={work: str(work), work / "home": HOME},
        machine=ENGINE_ROOT,
    )
    print(f"== {suite}: {roots.blender_of(suite)}", flush=True)
    return watch(command, work / "log.txt")


def prepare(work: Path) -> None:
    """Lay out an empty work folder with a shot in it."""
    shutil.rmtree(work, ignore_errors=True)
    for folder in ("home", "shot", "pictures", "files", "tmp"):
        (work / folder).mkdir(parents=True)
    make_shot(work / "shot")


def install_engine(root: Path, work: Path) -> None:
    """Put a program where the add-on looks for the engine; it goes back to this machine.

    Paths of the shot and of results mean the same on both sides: the work folder lies at the same
    place in the root and in the machine.
    """
    engine = root / "opt" / "platematte" / "bin" / "platematte"
    engine.parent.mkdir(parents=True, exist_ok=True)
    ocio, core = shlex.quote(str(work / "ocio")), shlex.quote(f"PYTHONPATH={REPOSITORY / 'core'}")
    # The add-on names Blender's own OCIO config from 5.0 on, which is in the root alone.
    engine.write_text(
        "#!/bin/sh\n"
        f'case "$OCIO" in {OCIO}/*) export OCIO={ocio}"${{OCIO#{OCIO}}}" ;; esac\n'
        f"exec chroot {ENGINE_ROOT} /usr/bin/env {core} "
        f'{shlex.quote(sys.executable)} -m platematte.cli.main "$@"\n'
    )
    engine.chmod(0o755)


def make_shot(folder: Path) -> None:
    """A shot of FRAMES frames: the example's four, there and back, from 1001."""
    example = REPOSITORY / "examples" / "shot"
    there_and_back = (1001, 1002, 1003, 1004, 1003, 1002)
    for at in range(FRAMES):
        source = example / f"plate.{there_and_back[at % 6]}.exr"
        shutil.copyfile(source, folder / f"plate.{1001 + at}.exr")
    shutil.copyfile(example / "clean.exr", folder / "clean.exr")


def session(work: Path, only: str) -> str:
    """The shell lines that run in the root: a screen, a window manager, Blender."""
    environment = {
        "HOME": HOME,
        "DISPLAY": ":1",
        # The engine sees the machine's own /tmp, which is not this root's.
        "TMPDIR": work / "tmp",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "LP_NUM_THREADS": "2",
        "BLENDER_USER_RESOURCES": f"{HOME}/blender",
        "PYTHONPATH": "",
        "PLATEMATTE_GUI_WORK": work,
        "PLATEMATTE_GUI_ONLY": only,
        "PLATEMATTE_GUI_PYTHON": "|".join(
            ["chroot", ENGINE_ROOT, sys.executable, str(HERE / "read_exr.py")]
        ),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", ""),
        "LANG": "C.UTF-8",
    }
    exports = [f"export {name}={shlex.quote(str(value))}" for name, value in environment.items()]
    width, height = SCREEN
    log = shlex.quote(str(work / "xvfb.log"))
    package = shlex.quote(str(REPOSITORY / "blender_addon" / "package.py"))
    install = "blender --factory-startup --command extension install-file -r user_default"
    blender = (
        f"nice blender --factory-startup --enable-event-simulate --window-geometry 0 0 {width} "
        f"{height} --python-exit-code 3 -P {shlex.quote(str(HERE / 'drive.py'))}"
    )
    return "\n".join(
        [
            *exports,
            f"cd {shlex.quote(str(work))}",
            f"cp -R {OCIO} ocio",
            # Built and installed by this Blender's own tools, as a user would do it.
            f"python3 {package} dist > build.log 2>&1 || {{ cat build.log; exit 1; }}",
            f"{install} dist/*.zip > install.log 2>&1 || {{ cat install.log; exit 1; }}",
            f"Xvfb :1 -screen 0 {width}x{height}x24 +extension GLX > {log} 2>&1 &",
            "for i in 1 2 3 4 5 6 7 8 9 10; do xdpyinfo > /dev/null 2>&1 && break; sleep 1; done",
            "openbox > /dev/null 2>&1 &",
            "sleep 1",
            blender,
            LOOK_FOR_ENGINES,
        ]
    )


def watch(command: list[str], log: Path) -> str:
    """Print what Blender says; "" when it said that all passed and ended well, else the trouble."""
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    try:
        return _judge(process, lines, log)
    finally:
        # After a hang or Ctrl-C; with `unshare` all that it started ends.
        process.kill()


def _judge(process: subprocess.Popen[str], lines: queue.Queue[str | None], log: Path) -> str:
    step, passed, failed = "before the first step", False, []
    with log.open("w") as file:
        while True:
            try:
                line = lines.get(timeout=STEP_LIMIT_S)
            except queue.Empty:
                return f"HUNG: nothing was said for {STEP_LIMIT_S} s in: {step}"
            if line is None:
                break
            file.write(line)
            file.flush()
            if not any(words in line for words in NOISE):
                print(line, end="", flush=True)
            if line.startswith("STEP "):
                step = line[5:].strip()
            elif line.startswith("FAILED ") and step not in failed:
                failed.append(step)
            elif line.startswith("Traceback ") and step not in failed:
                # Of a step, or of the add-on while it draws or handles an event.
                failed.append(step)
            elif line.startswith(LEFT_BEHIND):
                failed.append("an engine outlived Blender")
            elif line.startswith(PASSED):
                passed = True
    status = process.wait()
    if failed:
        return f"FAILED: {', '.join(failed)}"
    if not passed:
        return f"Blender ended in: {step} (exit status {status})"
    return f"Blender passed all steps and ended with exit status {status}" if status else ""


def _read(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line)
    lines.put(None)


if __name__ == "__main__":
    sys.exit(main())
