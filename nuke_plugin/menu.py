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
    try:
        from nukescripts import panels

        # The text is evaluated when the panel is opened: until then no Qt is imported. The id is
        # what a saved workspace has of the panel.
        panels.registerWidgetAsPanel(
            "__import__('platematte_nuke.panel').panel.make_panel",
            "PlateMatte",
            "org.platematte.BatchPanel",
        )
    except Exception as _error:
        print("PlateMatte has no panel: {}: {}".format(type(_error).__name__, _error))
except Exception as _error:
    print("PlateMatte has no menu: {}: {}".format(type(_error).__name__, _error))
