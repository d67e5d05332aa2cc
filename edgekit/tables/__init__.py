"""Tables as people write them: layout, clock, labels, numbers."""

from edgekit.tables.reading import Reading, UnreadableError

__all__ = [
    "Reading",
    "UnreadableError",
]
