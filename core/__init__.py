"""Decide which route a coding agent runs on, prove it, and change it; knows nothing of any user interface."""
