"""A device that takes updates, whole: generated program, features and agent, on the emulated core."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

import numpy as np

from edgekit.agent.attempt import Attempt
from edgekit.agent.device_firmware import PACKET, DeviceFirmware
from edgekit.core.errors import EdgekitError
from edgekit.emulate.machine import Machine, classify
from edgekit.packages.manifest import KINDS
from edgekit.packages.package import Device

FACTS = "<16s16s16sIIQIIIIII4s4s4s32s16sI"  # struct device


@dataclass(frozen=True)
class Boot:
    """What a reset found: the slot that runs (-1: none), whether its image is on trial, and how that went."""

    slot: int
    trial: bool
    healthy: bool | None = None


class DeviceSimulator:
    """An emulated device with its flash, which is all that survives a reset. New, its slots are empty.

    With a `flash` that was kept it is that device, switched on.
    """

    def __init__(self, app: DeviceFirmware, device: Device, flash: bytes = b""):
        self.app = app
        if flash:
            self.device = device
            self._fresh()
            self.restore_flash(flash)
        else:
            self._provision(device)

    def _provision(self, device: Device) -> None:
        """Out of the factory: a part that is blank."""
        self.device = device
        self._fresh()
        self._call("nor_blank")
        self.restore_flash(self._read("nor"))

    def restore_flash(self, flash: bytes) -> Boot:
        """Start with a flash that was kept. Raises EdgekitError if it is not this device's."""
        if len(flash) != self._size("nor"):
            raise EdgekitError("the kept flash is another device's; remove it to start anew")
        self.flash = flash
        return self.restart()

    def restart(self) -> Boot:
        """Power off and on: memory is gone, the flash is not. Nothing is judged."""
        boot = self._start(self.device)
        self.flash = self._read("nor")  # a test boot is counted there
        return boot

    def _start(self, device: Device) -> Boot:
        self._fresh()
        self._write("nor", self.flash)
        self._write("update_device_info", self._facts(device))
        code = self._call("update_start")
        self.boot = Boot(code & 255 if code >= 0 else -1, code >= 256)
        return self.boot

    def reset(self, confirm: bool = True) -> Boot:
        """`restart`, and as a device does: an image on trial is tested, and kept or given up.

        Given up, the device starts again, from the image that it had. confirm: as soon as the self-test
        passed; else the image stays on trial until `finish_trial`, through two more resets at most, and
        another one gives it up.
        """
        boot = self.restart()
        if boot.trial:
            healthy = bool(self._call("update_selftest"))
            if confirm or not healthy:
                self.finish_trial(healthy)
            boot = replace(boot, healthy=healthy)
            if not healthy:
                return replace(self.restart(), healthy=False)
        return boot

    @property
    def sequence(self) -> int:
        """The number of the image that runs, 0 if there is none."""
        return self._call("update_running")

    def finish_trial(self, healthy: bool, sequence: int | None = None) -> bool:
        """Keep the image that is on trial, or give it up, until the next reset.

        `sequence`: of the image that is meant, else the one that runs. False, and nothing is written, if that
        one is not on trial.
        """
        meant = self.sequence if sequence is None else sequence
        done = self._call("update_finish_trial", meant, int(healthy)) == 0
        self.flash = self._read("nor")
        return done

    def install(self, data: bytes, piece: int = PACKET, now: int = 0) -> str:
        """A package, `piece` bytes at a time; "" if its image now waits for a reset, else the refusal.

        `now` in POSIX seconds, 0 for a device without a clock.
        """
        self.begin(now)
        return self.end(self.feed(data, piece))

    def begin(self, now: int = 0) -> None:
        """A transfer begins; what came before is forgotten."""
        self._call("update_begin", now)

    def feed(self, data: bytes, piece: int = PACKET) -> int:
        """Some of a package; the device's last answer, 0 to go on."""
        if not 1 <= piece <= PACKET:
            raise EdgekitError(f"the radio's packets have 1 to {PACKET} bytes, not {piece}")
        answer = 0
        for at in range(0, len(data), piece):
            part = data[at : at + piece]
            self._write("update_packet", part)
            answer = self._call("update_take", len(part))
            if answer:
                break
        return answer

    def end(self, answer: int = 0) -> str:
        """That was all; as `install`. answer: the last of `feed`."""
        answer = answer or self._call("update_end")
        self.flash = self._read("nor")
        return "" if answer == 1 else self._reason(answer)

    def take_keys(self, data: bytes, now: int = 0) -> str:
        """A key manifest (`edgekit.packages.keyset`); "" if its keys count from now on, else the refusal."""
        self._call("update_keys_begin")
        for at in range(0, len(data), PACKET):
            part = data[at : at + PACKET]
            self._write("update_packet", part)
            self._call("update_keys_take", len(part))
        answer = self._call("update_keys_end", now)
        self.flash = self._read("nor")
        return self._reason(answer, "keyset_reason") if answer else ""

    def take_statement(self, data: bytes, now: int = 0) -> str:
        """A statement of the latest release; "current", "behind", "frozen", or why it is refused."""
        self._write("update_packet", data[:PACKET])
        answer = self._call("update_statement_take", len(data), now)
        self.flash = self._read("nor")
        return self._reason(answer, "statement_reason")

    def freshness(self, now: int = 0) -> str:
        """What the newest statement says by now."""
        return self._reason(self._call("update_freshness", now), "statement_reason")

    def report(self, now: int = 0) -> bytes:
        """How the device fares, for `edgekit.packages.status.ReportReceiver`."""
        size = self._call("update_report", now)
        self.flash = self._read("nor")
        return self._read("update_packet")[:size]

    def stack_of_install(self, data: bytes) -> int:
        """Bytes of stack that checking and taking a package needs, by painting; the device is as it was."""
        before = self.flash
        self.restart()
        self.core.paint_stack()
        self.install(data)
        used = self.core.stack_used()
        self.restore_flash(before)
        return used

    def answer(self, attempt: Attempt) -> str:
        """The refusal of an attack's attempt, "" if it got in; afterwards the device is as it was.

        It got in, too, if the device refuses but runs another image after the next reset.
        """
        before = self.flash
        runs = self.restart()
        try:
            self._start(attempt.device)
            if attempt.revoked:
                self._revoke()
            refused = self.install(attempt.data, now=attempt.now)
            return refused if self.restart() == runs else ""
        finally:
            self.restore_flash(before)

    def _revoke(self) -> None:
        """The first key, until the next reset."""
        (keys,) = struct.unpack("<I", self._read("update_trust")[:4])
        self.core.uc.mem_write(keys + 5, b"\1")

    def classify(self, X: np.ndarray) -> np.ndarray:
        """Classes (n,) of windows (n, window, channels), by the model that now runs.

        Raises EdgekitError if none does.
        """
        if self.boot.slot < 0:
            raise EdgekitError("the device has no image that it may run: install one")
        return classify(self.app, X, self.core)[0]

    def _fresh(self) -> None:
        """A machine whose memory is as after power-on."""
        self.core = Machine(self.app)

    def _facts(self, device: Device) -> bytes:
        return _facts(device)

    def _call(self, function: str, *arguments: int) -> int:
        return self.core.call(function, *arguments)

    def _reason(self, answer: int, function: str = "agent_reason") -> str:
        at = self._call(function, answer)
        return self.core.read_at(at, 100).partition(b"\0")[0].decode()

    def _size(self, name: str) -> int:
        return self.core.size(name)

    def _read(self, name: str) -> bytes:
        return self.core.read(name)

    def _write(self, name: str, data: bytes) -> None:
        self.core.write(name, data)


def _facts(device: Device) -> bytes:
    """struct device; what the slots know, and the time, is left to the agent."""
    ids = device.vendor, device.model, device.device
    numbers = 0, 0, 0, KINDS.index(device.kind), device.slot_bytes, 0, device.arena_bytes, 0, 0
    hashes = device.io, device.abi, device.features
    return struct.pack(FACTS, *ids, *numbers, *hashes, device.secret, device.kek, 0)
