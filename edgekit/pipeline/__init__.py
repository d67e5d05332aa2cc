"""Runs: chapters, what they hand over, and the order they run in."""
