"""Nuke runs this after init.py where there is a user interface: the menu, the toolbar, tab search.

Whatever goes wrong here is printed in one line, and Nuke starts.
"""

try:
    import nuke

    # By name, so that the node is found when it is used, not when Nuke starts.
    _COMMAND = "nuke.createNode('PlateMatte')"
    _nodes = nuke.menu("Nodes")
    _toolbar = _nodes.addMenu("PlateMatte", icon="PlateMatte.png")
    _toolbar.addCommand("PlateMatte", _COMMAND, icon="PlateMatte.png")
    _toolbar.addCommand(
        "PlateMatteLive (NukeX)", "nuke.createNode('PlateMatteLive')", icon="PlateMatte.png"
    )
    _nodes.addCommand("Keyer/PlateMatte", _COMMAND, icon="PlateMatte.png")
except Exception as _error:
    print("PlateMatte has no menu: {}: {}".format(type(_error).__name__, _error))
