"""Every device number from the binary: build it, run it on an emulated core, compare it, cost it."""

from edgekit.emulate.compare_features import feature_parity
from edgekit.emulate.cores import CORES, Core
from edgekit.emulate.cost import energy, latency
from edgekit.emulate.firmware import Firmware, build, build_host
from edgekit.emulate.machine import Machine, classify, run
from edgekit.emulate.parity import layer_parity, rounded_as_oracle, rounding_defines, tflm
from edgekit.emulate.profiling import Profile, profile
from edgekit.emulate.qemu import count_qemu, run_qemu
from edgekit.emulate.selftest import model_bytes
from edgekit.emulate.several import SeveralFirmware, build_several, combine, duty_cycle
from edgekit.emulate.snippet import snippet
from edgekit.emulate.target import core_for, latency_on, profile_cost

__all__ = [
    "CORES",
    "Core",
    "Firmware",
    "Machine",
    "Profile",
    "SeveralFirmware",
    "build",
    "build_host",
    "build_several",
    "classify",
    "combine",
    "core_for",
    "count_qemu",
    "duty_cycle",
    "energy",
    "feature_parity",
    "latency",
    "latency_on",
    "layer_parity",
    "model_bytes",
    "profile",
    "profile_cost",
    "rounded_as_oracle",
    "rounding_defines",
    "run",
    "run_qemu",
    "snippet",
    "tflm",
]
