"""What the device's flash and memory hold, part by part: the program that is judged is the one that ships."""

from __future__ import annotations

from edgekit.agent import flash_usage
from edgekit.agent.device_firmware import PACKET, DeviceFirmware
from edgekit.agent.simulator import DeviceSimulator
from edgekit.core.figures import Figure, emulated, measured


def flash_total(app: DeviceFirmware) -> Figure:
    """All that a device of this firmware needs, in bytes: the sum of its parts."""
    total = app.flash.value + flash_usage.slots_bytes(len(app.release.image))
    return measured(total, "B", f"ELF and slots: {', '.join(flash_usage.PARTS)}")


def memory(core: DeviceSimulator, package: bytes, stack: Figure) -> Figure:
    """Bytes of RAM of the whole device: its data, and the deeper of two stacks.

    `stack`: of one inference, from its profile; the other is painted while `package` is checked and taken.
    The emulator's model of the flash lies in the ELF's data and is not counted. `core` is as it was.
    """
    update = core.stack_of_install(package)
    model = core.core.size("nor")
    deeper = "an inference" if stack.value >= update else "an installation"
    return emulated(
        core.app.ram.value - model + max(stack.value, update),
        "bytes",
        f"data of the ELF with a packet of {PACKET} B, stack of {deeper} by painting, {core.app.cpu}",
    )
