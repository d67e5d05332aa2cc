"""What tests of the device's slots share: its answers, and what one does with it."""

import hashlib

import numpy as np

from edgekit.assurance import powercut_targets
from edgekit.assurance.powercut import image

REFUSED, SIZE, DIGEST, FLASH = -1, -2, -3, -4
EMPTY, INSTALLING, INSTALLED, TESTING, CONFIRMED, REVERTED = range(6)
NONE = -1


def blank(machine):
    machine.write("nor", np.zeros((), powercut_targets.NOR))
    machine.call("nor_blank")
    machine.call("device_open")


def install(machine, sequence: int, size: int = 100, sent: bytes | None = None) -> int:
    """What a device does with an update; the first answer that is not 0. `sent`: not the image itself."""
    data = image(sequence, size) if sent is None else sent
    digest = hashlib.sha256(image(sequence, size)).digest()
    return (
        machine.call("device_begin", sequence, size, digest)
        or machine.call("device_put", data, len(data))
        or machine.call("device_finish")
    )


def restart(machine) -> int:
    machine.call("device_open")
    return machine.call("device_boot")


def cells(machine, address: int, n: int) -> bytes:
    return machine.read("nor")["cell"][address : address + n].tobytes()


def flip(machine, address: int) -> None:
    flash = machine.read("nor").copy()
    flash["cell"][address] ^= 1
    machine.write("nor", flash)
