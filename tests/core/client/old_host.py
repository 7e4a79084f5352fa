"""A host program of Python 3.7, started by test_old_pythons.py; prints what happened as JSON.

Arguments: the folder of platematte_client, the engine's program, plate, clean plate, output and
weights.
"""

import json
import sys
from pathlib import Path


def run(engine, asked, is_cancelled=lambda: False):
    """Return the kinds of message that came, or the code of the failure."""
    from platematte_client.engine import EngineFailed

    kinds = []
    try:
        engine.run(asked, lambda told: kinds.append(told.kind), is_cancelled)
    except EngineFailed as error:
        return error.failure.code
    return kinds


def died():
    """Return what is told of an engine that ends at once."""
    from platematte_client.engine import Engine, EngineDied

    try:
        Engine([sys.executable, "-c", "import sys; sys.exit('my last words')"], "old host").start()
    except EngineDied as error:
        return str(error)


def keep(out):
    """Return what is read back of a version folder beside the output, after it is deleted."""
    from platematte_client import versions
    from platematte_client.frames import format_frames, parse_frames

    cache = Path(out).parent / "versions"
    version, folder = [versions.make_version(cache) for _ in range(2)][-1]
    for frame in parse_frames("1001-1005x2,-1"):
        (folder / (versions.PATTERN % frame)).write_bytes(b"")
    versions.write_record(folder, {"frames": format_frames(versions.frames_in(folder))})
    record = versions.read_record(folder)
    versions.delete_version(folder)
    return [version, record["frames"], versions.list_versions(cache)]


def warmed(command, asked):
    """Return what a host is told of a job on its warm engine that cannot be done."""
    from platematte_client import warm
    from platematte_client.errors import PlateMatteError

    try:
        warm.run_job(
            asked, warm.locate(command), None, "old host", lambda told: None, lambda: False
        )
    except PlateMatteError as error:
        return str(error)
    finally:
        warm.stop_engine()


def main(core, program, plate, clean, out, weights):
    """Do all that a host does, once."""
    sys.path.insert(0, core)
    from platematte_client.doctor import ask_doctor
    from platematte_client.engine import Engine, find_engine
    from platematte_client.messages import Matte

    settings = {"network": {"weights": weights, "device": "cpu"}}
    shot = {"plate": plate, "clean": clean, "out": out}
    command = find_engine(program)
    engine = Engine(command, "old host")
    engine.start()
    result = {
        "python": list(sys.version_info[:2]),
        "done": run(engine, Matte("a", shot, settings)),
        "again": run(engine, Matte("b", shot, settings)),
        "cancelled": run(engine, Matte("c", shot, settings, "overwrite"), lambda: True),
        "doctor": [finding.name for finding in ask_doctor(command)],
        "died": died(),
        "kept": keep(out),
        "warmed": warmed(program, Matte("a", shot, settings)),
    }
    engine.stop()
    result["is_running"] = engine.is_running
    loaded = {name.split(".")[0] for name in sys.modules}
    result["foreign"] = sorted(loaded & {"platematte", "numpy", "torch", "msgspec"})
    return result


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
