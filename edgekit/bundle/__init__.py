"""A classroom without internet: wheels, data and notebooks in one folder."""

from edgekit.bundle.folder import seal, write
from edgekit.bundle.platforms import PLATFORMS, PYTHONS, Platform, here
from edgekit.bundle.wanted import Bundle

__all__ = ["PLATFORMS", "PYTHONS", "Bundle", "Platform", "here", "seal", "write"]
