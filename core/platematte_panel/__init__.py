"""The batch panel: a table of shots with state, progress, time left and a picture of the matte.

The same widget stands in a Nuke pane, over PlateMatte nodes, and alone as `platematte gui`, over
files. Python 3.7 and its standard library, Qt by way of `qt.py` alone, and `platematte_client`.
`shots.py` is what lies between the widget and its host. Importing this package imports no Qt.
"""
