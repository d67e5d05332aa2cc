"""The device of `edgekit.agent.simulator`, its agent and its network, compiled for this machine.

What is shown to a user as a device's runs on the emulated core; this is for searches and tests of many tries:
one takes a millisecond.
"""

from __future__ import annotations

import _ctypes
import ctypes
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.agent import native
from edgekit.agent.device_firmware import program_files
from edgekit.agent.simulator import DeviceSimulator
from edgekit.core.errors import EdgekitError
from edgekit.emulate.toolchain import host_library
from edgekit.packages.keyset import KeyList
from edgekit.packages.package import Device
from edgekit.packages.public_keys import PublicKey
from edgekit.packages.release import Release

SIZES = """\
#include "agent.h"
#include "nor.h"
#include "trust.h"
const uint32_t size_of_nor = sizeof(struct nor), size_of_update_device_info = sizeof(struct device);
const uint32_t size_of_update_packet = 512, size_of_update_trust = sizeof(struct trust);
"""


class HostDevice(DeviceSimulator):
    """As `DeviceSimulator`, for installing and booting; its network answers the self-test only."""

    def __init__(
        self,
        release: Release,
        keys: list[PublicKey] | KeyList,
        device: Device,
        revoked: tuple[PublicKey, ...] = (),
    ):
        files = program_files(release, keys, revoked)
        made = host_library({**release.source.files, **files, "sizes.c": SIZES}, "-O1")
        self._folder = tempfile.TemporaryDirectory(
            prefix="edgekit-host-",
            ignore_cleanup_errors=True,  # Windows keeps what is loaded
        )
        self._own = Path(self._folder.name) / "device.so"  # a second device has its own memory
        shutil.copyfile(made, self._own)
        self._library: Any = None
        self._provision(device)

    def _fresh(self) -> None:
        if self._library:
            _unload(self._library)
        self._library = ctypes.CDLL(str(self._own))

    def _facts(self, device: Device) -> bytes:
        facts = native.as_device(device, 0)
        facts.sequence = facts.counter = facts.operator_count = 0
        facts.base, facts.operators = None, None
        return bytes(facts)

    def _revoke(self) -> None:
        key = ctypes.c_void_p.in_dll(self._library, "update_trust").value or 0  # its first member
        ctypes.memset(key + native.CKey.revoked.offset, 1, 1)

    def stack_of_install(self, data: bytes) -> int:
        raise EdgekitError("stack is measured on the emulated core, not on this machine")

    def classify(self, X: np.ndarray) -> np.ndarray:
        raise EdgekitError("its network answers the self-test only; the emulated core classifies")

    def _call(self, function: str, *arguments: int) -> int:
        return getattr(self._library, function)(
            *(ctypes.c_uint32(a & 0xFFFFFFFF) for a in arguments)
        )

    def _reason(self, answer: int, function: str = "agent_reason") -> str:
        reason = getattr(self._library, function)
        reason.restype, reason.argtypes = ctypes.c_char_p, [ctypes.c_int]
        said = reason(answer).decode()
        reason.restype = ctypes.c_int
        return said

    def _size(self, name: str) -> int:
        return ctypes.c_uint32.in_dll(self._library, f"size_of_{name}").value

    def _read(self, name: str) -> bytes:
        return bytes((ctypes.c_char * self._size(name)).in_dll(self._library, name))

    def _write(self, name: str, data: bytes) -> None:
        room = (ctypes.c_char * self._size(name)).in_dll(self._library, name)
        ctypes.memmove(room, data, min(len(data), len(room)))


def _unload(library: ctypes.CDLL) -> None:
    if sys.platform == "win32":
        _ctypes.FreeLibrary(library._handle)
    else:
        _ctypes.dlclose(library._handle)
