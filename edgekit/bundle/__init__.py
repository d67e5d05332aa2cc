"""A classroom without internet: wheels, data and notebooks in one folder."""

from edgekit.bundle.folder import Bundle, seal, write
from edgekit.bundle.platforms import PLATFORMS, PYTHONS, Platform, here

__all__ = ["PLATFORMS", "PYTHONS", "Bundle", "Platform", "here", "seal", "write"]
