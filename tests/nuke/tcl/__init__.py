"""Nuke's script text, evaluated by a real Tcl: what a .gizmo or .nk says, before it is nodes."""
