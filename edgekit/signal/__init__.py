"""Features: what a window of samples becomes before a network sees it."""

from edgekit.signal.augment import field_noise
from edgekit.signal.envelope import EnvelopeSpectrum
from edgekit.signal.scale import unit_rms

__all__ = ["EnvelopeSpectrum", "field_noise", "unit_rms"]
