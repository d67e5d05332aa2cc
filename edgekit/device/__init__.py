"""Every device number from the binary: build it, run it on an emulated core, compare it, cost it."""

from edgekit.device.build import Firmware, build, build_host
from edgekit.device.cost import battery_life, energy, latency
from edgekit.device.emulate import Profile, evaluate, profile, run
from edgekit.device.oracle import ladder, tflm

__all__ = [
    "Firmware",
    "Profile",
    "battery_life",
    "build",
    "build_host",
    "energy",
    "evaluate",
    "ladder",
    "latency",
    "profile",
    "run",
    "tflm",
]
