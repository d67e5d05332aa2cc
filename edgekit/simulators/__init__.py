"""Recordings by physics, where nothing was recorded: bearings, hearts, scenes, wrists, plants."""

from edgekit.simulators import bearings, hearts, wrists

__all__ = [
    "bearings",
    "hearts",
    "wrists",
]
