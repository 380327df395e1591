"""Fold results into health; pure."""
