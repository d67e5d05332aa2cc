"""Every device number from the binary: build it, run it on an emulated core, compare it, cost it."""

from edgekit.device.application import application, classify, compare
from edgekit.device.application import profile as profile_application
from edgekit.device.build import Firmware, build, build_host
from edgekit.device.cost import battery_life, energy, latency
from edgekit.device.emulate import Profile, evaluate, profile, run
from edgekit.device.oracle import ladder, rounding_defines, tflm
from edgekit.device.price import price
from edgekit.device.qemu import run_qemu
from edgekit.device.target import core_for, latency_on

__all__ = [
    "Firmware",
    "Profile",
    "application",
    "battery_life",
    "build",
    "build_host",
    "classify",
    "compare",
    "core_for",
    "energy",
    "evaluate",
    "ladder",
    "latency",
    "latency_on",
    "price",
    "profile",
    "profile_application",
    "rounding_defines",
    "run",
    "run_qemu",
    "tflm",
]
