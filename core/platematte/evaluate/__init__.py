"""Measures mattes against the truth, where it is known."""
