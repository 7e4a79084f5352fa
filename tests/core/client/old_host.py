"""A host program of Python 3.7, started by test_old_pythons.py; prints what happened as JSON.

Arguments: the folder of platematte_client, the engine's program, plate, clean plate, output and
weights.
"""

import json
import sys


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
    }
    engine.stop()
    result["is_running"] = engine.is_running
    loaded = {name.split(".")[0] for name in sys.modules}
    result["foreign"] = sorted(loaded & {"platematte", "numpy", "torch", "msgspec"})
    return result


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
