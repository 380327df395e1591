"""Decide what each agent should run, layer by layer, and lint it; pure."""
