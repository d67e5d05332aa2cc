"""The device that takes updates, and what that costs it.

program = firmware(release, [signer.public])           # features, network and update agent, in one program
device = DeviceSimulator(program, release.device())    # on the emulated core, with its flash
device.install(package) or device.reset()              # taken, tried, confirmed, or a refusal in words
program.parts, memory(device, package, stack)          # what of the device's flash and RAM it takes
signatures(board), decryption_costs(board, size)       # what checking and decrypting cost the board's core

The C that runs there is in `firmware/agent`; its README is for whoever ports it.
"""

from edgekit.agent.candidates import device_cost
from edgekit.agent.decryption_cost import decryption_costs
from edgekit.agent.device_firmware import DeviceFirmware, firmware
from edgekit.agent.footprint import flash_total, memory
from edgekit.agent.simulator import Boot, DeviceSimulator
from edgekit.agent.verification_cost import signatures

__all__ = [
    "Boot",
    "DeviceFirmware",
    "DeviceSimulator",
    "decryption_costs",
    "device_cost",
    "firmware",
    "flash_total",
    "memory",
    "signatures",
]
