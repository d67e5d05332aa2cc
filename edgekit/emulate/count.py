"""Exact counts of what an emulated core executes, at nearly the speed at which it runs uncounted.

The emulator reports each block of straight code before it runs. A few lines of C (count.c, compiled for this
machine) sum them up; where they cannot be had, Python does the same a hundred times slower.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from functools import cache
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.progress import progress
from edgekit.emulate.toolchain import host_library, runtime_source

SLOTS = 1 << 14  # of the table of blocks; emptied whenever half full
SLICE = 100 << 20  # bytes of code between two looks at the progress, about half a second
ENTRY = np.dtype([(n, "u4") for n in ("address", "size", "part", "unused")] + [("times", "u8")])


_WORDS = ("base", "halfwords", "mask", "used", "part", "after", "last", "again")


class _State(ctypes.Structure):
    _fields_ = (
        [(n, ctypes.c_void_p) for n in ("begins", "table", "taken", "stop")]
        + [(n, ctypes.c_uint64) for n in ("bytes", "limit")]
        + [(n, ctypes.c_uint32) for n in _WORDS]
    )


class Counting:
    """While entered, counts what `machine` executes: `blocks[part]` maps (address, bytes) to executions,
    `taken[part]` is how many blocks were reached by a branch.

    begins: {address: part} where a part of the program begins, which lasts until another one does. parts:
    how many there are; counting starts in the last. macs: of each part, for the progress that is shown on
    standard error when it takes longer than two seconds. Raises EdgekitError once `machine.limit`
    instructions were executed in one call: a hang.
    """

    def __init__(self, machine, begins=(), parts: int = 1, macs=()):
        self.machine, self.begins, self.macs = machine, dict(begins), list(macs)
        self.blocks: list[Counter] = [Counter() for _ in range(parts)]
        self._before = 0
        size = max((a for a in self.begins), default=0) - machine.flash
        self._marks = np.zeros(max(0, size // 2) + 1, np.uint16)
        for address, part in self.begins.items():
            self._marks[(address - machine.flash) // 2] = part + 1
        self._table, self._taken = np.zeros(SLOTS, ENTRY), np.zeros(parts, np.uint64)
        at = [a.ctypes.data for a in (self._marks, self._table, self._taken)]
        self._state = _State(
            *at, bytes=0, limit=SLICE, base=machine.flash, halfwords=len(self._marks),
            mask=SLOTS - 1, part=parts - 1,
        )  # fmt: skip
        self._bar: Any = None

    @property
    def taken(self) -> list[int]:
        return [int(n) for n in self._taken]

    def __enter__(self) -> Counting:
        uc = self.machine.uc
        uc.ctl_flush_tb()  # code that was translated before does not report itself
        native = _native()
        if native:
            lib, callback = native
            self._state.stop = ctypes.cast(lib.uc_emu_stop, ctypes.c_void_p).value
            self._hook = ctypes.c_size_t()
            status = lib.uc_hook_add(
                uc._uch, ctypes.byref(self._hook), self.machine.unicorn.UC_HOOK_BLOCK, callback,
                ctypes.cast(ctypes.byref(self._state), ctypes.c_void_p), ctypes.c_uint64(1),
                ctypes.c_uint64(0),
            )  # fmt: skip
            if status:
                raise EdgekitError(f"the emulator takes no hook: error {status}")
            self._remove = lambda: lib.uc_hook_del(uc._uch, self._hook)
        else:
            hook = uc.hook_add(self.machine.unicorn.UC_HOOK_BLOCK, self._block)
            self._remove = lambda: uc.hook_del(hook)
        self.machine.counting = self
        return self

    def __exit__(self, *_) -> None:
        self._remove()
        self.machine.uc.ctl_flush_tb()
        self.machine.counting = None
        self._harvest()
        if self._bar is not None:
            self._bar.close()

    def pause(self, address: int) -> None:
        """Look at the progress; the emulator stands still at `address` meanwhile."""
        self._harvest()
        state = self._state
        if self._executed() - self._before > self.machine.limit:
            raise EdgekitError(
                f"the firmware did not finish within {self.machine.limit:,} instructions: a hang"
            )
        state.limit = state.bytes + SLICE
        state.again = int(address == state.last)  # stopped when it was reported, before it ran
        if sum(self.macs):
            self._show(state.part)

    def begin(self) -> None:
        """Another call of a function of the program: its instructions are limited anew."""
        self._harvest()
        self._before = self._executed()

    def _executed(self) -> int:
        return sum(self.machine.instructions(blocks) for blocks in self.blocks)

    def _show(self, part: int) -> None:
        if self._bar is None:
            how = {"total": sum(self.macs), "unit": "MAC", "unit_scale": True, "delay": 2}
            self._bar = progress(None, "counting", **how)
        # parts run in order, so those before this one are done
        self._bar.update(max(0, sum(self.macs[:part]) - self._bar.n))

    def _harvest(self) -> None:
        """Move the table's counts into `blocks`."""
        for address, size, part, _, times in self._table[self._table["times"] > 0].tolist():
            self.blocks[part][address, size] += times
        self._table[:] = 0
        self._state.used = 0

    def _block(self, uc, address: int, size: int, _) -> None:
        """What count.c does, without its table."""
        s = self._state
        again, s.again = s.again, 0
        if again and address == s.last:
            return
        s.last = address
        s.part = self.begins.get(address, s.part)
        self._taken[s.part] += address != s.after
        s.after, s.bytes = address + size, s.bytes + size
        self.blocks[s.part][address, size] += 1
        if s.bytes > s.limit:
            uc.emu_stop()


@cache
def _native():
    """The emulator's library and the C function, or None."""
    try:
        from unicorn.unicorn_py3.unicorn import uclib

        path = host_library({"count.c": runtime_source("count.c")}, "-O2")
        function = ctypes.CDLL(str(path)).edgekit_count
        return uclib, ctypes.cast(function, ctypes.c_void_p)
    except (ImportError, AttributeError, OSError, EdgekitError):
        return None
