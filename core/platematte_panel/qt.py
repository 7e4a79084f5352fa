"""The one place that knows which Qt this is: PySide6 (Nuke 16 and later, alone), else PySide2.

A host's own binding is taken where one is loaded already: two of them in one process crash it.
The modules are typed as Any, since their names are the same in both and their stubs are not.
"""

import sys
from importlib import import_module
from typing import Any

BINDINGS = ("PySide6", "PySide2")


class QtMissing(ImportError):
    """There is neither PySide6 nor PySide2; the text says what to do."""


def choose_binding() -> str:
    """Return the binding that is loaded, else the first that can be; raises QtMissing."""
    for name in BINDINGS:
        if name + ".QtCore" in sys.modules:
            return name
    reasons = []
    for name in BINDINGS:
        try:
            for part in ("QtCore", "QtGui", "QtWidgets"):
                import_module("{}.{}".format(name, part))
        except ImportError as error:
            reasons.append("{}: {}".format(name, error))
            continue
        return name
    raise QtMissing(
        "The panel needs Qt for Python, and neither binding can be loaded ({}). "
        'Install it beside PlateMatte: pip install "platematte[gui]". '
        "Nuke brings its own.".format("; ".join(reasons))
    )


BINDING = choose_binding()
QtCore: Any = import_module(BINDING + ".QtCore")
QtGui: Any = import_module(BINDING + ".QtGui")
QtWidgets: Any = import_module(BINDING + ".QtWidgets")

Qt: Any = QtCore.Qt
Signal: Any = QtCore.Signal
# It moved with Qt 6.
QAction: Any = QtGui.QAction if BINDING == "PySide6" else QtWidgets.QAction


def run_event_loop(application: Any) -> int:
    """Run the application until its last window is closed, and return its exit status."""
    # `exec` was a keyword when PySide2 was made.
    run = application.exec if BINDING == "PySide6" else application.exec_
    return int(run())
