"""Predictive maintenance: is the bearing healthy, or is its inner or outer race cracked?

The *field* is the MFPT test rig (real recordings); the *lab* is a physics simulator of another bearing
on another shaft. With `offline=True` a second simulated rig stands in for the field.
"""

from edgekit import data, signal

CLASSES = ("normal", "inner", "outer")
RATE = 10_000  # Hz: the resonances that carry the fault lie at 2–4.5 kHz
WINDOW = 1024  # samples, 0.1 s: two and a half turns of the shaft, 8 strikes of an outer-race fault
HOP = 512  # samples: half a window overlap
CARDS = {"lab": "bearing-simulator", "field": "mfpt"}  # of data/
SENSITIVITY = 50 / 32768  # g per count of the device's accelerometer, ±50 g over int16

# What the student hears, how strongly each strike rate is present: (n, WINDOW, 1) -> (n, 1, 40, 1).
features = signal.EnvelopeSpectrum(rate=RATE, window=WINDOW, low=2000, width=256, lines=40)
# What the teacher hears, the raw window, scaled: (n, WINDOW, 1) -> (n, 1, WINDOW, 1).
waveform = signal.UnitRms(window=WINDOW)
FREQUENCIES = features.frequencies  # Hz, of each feature
MARKS = {  # Hz: where each world's faults must show
    domain: data.fault_frequencies(rig.geometry, rig.shaft_hz)
    for domain, rig in data.simulate.RIGS.items()
}


def recordings(domain: str, profile: str, offline: bool = False, seed: int = 0) -> list:
    """Recordings of the `"lab"` (simulated) or the `"field"` (the MFPT rig, unless offline)."""
    if domain == "lab":
        return data.simulate.lab(CLASSES, profile=profile, seed=seed)
    if offline:
        return data.simulate.field(CLASSES, profile=profile, seed=seed)
    return data.mfpt.load(data.fetch("mfpt"))


def augment(X, rng):
    """A training window as another machine would have sounded. Same shape."""
    return signal.field_noise(X, rng)
