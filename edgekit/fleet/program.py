"""What all devices of a fleet have in common: the program, built once, and the releases that its slot can
hold.

world/   device.zip, pool.npz (what devices sense), train.npz (what the first release was made of), keys/
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import isnan
from pathlib import Path

from edgekit import packages, usecases
from edgekit.agent import firmware_file
from edgekit.agent.device_firmware import DeviceFirmware
from edgekit.core.errors import EdgekitError
from edgekit.design import Design
from edgekit.design import load as load_design
from edgekit.emulate.cost import energy
from edgekit.emulate.machine import Machine
from edgekit.emulate.profiling import profile
from edgekit.emulate.target import latency_on
from edgekit.fleet.host_program import HostProgram
from edgekit.fleet.world import WorldSpec
from edgekit.packages.release import Release

START = 1_800_000_000  # POSIX seconds at which week 0 begins
WEEK = 7 * 86_400  # s
LIFETIME = 26 * WEEK  # s that a package is taken


@dataclass(frozen=True, eq=False)
class Program:
    """The firmware of the fleet's devices, on this machine and on the emulated core."""

    firmware: DeviceFirmware
    design: Design
    keys: Path

    @cached_property
    def host(self) -> HostProgram:
        return HostProgram(self.firmware)

    @cached_property
    def signer(self):
        return packages.run_key(self.keys, self.design.updates["signature"])

    @cached_property
    def _releases(self) -> dict[bytes, Release]:
        return {}

    def release(self, tflite: bytes) -> Release:
        """A model as the devices' program takes it. Raises EdgekitError where it cannot."""
        first = self.firmware.release
        if tflite == first.tflite:
            return first
        if tflite not in self._releases:
            self._releases[tflite] = runnable(first, tflite)
        return self._releases[tflite]

    def package(self, tflite: bytes, number: int, week: int, base: bytes | None = None) -> bytes:
        """Signed, of release `number`; a delta for who runs the model `base`, else whole."""
        known = self.release(base) if base else None
        expires = START + week * WEEK + LIFETIME
        unsigned = self.release(tflite).unsigned(number, known, expires=expires)
        return packages.sign_package(unsigned, self.signer)

    def window_mj(self, tflite: bytes, window) -> float:
        """Energy of one inference in mJ, emulated instructions at the board's active power; 0 where nobody
        knows that.

        window: (1, time, channel).
        """
        if not self.design.board.active_power_mw:
            return 0.0
        device = replace(self.firmware, source=self.release(tflite).source)
        latency = latency_on(self.design.board, device, profile(device, window, Machine(device)))
        mj = energy(latency, self.design.board).value
        return 0.0 if isnan(mj) else mj


def runnable(first: Release, tflite: bytes) -> Release:
    """Another model for the program of release `first`. Raises EdgekitError where that cannot run it."""
    new = replace(first, tflite=tflite, generated=None)
    asked = {
        k: v for k, v in first.requirements.items() if k != "features"
    }  # they are not a model's
    changed = [k for k, v in asked.items() if new.requirements[k] != v]
    if changed:
        raise EdgekitError(
            f"the devices' program cannot run this model, its {', '.join(changed)} differ"
        )
    return new


@lru_cache(maxsize=4)
def load_program(
    spec: WorldSpec, world: Path, step: str = "features", keys: Path | None = None
) -> Program:
    """The program in the folder `world`, once a process and world `spec`; `step`: which of the use case's
    inputs it computes; `keys`: where the key lies that signs, else in `world`.

    Raises EdgekitError where it is missing, damaged, or computes something else.
    """
    case = usecases.load(spec.use_case, spec.folder)
    try:
        data = (world / "device.zip").read_bytes()
    except OSError:
        raise EdgekitError(f"{world / 'device.zip'} is missing: simulate again") from None
    firmware = firmware_file.from_bytes(data).with_features(usecases.preprocessors(case)[step])
    folder = usecases.folder(spec.use_case, spec.folder)
    return Program(firmware, load_design(folder / "design.toml"), keys or world)
