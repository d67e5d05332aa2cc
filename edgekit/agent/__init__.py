"""The device that takes updates: its program, its simulator, what it needs of flash and memory."""

from edgekit.agent.compare_deltas import compare
from edgekit.agent.flash_parts import flash_parts, flash_total, memory
from edgekit.agent.simulator import Boot, DeviceSimulator, firmware
from edgekit.agent.verification_cost import signatures

__all__ = [
    "Boot",
    "DeviceSimulator",
    "compare",
    "firmware",
    "flash_parts",
    "flash_total",
    "memory",
    "signatures",
]
