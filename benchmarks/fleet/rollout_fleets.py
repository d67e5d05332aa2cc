"""Two fleets for the rollout's bars: real models, packages and agents; and device-weeks that are drawn.

Both are simulated, and say nothing of a device's radio, sensor or wear.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ed25519

from edgekit import agent, emulate
from edgekit.agent.host_device import HostDevice
from edgekit.agent.simulator import DeviceSimulator
from edgekit.export import generate, read
from edgekit.packages import sign_package
from edgekit.packages.keys import FileSigner
from edgekit.packages.release import Release
from edgekit.rollout.health import Vitals
from edgekit.rollout.promotion import PairedLabels
from tests.emulate.bearings import ENVELOPE, RATES, SENSITIVITY, network
from tests.rollout.fleets import Fleet
from tests.updates_fixtures import release_of

SPEEDS = {
    "lathe": 1.0,
    "mill": 1.3,
    "pump": 0.8,
    "fan": 1.55,
}  # cohorts: how fast their shafts turn
WINDOWS, LABELLED = 40, 5  # of a device-week; of these, drawn at random for a label


def strikes(cohort: str, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Windows (n, 1024, 1) of a machine of this cohort, sound (0) or with one of two faults."""
    rng, t = np.random.default_rng(seed), np.arange(1024) / 10_000
    y = rng.integers(0, 3, n)
    X = 0.3 * rng.normal(size=(n, 1024))
    for x, fault in zip(X, y, strict=True):
        if fault:
            since = (t + rng.random()) % (1 / (RATES[fault - 1] * SPEEDS[cohort]))
            x += rng.uniform(0.5, 3) * np.sin(2 * np.pi * 3000 * t) * np.exp(-500 * since)
    return X.astype(np.float32)[:, :, None], y


class Models:
    """Releases by what is wrong with them, of windows of all cohorts; and the gateway's model."""

    def __init__(self, per_cohort: int):
        from sklearn.ensemble import RandomForestClassifier

        made = {c: strikes(c, per_cohort, seed) for seed, c in enumerate(SPEEDS)}
        names = np.repeat(list(made), per_cohort)
        X = np.concatenate([x for x, _ in made.values()])
        y = np.concatenate([y for _, y in made.values()])
        f = ENVELOPE(X).reshape(len(X), -1)
        self.grid = float(f.max() / 255)
        turned = (y + 1) % 3
        half = np.arange(len(y)) % 2 == 0
        self.releases: dict[str, Release] = {
            "old": self._fit(f[half], y[half]),
            "": self._fit(f, y),
            "cohort": self._fit(f, np.where(names == "mill", turned, y), weight=names == "mill"),
            "wrong": self._fit(f, turned),
        }
        self.releases |= {"hungry": self.releases[""], "crash": self.releases[""]}
        self.gateway = RandomForestClassifier(200, random_state=0).fit(f, y)

    def _fit(self, f: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> Release:
        """An int8 network of one layer, on the grid that all releases share."""
        from sklearn.linear_model import LogisticRegression

        known = LogisticRegression(max_iter=2000)
        known.fit(f, y, None if weight is None else 1 + 2 * weight)
        return release_of(network(known.coef_, known.intercept_, self.grid, -128, 0.15))


@dataclass
class Pool:
    """Windows of a cohort: truth, the gateway's answers, each release's by the binary on the core."""

    truth: np.ndarray
    gateway: np.ndarray
    answers: dict[str, np.ndarray]


def pools(models: Models, n: int) -> dict[str, Pool]:
    programs = {}
    for name in ("old", "", "cohort", "wrong"):
        source = generate(read(models.releases[name].tflite), "bearing")
        programs[name] = emulate.build(source, features=ENVELOPE, sensitivity=SENSITIVITY)
    found = {}
    for seed, cohort in enumerate(SPEEDS):
        X, y = strikes(cohort, n, 100 + seed)
        answers = {name: emulate.classify(p, X)[0] for name, p in programs.items()}
        answers |= {"hungry": answers[""], "crash": answers[""]}
        gateway = models.gateway.predict(ENVELOPE(X).reshape(len(X), -1))
        found[cohort] = Pool(y, gateway, answers)
    return found


@dataclass
class RealFleet(Fleet):
    """Devices with the agent's C, the first of each cohort on the emulated core, that take signed packages.

    Energy and the crash after an hour are injected into what a device reports and when it restarts; all else
    follows from its model.
    """

    models: Models | None = None
    pool: dict[str, Pool] = field(default_factory=dict)

    def __post_init__(self):
        super().__post_init__()
        self.signer = FileSigner(ed25519.Ed25519PrivateKey.generate())
        old = self.models.releases["old"]
        app = agent.firmware(old, [self.signer.public])
        self.paired: dict[str, PairedLabels] = {}
        self.bytes_down, self.content = 0, {1: "old"}
        self.devices: dict[str, DeviceSimulator] = {}
        first = sign_package(old.unsigned(1), self.signer)
        seen = set()
        for name, cohort in self.cohorts.items():
            facts = old.device(name=name)
            on_core = cohort not in seen
            seen.add(cohort)
            device = (
                DeviceSimulator(app, facts)
                if on_core
                else HostDevice(old, [self.signer.public], facts)
            )
            assert device.install(first) == ""
            assert device.reset().healthy
            self.devices[name] = device

    def release(self, number: int, kind: str) -> None:
        self.content[number] = kind
        self.faults[number] = kind

    def obey(self, order):
        """Through the agent: packages, trial, verdict. What it runs is what it says."""
        device, name = self.devices[order.device], order.device
        if order.action in ("install", "revert"):
            new = self.models.releases[self.content.setdefault(order.release, "old")]
            base = self.models.releases[self.content[device.sequence]]
            data = sign_package(new.unsigned(order.release, base), self.signer)
            self.bytes_down += len(data)
            if refused := device.install(data):
                return "failed", refused
            if not device.reset(confirm=order.action == "revert").healthy:
                return "reverted", "its self-test failed"
        else:
            assert device.finish_trial(order.action == "confirm")
            device.restart()
        outcome = super().obey(order)
        assert device.sequence == self.runs(name)
        return outcome

    def live(self, week, seen):
        gave_up = super().live(week, seen)
        for name in gave_up:  # an hour passes, it restarts, and again
            while self.devices[name].reset(confirm=False).trial:
                pass
            assert self.devices[name].sequence == self.runs(name)
        return gave_up

    def vitals(self, device, week, release, fault, boots):
        pool, kind = self.pool[self.cohorts[device]], self.content[release]
        some = self.rng.integers(0, len(pool.truth), WINDOWS)
        said = pool.answers[kind][some]
        if kind not in ("old",):
            checked = some[:LABELLED]
            new = pool.answers[kind][checked] == pool.truth[checked]
            old = pool.answers["old"][checked] == pool.truth[checked]
            one = PairedLabels(
                int((new & old).sum()), int((new & ~old).sum()), int((old & ~new).sum()),
                int((~new & ~old).sum()),
            )  # fmt: skip
            self.paired[device] = self.paired.get(device, PairedLabels()) + one
        energy = WINDOWS * np.exp(self.rng.normal(0, 0.03)) * (2 if fault == "hungry" else 1)
        distance = 0.2 + abs(self.rng.normal(0, 0.02))
        agreement = float((said == pool.gateway[some]).mean())
        return Vitals(
            week, release, WINDOWS, distance, float((said > 0).mean()), agreement, energy, boots
        )

    def labels(self, release):
        return self.paired


@dataclass
class DrawnFleet(Fleet):
    """Device-weeks that are drawn: autocorrelated, heavy-tailed, some that drift, and what happens to all
    at once.

    drift: probability that a device's inputs change for good, a week. plant: what all lose in agreement
    and gain in alarms from the second week of the rollout on.
    """

    drift: float = 0.01
    plant: float = 0.0
    plant_from: int = 99

    def __post_init__(self):
        super().__post_init__()
        r = self.rng
        self.level = {
            d: (r.normal(0.2, 0.05), r.beta(2, 20), r.beta(30, 3), r.normal(100, 10))
            for d in self.cohorts
        }
        self.wander = {d: np.zeros(4) for d in self.cohorts}
        self.drifted: set[str] = set()
        self.paired: dict[str, PairedLabels] = {}

    def vitals(self, device, week, release, fault, boots):
        r, n = self.rng, 70
        w = self.wander[device]
        w[:] = 0.6 * w + 0.8 * r.standard_t(4, 4) / np.sqrt(2)
        if r.random() < self.drift:
            self.drifted.add(device)
        distance, alarms, agreement, energy = self.level[device]
        distance, alarms = distance + 0.03 * w[0], alarms * np.exp(0.2 * w[1])
        agreement, energy = agreement + 0.01 * w[2], energy * (1 + 0.03 * w[3])
        if device in self.drifted:
            distance, alarms, agreement = distance + 0.4, alarms + 0.2, agreement - 0.2
        if week >= self.plant_from:
            alarms, agreement = alarms + self.plant, agreement - self.plant
        if fault == "wrong":
            agreement -= 0.35
        if release == max(self.faults, default=0):
            self._label(device, fault)
        rate = [r.binomial(n, np.clip(p, 0, 1)) / n for p in (alarms, agreement)]
        boots += r.poisson(0.2)
        energy *= n * (2 if fault == "hungry" else 1)
        return Vitals(week, release, n, float(np.clip(distance, 0, 1)), *rate, energy, boots)

    def _label(self, device: str, fault: str) -> None:
        """Five random windows: the old model is right in 93 %, a good new one mostly on the same."""
        for _ in range(5):
            old = self.rng.random() < 0.93
            new = self.rng.random() < (0.6 if fault == "wrong" else 0.94)
            if fault != "wrong" and self.rng.random() < 0.8:
                new = old
            one = PairedLabels(
                int(old and new),
                int(new and not old),
                int(old and not new),
                int(not old and not new),
            )
            self.paired[device] = self.paired.get(device, PairedLabels()) + one

    def labels(self, release):
        return self.paired
