"""Every device number from the binary: build it, run it on an emulated core, compare it, cost it."""

from edgekit.device.build import Firmware, build, build_host
from edgekit.device.emulate import Profile, evaluate, profile, run

__all__ = ["Firmware", "Profile", "build", "build_host", "evaluate", "profile", "run"]
