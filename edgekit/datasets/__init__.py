"""Public recordings: where they are, how they are checked, and what reads them."""

from edgekit.datasets import bearing_sets, mfpt, mitbih, watch
from edgekit.datasets.cards import Card, card
from edgekit.datasets.sources import cached, fetch

__all__ = [
    "Card",
    "bearing_sets",
    "cached",
    "card",
    "fetch",
    "mfpt",
    "mitbih",
    "watch",
]
