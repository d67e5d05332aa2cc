"""How plainly a fault stands in the spectrum of a recording."""

import numpy as np

from edgekit.data.recordings import Recording
from edgekit.datasets.bearing_physics import envelope_spectrum


def peak_over_median(
    recording: Recording,
    frequency: float,
    band: tuple[float, float] = (2000.0, 4500.0),
    tolerance: float = 0.01,
    floor: tuple[float, float] = (10.0, 500.0),
) -> float:
    """How far the envelope spectrum stands out at `frequency` (Hz, ± `tolerance` for slip).

    The largest line near the frequency over the median line inside `floor` (Hz): about 2 for noise,
    tens for a developed fault.
    """
    hz, amplitude = envelope_spectrum(recording, band)
    near = np.abs(hz - frequency) <= max(tolerance * frequency, hz[1])  # one line at least
    background = (hz >= floor[0]) & (hz <= floor[1])
    return float(amplitude[near].max() / np.median(amplitude[background]))
