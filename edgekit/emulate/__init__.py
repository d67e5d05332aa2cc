"""Every device number from the binary: build it, run it on an emulated core, compare it, cost it."""

from edgekit.emulate.application import application, classify, compare
from edgekit.emulate.application import profile as profile_application
from edgekit.emulate.build import Firmware, build, build_host
from edgekit.emulate.cost import battery_life, energy, latency
from edgekit.emulate.parity import layer_parity, rounding_defines, tflm
from edgekit.emulate.profile_cost import profile_cost
from edgekit.emulate.qemu import run_qemu
from edgekit.emulate.run import Profile, evaluate, profile, run
from edgekit.emulate.target import core_for, latency_on

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
    "latency",
    "latency_on",
    "layer_parity",
    "profile",
    "profile_application",
    "profile_cost",
    "rounding_defines",
    "run",
    "run_qemu",
    "tflm",
]
