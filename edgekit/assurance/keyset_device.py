"""The device's own C for keys, statements and reports, compiled for this machine, on a model of its flash."""

from __future__ import annotations

import ctypes
import struct
import subprocess
from collections.abc import Iterable

from edgekit.agent import native
from edgekit.core.errors import EdgekitError
from edgekit.emulate.toolchain import compile_host, compile_sanitized
from edgekit.firmware import c_sources, patch_sources
from edgekit.packages.cbor import encode
from edgekit.packages.flash_layout import SECTOR, UNIT
from edgekit.packages.keyset import BYTES, KeyList
from edgekit.packages.manifest import PackageError
from edgekit.packages.statement import FRESHNESS
from edgekit.packages.suit import SIGNED_AS

SECTORS = 2


class PowerCut(Exception):
    """The power went; start() is next."""


class KeysetDevice:
    """A device with nothing but its trust, and one of them at a time.

    `keys`: the list that is compiled in; `secret` 32 bytes, `model` and `device` ids of 16.

    `change`: old, new, … for the C, each old text has to be there once.
    """

    def __init__(
        self,
        keys: KeyList,
        secret: bytes = bytes(32),
        model: bytes = bytes(16),
        device: bytes = bytes(16),
        algorithms: tuple[str, ...] = native.KEYS,
        change: tuple[str, ...] = (),
    ):
        self.c = ctypes.CDLL(str(_compiled(change)))
        for name in ("powercut_version", "powercut_operations", "powercut_broken"):
            getattr(self.c, name).restype = ctypes.c_uint32
        for name in ("keyset_reason", "statement_reason"):
            getattr(self.c, name).restype = ctypes.c_char_p
        for name, value in (("secret", secret), ("model", model), ("device", device)):
            self._set(f"powercut_{name}", value)
        self.reflash(keys, algorithms)

    def reflash(self, keys: KeyList, algorithms: Iterable[str] = native.KEYS) -> None:
        """Another firmware on a blank part."""
        self._set("powercut_keys", keys.encoded.ljust(BYTES, b"\0"))
        self._set("powercut_size", len(keys.encoded).to_bytes(4, "little"))
        known = _known(algorithms)
        self._set("powercut_algorithms", known.to_bytes(4, "little"))
        self.c.nor_blank()
        self.c.powercut_seed(1)
        self.start()

    def _set(self, name: str, value: bytes) -> None:
        (ctypes.c_char * len(value)).in_dll(self.c, name).raw = value

    @property
    def flash(self) -> bytes:
        """What survives a reset."""
        size = SECTORS * SECTOR
        return bytes((ctypes.c_char * (size + size // UNIT)).in_dll(self.c, "nor").raw)

    @flash.setter
    def flash(self, value: bytes) -> None:
        self._set("nor", value)

    def start(self) -> None:
        """A reset."""
        self.c.powercut_power_on()
        self._powered(self.c.powered_open())

    def cut(self, operation: int, way: int) -> None:
        """The power will go at this operation from now (1: the next), torn in this way (powercut.WAYS)."""
        self.c.powercut_cut(operation, way)

    def take_keys(self, data: bytes, now: int = 0, piece: int = 512) -> None:
        """Raises PackageError with the device's reason."""
        code = self._powered(self.c.powered_keys(bytes(data), len(data), piece, now))
        if code:
            raise PackageError(self.c.keyset_reason(code).decode())

    def take_statement(self, data: bytes, running: int, now: int = 0) -> str:
        """A statement; what the device says then. Raises PackageError with its reason to refuse."""
        code = self._powered(self.c.powered_statement(bytes(data), len(data), running, now))
        if code >= len(FRESHNESS):
            raise PackageError(self.c.statement_reason(code).decode())
        return FRESHNESS[code]

    def freshness(self, running: int, now: int = 0) -> str:
        """Current, behind or frozen."""
        return FRESHNESS[self.c.powercut_freshness(running, now)]

    def report(
        self, running: int = 1, counter: int = 1, verdict: int = 1, reason: int = 0
    ) -> bytes:
        """A report; b"" if the flash failed."""
        size = self._powered(self.c.powered_status(running, counter, verdict, reason, 0))
        return bytes((ctypes.c_char * size).in_dll(self.c, "powercut_report").raw)

    def believes(self, key_algorithm: str, message: bytes, signature: bytes) -> bool:
        """Would a package with this signature be taken?"""
        named = encode(SIGNED_AS[key_algorithm])[0]
        return self.c.powercut_accepts_signature(named, message, len(message), signature) == 0

    @property
    def version(self) -> int:
        """Of the key list that counts."""
        return self.c.powercut_version()

    @property
    def operations(self) -> int:
        """On the flash, so far."""
        return self.c.powercut_operations()

    @property
    def broken(self) -> int:
        """Rules of the flash broken, so far."""
        return self.c.powercut_broken()

    def _powered(self, code: int) -> int:
        if self.c.powercut_off():
            raise PowerCut
        return code


def sanitized(cases) -> list[str]:
    """Answers of the C, "" for taken, to many `fuzz_keyset.Case`, in one process under the sanitizers.

    Raises EdgekitError with their find, if there is one.
    """
    flags = ("-O2", "-DMUL64_IS_CONSTANT_TIME", f"-DNOR_SECTORS={SECTORS}")
    program, _ = compile_sanitized(_sources("fuzz_keyset.c"), flags)
    sent = bytearray()
    for case in cases:
        known = _known(case.algorithms)
        sent += struct.pack("<2I", case.now, known)
        for part in (case.old.encoded, case.data):
            sent += struct.pack("<I", len(part)) + part
    done = subprocess.run([str(program)], input=bytes(sent), capture_output=True, timeout=600)
    if done.returncode:
        said = [s for s in done.stderr.decode().splitlines() if "ERROR" in s or "error:" in s]
        raise EdgekitError(
            f"a find of the sanitizers: {(said or ['it ended too early'])[0].strip()}"
        )
    return done.stdout.decode().splitlines()


def _known(algorithms: Iterable[str]) -> int:
    """A bit for each, as the C is told."""
    return sum(1 << native.KEYS.index(a) for a in algorithms)


def _sources(program: str) -> dict[str, str]:
    return native.files() | c_sources(*native.TRUST, "flash.h", "nor", program)


def _compiled(change):
    made = patch_sources(_sources("life_trust.c"), zip(change[::2], change[1::2], strict=True))
    flags = ("-O2", "-DMUL64_IS_CONSTANT_TIME", f"-DNOR_SECTORS={SECTORS}", "-shared", "-fPIC")
    return compile_host(made, (*flags, *["-Wno-error"] * bool(change)))
