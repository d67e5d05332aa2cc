"""Public recordings: where they are, how they are checked, and what reads them."""

from edgekit.datasets import bearing_physics, bearing_sets, mfpt, mitbih, pedestrians, watch
from edgekit.datasets.cards import Card, card
from edgekit.datasets.sources import cached, fetch

__all__ = [
    "Card",
    "bearing_physics",
    "bearing_sets",
    "cached",
    "card",
    "fetch",
    "mfpt",
    "mitbih",
    "pedestrians",
    "watch",
]
