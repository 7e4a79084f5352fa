"""A strict double of Nuke's Python module, which evaluates pixels and refuses what Nuke refuses.

It keeps the contract that public documents and a public scan of Nuke 17.0v3 show. It is no proof of
how a real Nuke behaves. Where it is not known what Nuke does, the double refuses. Pure knobs and
nodes need the standard library alone (Python 3.7); pixels need numpy and OpenImageIO, text with Tcl
in it needs tkinter, and both are imported when they are first needed.

    session = install(gui=True)      # `import nuke` now gives the double
    session.pump(lambda: done)       # Nuke's event loop
    remove()
"""

from doubles.module import install, remove
from doubles.session import Session, WrongThread

__all__ = ["Session", "WrongThread", "install", "remove"]
