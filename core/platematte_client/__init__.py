"""What a host program needs to talk to the engine: Python 3.7 and its standard library only.

Nuke and Blender bring their own Python. They copy this package and run the engine as a program
beside them; it never imports `platematte`, torch or numpy.

    warm.py                 one engine for the host, kept between runs: what Nuke and Blender use
    engine.py               an engine of one's own, as the batch panel has
    doctor.py               what the engine's machine can do
    errors.py               PlateMatteError, which a host's scripts catch, and the engine's errors
    frames.py, versions.py  frame ranges as text; version folders, their frames and records
    pace.py                 time left
    messages.py             the protocol, which the engine's side uses too
    lines.py, conversation.py, process.py, locate.py
                            what engine.py is made of
"""
