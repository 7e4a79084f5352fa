"""Nuke runs this in every session, also with -t and on farms: paths only, no user interface.

Whatever goes wrong here is printed in one line, and Nuke starts.
"""

try:
    import sys
    from pathlib import Path

    import nuke

    _HERE = Path(__file__).resolve().parent
    for _folder in ("gizmos", "icons"):
        nuke.pluginAddPath((_HERE / _folder).as_posix())
    # The package holds platematte_client beside this file; a clone of the repository in ../core.
    for _folder in (_HERE, _HERE.parent / "core"):
        _is_home = any(
            (_folder / name).is_dir() for name in ("platematte_nuke", "platematte_client")
        )
        if _is_home and str(_folder) not in sys.path:
            sys.path.append(str(_folder))
    if nuke.NUKE_VERSION_MAJOR == 13:
        # Without this a comp with PlateMatteLive is said to end Nuke 13 with std::bad_alloc. Where
        # there is no Inference, the node PlateMatte does not need it.
        try:
            nuke.load("Inference")
        except RuntimeError:
            pass
except Exception as _error:
    print("PlateMatte is not available: {}: {}".format(type(_error).__name__, _error))
