"""The clean plate made comparable with the plate: aligned, matched in light, and trusted."""
