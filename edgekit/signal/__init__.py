"""Features: what a window of samples becomes before a network sees it, in Python and in C.

A feature is called with windows, (n, time, channel) -> (n, …) float32, and its `c(name)` gives the C
sources that compute the same bits on a device.
"""

from edgekit.signal import drifts
from edgekit.signal.augment import field_noise
from edgekit.signal.bands import BandEnergies, log_mel
from edgekit.signal.ecg_augment import ecg_variation
from edgekit.signal.ecg_beat import EcgBeat
from edgekit.signal.ecg_peaks import r_peaks
from edgekit.signal.envelope import EnvelopeSpectrum, RectifiedSpectrum
from edgekit.signal.imu_augment import imu_variation
from edgekit.signal.in_range import InRange
from edgekit.signal.moments import Moments
from edgekit.signal.pictures import gradients, picture_noise
from edgekit.signal.pixels import Pixels
from edgekit.signal.scale import UnitRms, unit_rms
from edgekit.signal.source import FeatureCode, to_int8
from edgekit.signal.step import Step
from edgekit.signal.subwindow import Subwindow
from edgekit.signal.welch import WelchBands, log_edges

__all__ = [
    "BandEnergies",
    "EcgBeat",
    "EnvelopeSpectrum",
    "FeatureCode",
    "InRange",
    "Moments",
    "Pixels",
    "RectifiedSpectrum",
    "Step",
    "Subwindow",
    "UnitRms",
    "WelchBands",
    "drifts",
    "ecg_variation",
    "field_noise",
    "gradients",
    "imu_variation",
    "log_edges",
    "log_mel",
    "picture_noise",
    "r_peaks",
    "to_int8",
    "unit_rms",
]
