"""A week of the devices: every window by exact C here, a sample and every update on the emulated core.

A device is its flash; between two weeks nothing else of it is kept. It is kept as it was before the last
power-on, so that to load it again is that same boot, and no further one that an image on trial would have
to answer for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from edgekit.agent.simulator import DeviceSimulator
from edgekit.core.errors import EdgekitError
from edgekit.fleet.device_sketch import SketchPlan, hear_week, load_scale
from edgekit.fleet.gateway_model import load_gateway_model
from edgekit.fleet.objects import Objects
from edgekit.fleet.program import START, WEEK, Program, load_program
from edgekit.fleet.world import HELD, WorldSpec, load_world
from edgekit.monitor.drift_trial import Days

EMULATED = 20  # windows of a device-week that run on the core, too
SCALE = "drift.json"  # in the world's folder: what every device's sketch is shipped with
UNSURE = 0.6  # probability below which an answer is an alarm, where no class means "no alarm"


@dataclass(frozen=True)
class Site:
    """Where a fleet lives, for whoever works on it: the world's spec, its folder and the objects'.

    `step` names the program's features, `drift` whether anything drifts in this world; `keys`: the folder of
    the key that signs, the world's own unless given.
    """

    spec: WorldSpec
    world: Path
    objects: Path
    step: str = "features"
    drift: bool = True
    keys: Path | None = None

    def program(self) -> Program:
        return load_program(self.spec, self.world, self.step, self.keys)

    def load(self):
        return load_world(self.spec, self.world / "pool.npz", self.drift)

    def sketch_plan(self) -> SketchPlan:
        """Of all its devices."""
        program = self.program()
        day = Days.of_duty(program.design.duty.inferences_per_hour)
        return SketchPlan(load_scale(self.world / SCALE), day, program.firmware.cpu)


@dataclass(frozen=True)
class DeviceState:
    """What is kept of a device between weeks: keys of its flash and of the model that this holds, the
    number that this came under, its drift sketch with its means, and the release and model `before`, which it
    goes back to."""

    device: str
    release: int
    model: str
    flash: str
    sketch: bytes = b""
    before: int = 0
    model_before: str = ""

    def back(self) -> DeviceState:
        """With the release that it had before."""
        return replace(self, release=self.before, model=self.model_before)


@dataclass(frozen=True)
class DeviceWeek:
    """What a week of a device came to. Arrays are of its windows, in their order: `predicted` classes,
    `confidence` of each, `novelty` (distance of the features to those of its first weeks); `sketch`: the 64
    bytes that go up."""

    state: DeviceState
    windows: int
    judged: int
    right: int
    sketch: bytes
    alarm_rate: float
    agreement: float | None
    emulated: int
    predicted: np.ndarray
    confidence: np.ndarray
    novelty: np.ndarray


def observe(site: Site, state: DeviceState, week: int, gateway: str = "") -> DeviceWeek:
    """A week of a device; `gateway`: the key of its model there. One that gave up what it had on trial
    has the release before. Raises EdgekitError where core and host do not agree, byte for byte."""
    program, world, objects = site.program(), site.load(), Objects(site.objects)
    device = world.device(state.device)
    seen = world.week(device, week)
    core = boot(program, state, objects)
    if core.sequence != state.release and core.sequence == state.before:
        state = state.back()
    if core.sequence != state.release:
        raise EdgekitError(
            f"{state.device} runs release {core.sequence}, its row says {state.release}"
        )
    image = program.release(objects.get(state.model)).image
    found = program.host(image, seen.X)
    rng = np.random.default_rng([site.spec.seed, device.number, week, 0xE])
    rows = np.sort(rng.permutation(len(seen))[:EMULATED])
    for row in rows:
        inputs, outputs = on_core(core, seen.X[row])
        if not (
            np.array_equal(inputs, found.inputs[row])
            and np.array_equal(outputs, found.outputs[row])
        ):
            raise EdgekitError(
                f"{state.device}, week {week + 1}: window {row} on the core is not what C makes of it here"
            )
    plan = site.sketch_plan()
    begun = device.drift is not None and week >= device.drift.week
    heard = _inputs(site, state.device, begun)[world.heard(device, week, plan.day)]
    sketch = hear_week(plan, state.sketch, heard, EMULATED)
    confidence = probabilities(program, found.outputs).max(axis=1)
    normal = world.normal
    alarms = confidence < UNSURE if normal is None else found.classes != normal
    agreement = None
    if gateway:
        second = load_gateway_model(objects, gateway).predict(found.inputs)
        agreement = float((second == found.classes).mean())
    judged = world.uses(seen) == HELD
    new = replace(state, sketch=sketch.state)
    return DeviceWeek(
        new, len(seen), int(judged.sum()), int((found.classes == seen.y)[judged].sum()), sketch.body,
        float(alarms.mean()), agreement, len(rows), found.classes, confidence,
        sketch.novelty(found.inputs),
    )  # fmt: skip


@lru_cache(maxsize=64)
def _inputs(site: Site, name: str, drifted: bool) -> np.ndarray:
    """(n, d) int8 inputs of all windows that a device ever senses, before its drift or after; once a process,
    for they are every release's: it may change no more than the network behind them."""
    program, world = site.program(), site.load()
    device = world.device(name)
    week = device.drift.week if drifted and device.drift else 0
    windows = world.changed(device, week, world.pool[device.watches])
    return program.host(program.firmware.release.image, windows.X).inputs


def on_core(core: DeviceSimulator, window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The network's input and output (int8, flat) for a window (time, channel), on the emulated core."""
    source, machine = core.app.source, core.core
    machine.sense(window)
    inputs = machine.tensor(source.graph.inputs[0]).reshape(-1).copy()
    machine.call(f"{source.name}_invoke")
    return inputs, machine.tensor(source.graph.outputs[0]).reshape(-1).copy()


def probabilities(program: Program, outputs: np.ndarray) -> np.ndarray:
    """(n, classes) of the network's int8 `outputs`: softmax over logits, or what a softmax gave."""
    t = program.host.made
    z = (outputs.astype(np.float64) - float(t.zero_point[0])) * float(t.scale[0])
    if z.min() >= 0 and np.all(np.abs(z.sum(axis=1) - 1) < 0.05):
        return z
    z = np.exp(z - z.max(axis=1, keepdims=True))
    return z / z.sum(axis=1, keepdims=True)


def boot(program: Program, state: DeviceState, objects: Objects) -> DeviceSimulator:
    """The device, switched on."""
    own = program.firmware.release.device(name=state.device)
    return DeviceSimulator(program.firmware, own, objects.get(state.flash) if state.flash else b"")


@dataclass(frozen=True)
class Handled:
    """What became of an order: `outcome` as `rollout.report` takes it, the device afterwards, bytes to it."""

    state: DeviceState
    outcome: str
    reason: str = ""
    bytes_down: int = 0


def install(
    site: Site, state: DeviceState, package: str, model: str, release: int, week: int, keep: bool
) -> Handled:
    """A package from its object, then a reset and the self-test; `keep`: confirmed at once, else left on
    trial.

    All on the emulated core. `model`: the key of what the package brings.
    """
    program, objects = site.program(), Objects(site.objects)
    data = objects.get(package)
    core = boot(program, state, objects)
    refused = core.install(data, now=START + week * WEEK)
    if refused:
        return Handled(state, "failed", refused, len(data))
    waiting = core.flash
    started = core.restart()
    healthy = started.trial and bool(core.core.call("update_selftest"))
    if not healthy:
        core.finish_trial(False)
        core.restart()
        kept = replace(state, release=core.sequence, flash=objects.put(core.flash, state.device))
        return Handled(kept, "reverted", "its self-test failed", len(data))
    if keep:
        core.finish_trial(True)
        waiting = core.flash
    flash = objects.put(waiting, state.device)
    new = DeviceState(state.device, release, model, flash, state.sketch, state.release, state.model)
    return Handled(new, "confirmed" if keep else "trial", "", len(data))


def finish(site: Site, state: DeviceState, healthy: bool) -> Handled:
    """The release on trial stays, or goes: then the device has the one before again."""
    objects = Objects(site.objects)
    core = boot(site.program(), state, objects)
    if not core.finish_trial(healthy, state.release):
        return Handled(state, "failed", f"release {state.release} is not on trial there")
    if healthy:
        return Handled(replace(state, flash=objects.put(core.flash, state.device)), "confirmed")
    core.restart()
    if core.sequence != state.before:
        raise EdgekitError(
            f"{state.device} went back to release {core.sequence}, not to {state.before}"
        )
    return Handled(replace(state.back(), flash=objects.put(core.flash, state.device)), "reverted")


def provision(site: Site, device: str, package: str, model: str) -> DeviceState:
    """A device out of the factory, its first release confirmed. Raises EdgekitError if it refuses that."""
    done = install(site, DeviceState(device, 0, "", ""), package, model, 1, 0, keep=True)
    if done.outcome != "confirmed":
        raise EdgekitError(f"{device} does not take its first release: {done.reason}")
    return done.state
