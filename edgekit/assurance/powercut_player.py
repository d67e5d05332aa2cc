"""One update, one power cut: step through the operations on the flash, cut at one, see what boots.

player = Player("a good update")
player.operations               # a table: which operation, on which sector, what it does
player.cut(12, "half")          # a table: each start after the cut, and what it boots

The device is the whole agent on the model of NOR flash that `powercut.search` searches; the player asks
it the same question once, and shows the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, cached_property
from types import MappingProxyType
from typing import Any

import numpy as np

from edgekit.assurance.powercut import TEAR_MODES, TURNS
from edgekit.assurance.powercut_agent import AgentScenario, Event
from edgekit.assurance.powercut_targets import (
    FAULTS,
    LOG,
    LOG_RECORDS,
    NOR,
    SLOT_SECTORS,
    CoreTarget,
    HostTarget,
)
from edgekit.core.errors import EdgekitError
from edgekit.packages.flash_layout import SECTOR, UNIT

IMAGE = 300  # bytes of the images
FIRST = Event("healthy", 1, size=IMAGE)
UPDATES: Mapping[str, Event] = MappingProxyType(
    {
        "a good update": Event("healthy", 2, size=IMAGE),
        "a good update, as a delta": Event("healthy", 2, size=IMAGE, base=1),
        "one that fails its self-test": Event("unhealthy", 2, size=IMAGE),
        "one that never reports": Event("hangs", 2, size=IMAGE),
    }
)
WAYS = tuple(way for way in TEAR_MODES if way != "mix")  # the same cut twice shows the same


MACHINES: Mapping[str, Callable] = MappingProxyType(
    {"this machine": HostTarget, "cortex-m4 (emulated)": CoreTarget}
)


@cache
def player(update: str, machine: str = "this machine") -> Player:
    """The player of an update on one of MACHINES, made once: a move of a control must not build it anew."""
    return Player(update, MACHINES[machine])


class Player:
    """The update `update`, one of UPDATES, on a device that runs release 1.

    make: `HostTarget`, or `CoreTarget` for an emulated core. Raises EdgekitError for another update.
    """

    def __init__(self, update: str = "a good update", make: Callable = HostTarget):
        if update not in UPDATES:
            raise EdgekitError(f"no update {update!r}: choose one of {', '.join(UPDATES)}")
        self.update = update
        self.scenario = AgentScenario(update, (FIRST, UPDATES[update]))
        self.machine = make(LOG_RECORDS, self.scenario.program)
        nor = np.zeros((), NOR)
        nor["random"] = 1
        self.machine.write("nor", nor)
        self.machine.call("nor_blank")
        self.scenario.prepare(self.machine)
        self._to_release_1()
        self.states = [self._state()]  # at each start of the life without a cut
        while not self._through() and len(self.states) <= TURNS:
            self.machine.run_until_reset()
            self.states.append(self._state())

    @property
    def where(self) -> str:
        """What the agent runs on."""
        return self.machine.where

    @cached_property
    def operations(self) -> Any:
        """Each operation on the flash, from the package's arrival to the last start: a pandas DataFrame,
        columns start (the how manieth), what ("erase" or "write"), area ("slot A", "slot B", "log"), sector
        and bytes; its index counts from 1.

        Read off the flash itself: what it holds with the power cut before the operation, and after it.
        """
        import pandas as pd

        rows = [self._operation(k) for k in range(1, self._last() + 1)]
        return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="operation"))

    def cut(self, operation: int, way: str = "half") -> Any:
        """Cut the power at this operation, torn this way (WAYS), and restart the device till all is done.

        Returns a pandas DataFrame, a row for each start from then on: boots ("release 1" …), as ("confirmed"
        or "on trial"), then (what came of it), faults (what an observer who knows both images found wrong:
        0). Raises EdgekitError for an operation or a way that there is not.
        """
        import pandas as pd

        self._cut_at(operation, way)
        rows: list[dict] = []
        while len(rows) < TURNS and (not rows or not self._through()):
            rows.append(self._start())
        return pd.DataFrame(rows, index=pd.RangeIndex(1, len(rows) + 1, name="start"))

    def _to_release_1(self) -> None:
        """Let the first release in; the second package waits at the door."""
        self._write_life(steps=1)
        for _ in range(TURNS):
            if not self._through():
                self.machine.run_until_reset()
        self._write_life(steps=len(self.scenario.script))

    def _write_life(self, **values: int) -> None:
        life = self.machine.read("life").copy()
        for name, value in values.items():
            life[name] = value
        self.machine.write("life", life)

    def _through(self) -> bool:
        life = self.machine.read("life")
        return bool(life["now"] == life["steps"])

    def _state(self) -> tuple:
        return self.machine.read("nor").copy(), self.machine.read("life").copy()

    def _last(self) -> int:
        return int(self.states[-1][0]["operations"] - self.states[0][0]["operations"])

    def _cut_at(self, operation: int, way: str) -> int:
        """Run up to the cut; the start (from 0) in which it comes."""
        if not 1 <= operation <= self._last():
            raise EdgekitError(f"no operation {operation}: there are 1 to {self._last()}")
        if way not in WAYS:
            raise EdgekitError(
                f"no way {way!r} to tear an operation: choose one of {', '.join(WAYS)}"
            )
        at = int(self.states[0][0]["operations"]) + operation
        start = max(k for k, (nor, _) in enumerate(self.states) if nor["operations"] < at)
        nor, life = (part.copy() for part in self.states[start])
        nor["cut"][0] = at - nor["operations"], TEAR_MODES.index(way)
        self.machine.write("nor", nor)
        self.machine.write("life", life)
        self.machine.run_until_reset()
        return start

    def _operation(self, k: int) -> dict:
        start, nothing = self._cut_at(k, "nothing"), self.machine.read("nor")["unit"]
        self._cut_at(k, "weak")  # marks each unit that the operation means, even of a blank sector
        weak = self.machine.read("nor")["unit"]
        self._cut_at(k, "all")
        written = np.count_nonzero(self.machine.read("nor")["unit"] != nothing)
        meant = np.flatnonzero(weak != nothing)
        erased = len(meant) * UNIT == SECTOR
        return {
            "start": start + 1,
            "what": "erase" if erased else "write",
            "area": _area(int(meant[0]) * UNIT),
            "sector": int(meant[0]) * UNIT // SECTOR,
            "bytes": SECTOR if erased else written * UNIT,
        }

    def _start(self) -> dict:
        """One start: what it boots, and what came of it."""
        before = self.machine.read("life").copy()
        self.machine.run_until_reset()
        after = self.machine.read("life")
        number = int(after["booted"])
        return {
            "boots": f"release {number}" if number else "nothing",
            "as": "on trial" if after["trial"] else "confirmed" if number else "",
            "then": _then(number, before, after),
            "faults": sum(int(after[fault]) for fault in FAULTS),
        }


def _area(place: int) -> str:
    if place >= LOG:
        return "log"
    return "slot A" if place < SLOT_SECTORS * SECTOR else "slot B"


def _then(number: int, before, after) -> str:
    if after["trial"] and after["confirmed"] == number:
        return f"passes its trial: release {number} is confirmed"
    if after["trial"] and after["judged"] > before["judged"]:
        return f"fails its trial: release {number} is banned"
    if after["trial"]:
        return "never reports: the watchdog resets the device"
    if after["now"] < after["steps"]:
        return "takes the update in, and resets to try it"
    return "goes on"
