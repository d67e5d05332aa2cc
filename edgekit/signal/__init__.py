"""Features: what a window of samples becomes before a network sees it, in Python and in C.

A feature is called with windows, (n, time, channel) -> (n, …) float32, and its `c(name)` gives the C
sources that compute the same bits on a device.
"""

from edgekit.signal.augment import field_noise
from edgekit.signal.bands import BandEnergies, log_mel
from edgekit.signal.envelope import EnvelopeSpectrum
from edgekit.signal.pixels import Pixels
from edgekit.signal.scale import UnitRms, unit_rms
from edgekit.signal.source import quantize

__all__ = [
    "BandEnergies",
    "EnvelopeSpectrum",
    "Pixels",
    "UnitRms",
    "field_noise",
    "log_mel",
    "quantize",
    "unit_rms",
]
