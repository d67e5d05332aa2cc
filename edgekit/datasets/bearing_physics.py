"""What the physics of a rolling bearing says before any learning: where a fault must show.

Kinematics and envelope analysis after R. B. Randall and J. Antoni, "Rolling element bearing
diagnostics - A tutorial", Mechanical Systems and Signal Processing 25 (2011) 485-520; the load zone
after P. D. McFadden and J. D. Smith, Journal of Sound and Vibration 96 (1984) 69-82.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import cos, radians

import numpy as np

from edgekit.data.recordings import Recording

FAULT_OF = {"outer": "BPFO", "inner": "BPFI", "ball": "BSF"}


@dataclass(frozen=True)
class Bearing:
    """Geometry; `roller` and `pitch` diameters in the same unit, the contact angle in degrees."""

    elements: int
    roller: float
    pitch: float
    contact: float = 0.0

    def to_dict(self) -> dict:
        return asdict(self)


NICE = Bearing(elements=8, roller=0.235, pitch=1.245)  # inch; the bearing of the MFPT rig
SKF_6205 = Bearing(elements=9, roller=7.94, pitch=39.04)  # mm; the usual laboratory bearing


def fault_frequencies(geometry: Bearing, shaft_hz: float) -> dict[str, float]:
    """Hz of the four kinematic frequencies, without slip, inner race turning.

    BPFO and BPFI: rollers passing a point of the outer and the inner race; BSF: one spin of a
    roller (a spalled one strikes twice a spin); FTF: one turn of the cage (Randall & Antoni, 2.1).
    """
    ratio = geometry.roller / geometry.pitch * cos(radians(geometry.contact))
    return {
        "BPFO": geometry.elements / 2 * shaft_hz * (1 - ratio),
        "BPFI": geometry.elements / 2 * shaft_hz * (1 + ratio),
        "BSF": geometry.pitch / (2 * geometry.roller) * shaft_hz * (1 - ratio**2),
        "FTF": shaft_hz / 2 * (1 - ratio),
    }


def envelope_spectrum(
    recording: Recording, band: tuple[float, float] = (2000.0, 4500.0)
) -> tuple[np.ndarray, np.ndarray]:
    """(Hz, g): amplitude spectrum of the envelope of the first channel inside `band` (Hz).

    A band-pass keeps a structural resonance, the Hilbert transform its envelope: the repetition
    rate of the impacts appears at low frequency although its own tone is buried. Raises ValueError
    when the band does not fit below half the sampling rate.
    """
    if not 0 < band[0] < band[1] < recording.rate / 2:
        raise ValueError(f"band {band} Hz does not fit a rate of {recording.rate:g} Hz")
    x = recording.samples[:, 0].astype(np.float64)
    spectrum = np.fft.fft(x - x.mean())
    hz = np.fft.fftfreq(len(x), 1 / recording.rate)
    spectrum[(hz < band[0]) | (hz > band[1])] = 0  # positive half only: the analytic signal
    envelope = 2 * np.abs(np.fft.ifft(spectrum))
    envelope -= envelope.mean()
    taper = np.hanning(len(x))
    amplitude = 2 * np.abs(np.fft.rfft(envelope * taper)) / taper.sum()
    return np.fft.rfftfreq(len(x), 1 / recording.rate), amplitude
