"""A device's update code on a model of NOR flash, on this machine or an emulated core.

The code is the log of two slots (`firmware/agent/slots.c`), or all of the agent.

Both machines have the same calls, for `edgekit.assurance.powercut` and for tests:
`read(name)` and `write(name, value)` copy a structure of the C (see Program), `call(function, argument)`
runs a C function, `run_until_reset()` lets the device live from one reset to the next or to a power cut.
"""

from __future__ import annotations

import ctypes
import re
from dataclasses import dataclass, field

import numpy as np

from edgekit.agent import native
from edgekit.firmware import c_sources, patch_sources
from edgekit.packages.flash_layout import SECTOR, UNIT

SOURCES = ("flash.h", "hmac", "nor", "sha256", "slots")  # a name without an end: both .h and .c
MUTABLE = ("slots.c", "agent.c")
SLOT_SECTORS, RECORD = 2, 72
LOG_RECORDS = SECTOR // RECORD  # records in a sector of the log
LOG = 2 * SLOT_SECTORS * SECTOR  # address of the log
CUTS = 3  # NOR_CUTS
POWER_CUT = 100  # what the device_… calls of life.c return when the power went

# the C's structures, see nor.h, slots.h and life.c
_AREA = LOG + 2 * SECTOR
NOR = np.dtype(
    [("cell", "u1", _AREA), ("unit", "u1", _AREA // UNIT)]
    + [(name, "<u4") for name in ("operations", "broken", "random", "off")]
    + [("cut", [("after", "<u4"), ("torn", "<u4")], CUTS)]
)
_FAULTS = ("bricks", "wrong_boots", "counter_errors", "false_records")
_AGENT_FAULTS = ("wrong_bans", "time_errors", "blocked", "worn")  # of the whole agent
FAULTS = (*_FAULTS, *_AGENT_FAULTS)
_STEP = [("sequence", "<u4"), ("kind", "<u4"), ("size", "<u4"), ("digest", "u1", 32)]
_AGENT_STEP = ("kind", "sequence", "content", "size", "at", "bytes", "wait", "back")
_MEMORY = ("now", "confirmed", "asked", "boots")
_AGENT_MEMORY = ("installs", "begun", "today", "last", "accused", "judged", "told", "kept")
_BOOTED = (
    "booted",
    "trial",
)  # sequence number of what the last start booted, 0: nothing; on trial?


def _numbers(*names: str) -> list:
    return [(name, "<u4") for name in names]


LIFE = np.dtype([("steps", "<u4"), ("step", _STEP, 8), *_numbers(*_MEMORY, "rotten", *_FAULTS)])
STEPS = 12  # of a life through the whole agent
AGENT_LIFE = np.dtype(
    [
        ("steps", "<u4"),
        ("step", [*_numbers(*_AGENT_STEP), ("answer", "<i4")], STEPS),
        *_numbers("clock", *_MEMORY, *_AGENT_MEMORY, *_BOOTED, *FAULTS),
    ]
)
RECORDS = np.dtype(
    [("order", "<u4"), ("state", "u1"), ("slot", "u1"), ("boots", "u1"), ("layout", "u1")]
    + [(name, "<u4") for name in ("sequence", "counter", "size", "time")]
    + [("digest", "u1", 32), ("mac", "u1", 16)]
)
SLOTS = np.dtype(
    [("slot", RECORDS, 2), ("ban", RECORDS, 4), ("secret", "<u8")]
    + [(name, "<u4") for name in ("slot_sectors", "counter", "time", "logged", "order")]
    + [("sector", "<u4"), ("log_index", "<u4"), ("running", "<i4"), ("arrived", "<u4")]
    + [("unit", "u1", UNIT), ("filling", "u1"), ("", "u1", 3)]
)
PACKAGES = np.dtype(("u1", STEPS * 640))


@dataclass(frozen=True, eq=False)
class Program:
    """What lives on the flash: its C, and the structures in it by which Python speaks with it."""

    sources: tuple[str, ...]
    structures: dict
    here: dict = field(default_factory=dict)  # structures on this machine only
    core: tuple[str, ...] = ()  # C that verifies; on this machine it is compiled once, by `native`


SLOTS_PROGRAM = Program(
    ("life.c",), {"life": LIFE}, here={"device": SLOTS, "powercut_secret": np.dtype(("u1", 32))}
)
AGENT_PROGRAM = Program(
    ("agent", "cbor", "cose", "decrypt.h", "delta", "encryption.c", "manifest", "life_agent.c"),
    {
        "life": AGENT_LIFE,
        "powercut_packages": PACKAGES,
        "powercut_public_key": np.dtype(("u1", 32)),
    },
    core=("ed25519", "sha512", "monocypher"),
)


def sources(program: Program, replace=(), more: tuple[str, ...] = ()) -> dict[str, str]:
    """The C files by name; `replace`: pairs (old, new) for slots.c or agent.c, each of which has to be there
    once."""
    files = c_sources(*SOURCES, *program.sources, *more)
    return files | patch_sources({name: files[name] for name in MUTABLE if name in files}, replace)


class HostTarget:
    """The C compiled for this machine. places: records in a sector of the log, fewer for a short log;
    replace: see `sources`."""

    def __init__(
        self,
        log_records: int = LOG_RECORDS,
        program: Program = SLOTS_PROGRAM,
        replace=(),
        cache=None,
    ):
        from edgekit.emulate.toolchain import host_library

        self.where = "this machine"
        files, defines = sources(program, replace), (f"SLOTS_LOG_RECORDS={log_records}",)
        self.library = ctypes.CDLL(str(host_library(files, "-O2", defines=defines, cache=cache)))
        self.structures = {"nor": NOR, **program.structures, **program.here}
        self.raw = {
            name: (ctypes.c_char * kind.itemsize).in_dll(self.library, name)
            for name, kind in self.structures.items()
        }
        if program.core:
            verify = ctypes.cast(native.library().ed25519_verify, ctypes.c_void_p)
            ctypes.c_void_p.in_dll(self.library, "powercut_verify").value = verify.value

    def read(self, name: str) -> np.void:
        return np.frombuffer(self.raw[name].raw, self.structures[name])[0]

    def write(self, name: str, value: np.void) -> None:
        self.raw[name].raw = value.tobytes()

    def call(self, function: str, *arguments) -> int:
        return getattr(self.library, function)(*arguments)

    def run_until_reset(self) -> None:
        """From one reset to the next, or to a power cut."""
        self.library.powered_turn()


class CoreTarget:
    """The same C on an emulated core, from its reset vector on. At a power cut the emulator stops."""

    def __init__(
        self,
        log_records: int = LOG_RECORDS,
        program: Program = SLOTS_PROGRAM,
        cpu: str = "cortex-m4",
        opt: str = "-Os",
        replace=(),
    ):
        from edgekit.emulate import elf
        from edgekit.emulate.cores import core
        from edgekit.emulate.emulator import Emulator
        from edgekit.emulate.toolchain import FLAGS, link_program, runtime_source

        record = core(cpu)
        self.files = sources(program, replace, program.core)
        self.structures = {"nor": NOR, **program.structures}
        files = self.files | {name: runtime_source(name) for name in ("startup.c", "link.ld")}
        flags: tuple[str, ...] = (
            opt,
            *FLAGS,
            "-DEDGEKIT_INVOKE=powercut_run_until_reset",
            f"-DSLOTS_LOG_RECORDS={log_records}",
        )
        flags += tuple(f"-Wl,-u,{name}" for name in ("powercut_fill_log", "nor_blank", "nor_dirty"))
        self.where = f"{cpu} (emulated)"
        self.device = Emulator(elf.parse(link_program(files, record, "zig", flags)), record)
        self.device.paint_stack()

    def read(self, name: str) -> np.void:
        kind = self.structures[name]
        return np.frombuffer(self.device.read(name, kind.itemsize), kind)[0]

    def write(self, name: str, value: np.void) -> None:
        self.device.write(name, value.tobytes())

    def call(self, function: str, argument: int = 0) -> None:
        self.device.call(function, argument)

    def run_until_reset(self) -> None:
        self.call("powercut_run_until_reset")

    def code(self, name: str) -> int:
        """Bytes of code and constants that one of the C files takes."""
        defined = re.findall(r"^[a-z][\w ]*?[ *](\w+)(?:\(|\[)", self.files[name], re.MULTILINE)
        sizes = {s.name: s.size for s in self.device.symbols.values()}
        return sum(size for symbol, size in sizes.items() if symbol.split(".")[0] in defined)

    def stack(self) -> int:
        """Bytes of stack of the deepest of the calls so far, with the `struct slots` on it."""
        return self.device.stack_used()
