"""How a device's flash is made: what an update has to know of it."""

from __future__ import annotations

SECTOR = 4096  # bytes that are erased together
UNIT = 8  # bytes that are written together


def sectors(size: int) -> int:
    """Sectors of flash that hold so many bytes."""
    return -(-size // SECTOR)
