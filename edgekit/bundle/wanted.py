"""What a bundle is to hold, and for whom."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.bundle.platforms import Platform


@dataclass(frozen=True)
class Bundle:
    """What is wanted: extras of the kit, data by the names of `edgekit data list`, and which computers."""

    platforms: tuple[Platform, ...]
    python: str
    extras: tuple[str, ...]
    data: tuple[str, ...] = ()
