"""These files run in a Blender with windows (`make test-blender-gui`); pytest leaves them alone."""

collect_ignore_glob = ["*.py"]
