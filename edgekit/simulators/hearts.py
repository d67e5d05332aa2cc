"""A simulated heart: ECG of people who do not exist, with beats that come from the wrong place.

The waves are sums of Gaussians on the phase of a beat, as in P. McSharry, G. Clifford, L. Tarassenko,
L. Smith, "A dynamical model for generating synthetic electrocardiogram signals", IEEE Trans. BME 50(3),
2003; its intervals have the low-frequency (Mayer) and high-frequency (respiratory) waves of that paper.
Ectopic rhythm follows the textbook: a ventricular beat is early and wide, has no P wave, an opposite T
wave, and a compensatory pause; a supraventricular one is early with a changed P wave and a nearly normal
QRS, and resets the rhythm. Morphology, rates, noise and burden differ from person to person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from edgekit.data.recordings import SOURCE, TARGET, Recording

WAVES = ("P", "Q", "R", "S", "T")


@dataclass(frozen=True)
class Population:
    """People of one study: how many, seconds of each, the recorder's rate and noise, and their lead.

    `lead` scales P, Q, R, S and T waves as that lead sees them; `noise_mv` is the level of muscle noise,
    `wander_mv` of the baseline, `mains_hz` the hum; `fibrillation` the share of people in atrial
    fibrillation, whose intervals are irregular and P waves missing.
    """

    name: str
    rate: float
    lead: tuple[float, float, float, float, float]
    noise_mv: float
    wander_mv: float
    mains_hz: float
    fibrillation: float


POPULATIONS = {
    SOURCE: Population("bench", 250.0, (1, 1, 1, 1, 1), 0.01, 0.05, 50.0, 0.1),
    TARGET: Population("ward", 360.0, (0.8, 1.6, 0.7, 2.2, 1.3), 0.03, 0.15, 60.0, 0.2),
}


def simulate(domain: str, people: int, seconds: float, seed: int = 0) -> list[Recording]:
    """`people` recordings of a `"lab"` or `"field"` population, in mV, `events` (r, r + 1, "N"/"S"/"V").

    Everyone has normal beats and, at their own rate, both kinds of ectopic ones. Same arguments, same
    samples.
    """
    population = POPULATIONS[domain]
    children = np.random.default_rng((seed, sorted(POPULATIONS).index(domain))).spawn(people)
    return [_person(population, i, seconds, rng, domain) for i, rng in enumerate(children)]


def _person(population: Population, number: int, seconds: float, rng, domain: str) -> Recording:
    fibrillating = rng.random() < population.fibrillation
    beats = rhythm(seconds + 4, rng, fibrillating)
    shapes = _shapes(population, rng, fibrillating)
    rate = population.rate
    n = round((seconds + 4) * rate)
    x = np.zeros(n)
    for i, (at, kind) in enumerate(beats):
        before = at - beats[i - 1][0] if i else 0.8
        _add(x, at, shapes[kind], min(before, 1.2), rate, rng)
    x += _noise(population, n, rng)
    first = round(2 * rate)
    last = first + round(seconds * rate)
    events = tuple(
        (round(at * rate) - first, round(at * rate) - first + 1, kind)
        for at, kind in beats
        if first <= round(at * rate) < last - 1
    )
    return Recording(
        name=f"{population.name}-{number:02d}",
        samples=x[first:last].astype(np.float32),
        rate=rate,
        label=None,
        group=f"{population.name}-{number:02d}",
        domain=domain,
        channels=("lead II" if domain == SOURCE else "MLII",),
        unit="mV",
        licence="Apache-2.0",
        source="ecg-simulator",
        simulated=True,
        meta={"fibrillation": bool(fibrillating), "flutter": []},
        events=events,
    )


def rhythm(seconds: float, rng, fibrillating: bool = False) -> list[tuple[float, str]]:
    """Times of beats in seconds and their classes, ascending."""
    mean = rng.uniform(0.6, 1.05)  # s: 57 to 100 beats a minute
    depth = rng.uniform(0.01, 0.05, 2)  # of the Mayer and the respiratory wave
    breath, phase = rng.uniform(0.2, 0.35), rng.uniform(0, 2 * np.pi, 2)
    burden = {"V": rng.beta(0.6, 6), "S": rng.beta(0.6, 8)}
    early = {"V": rng.uniform(0.5, 0.8), "S": rng.uniform(0.55, 0.85)}
    bigeminy = rng.random() < 0.25

    def interval(at):
        if fibrillating:
            return mean * rng.lognormal(0, 0.22)
        waves = depth * np.sin(2 * np.pi * np.array([0.1, breath]) * at + phase)
        return mean * (1 + waves.sum() + rng.normal(0, 0.008))

    beats, at, spell = [], 0.3, 0
    while at < seconds:
        beats.append((at, "N"))
        usual = interval(at)
        spell = spell - 1 if spell else rng.integers(8, 30) * (bigeminy and rng.random() < 0.03)
        kind = rng.choice(["N", "V", "S"], p=_shares(burden)) if not spell else "V"
        if kind == "N":
            at += usual
            continue
        run = 1 if rng.random() < 0.85 else int(rng.integers(2, 7))
        ectopic = at
        for _ in range(run if not spell else 1):
            ectopic += usual * (early[kind] + rng.normal(0, 0.03))
            beats.append((ectopic, str(kind)))
        if kind == "V":  # the sinus node keeps its time: the pause compensates
            at = max(at + 2 * usual, ectopic + 0.75 * usual)
        else:  # the sinus node is reset
            at = ectopic + usual * rng.uniform(1.0, 1.15)
    return [b for b in beats if b[0] < seconds]


def _shares(burden):
    v, s = min(burden["V"], 0.35), min(burden["S"], 0.25)
    return [1 - v - s, v, s]


def _shapes(population: Population, rng, fibrillating: bool) -> dict:
    """Of each class the waves: (time from R in s, width in s, height in mV), five rows."""
    time = np.array([-0.17, -0.03, 0.0, 0.03, 0.28]) * rng.uniform(0.9, 1.1, 5)
    width = np.array([0.025, 0.009, 0.011, 0.009, 0.045]) * rng.uniform(0.8, 1.3, 5)
    height = np.array([0.12, -0.1, 1.1, -0.2, 0.25]) * population.lead
    height = height * rng.uniform(0.5, 1.5, 5) * rng.uniform(0.7, 1.3)
    if rng.random() < 0.15:  # a bundle branch block: normal beats are wide, too
        width[1:4] *= 1.8
        time[1:4] *= 1.8
    if fibrillating:
        height[0] = 0.0
    normal = np.stack([time, width, height], axis=1)
    atrial = normal.copy()
    atrial[0] *= [rng.uniform(0.7, 0.95), rng.uniform(0.7, 1.1), rng.choice([-1.0, 0.3, 0.8])]
    if rng.random() < 0.25:  # aberrant conduction
        atrial[2:4, 1] *= 1.35
    sign = rng.choice([-1.0, 1.0])
    big = rng.uniform(0.7, 1.6) * np.abs(height[2])
    ventricular = np.array(
        [
            [-0.17, 0.02, 0.0],
            [-0.045, 0.022, -sign * big * rng.uniform(0.0, 0.4)],
            [0.0, rng.uniform(0.028, 0.045), sign * big],
            [0.07, 0.03, -sign * big * rng.uniform(0.2, 0.7)],
            [0.3, 0.06, -sign * big * rng.uniform(0.2, 0.5)],
        ]
    )
    return {"N": normal, "S": atrial, "V": ventricular}


def _add(x: np.ndarray, at: float, waves: np.ndarray, interval: float, rate: float, rng) -> None:
    """Add one beat; the T wave moves with the root of the interval before it (Bazett)."""
    first = max(0, int((at - 0.4) * rate))
    t = np.arange(first, min(len(x), int((at + 0.7) * rate))) / rate - at
    gain = 1 + rng.normal(0, 0.03)
    stretch = np.array([1, 1, 1, 1, np.sqrt(interval / 0.85)])
    for (time, width, height), factor in zip(waves, stretch, strict=True):
        z = (t - time * factor) / (width * factor)
        x[first : first + len(t)] += gain * height * np.exp(-0.5 * z * z)


def _noise(population: Population, n: int, rng) -> np.ndarray:
    """Baseline wander of breath and electrodes, muscle, hum, and now and then a moving electrode."""
    t = np.arange(n) / population.rate
    level = rng.uniform(0.4, 1.6)
    wander = sum(
        rng.uniform(0.3, 1) * np.sin(2 * np.pi * hz * t + rng.uniform(0, 6.3))
        for hz in (0.07, 0.21, 0.33)
    )
    white = rng.normal(size=n)
    muscle = white - np.convolve(white, np.full(5, 0.2), "same")  # little of it is slow
    bursts = np.interp(t, np.arange(0, t[-1] + 6, 5), rng.gamma(1.0, 1.0, int(t[-1] / 5) + 2))
    x = level * population.wander_mv * wander + level * population.noise_mv * muscle * bursts
    x += 0.3 * population.noise_mv * np.sin(2 * np.pi * population.mains_hz * t)
    for at in rng.uniform(0, t[-1], rng.poisson(t[-1] / 120)):  # an electrode moves
        since = np.maximum(t - at, 0)
        x += rng.normal(0, 0.6) * (t > at) * np.exp(-since / rng.uniform(0.1, 0.5))
    return x
