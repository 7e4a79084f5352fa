"""What a host program needs to talk to the engine: Python 3.7 and its standard library only.

Nuke and Blender bring their own Python. They copy this package and run the engine as a program
beside them; it never imports `platematte`, torch or numpy. `engine.py` is what hosts use;
`messages.py` is the protocol, which the engine's side uses too.
"""
