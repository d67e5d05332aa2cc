"""The log of the device's slots: any history, any power cuts, any bytes in it."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.assurance.powercut import TEAR_MODES, image
from edgekit.assurance.powercut_targets import (
    LOG,
    LOG_RECORDS,
    POWER_CUT,
    RECORD,
    SLOT_SECTORS,
    HostTarget,
)
from edgekit.packages.flash_layout import SECTOR, UNIT
from tests.assurance.slots import (
    CONFIRMED,
    EMPTY,
    INSTALLED,
    INSTALLING,
    NONE,
    REVERTED,
    TESTING,
    blank,
    cells,
    install,
    restart,
)


@pytest.fixture(scope="module")
def short_log():
    return HostTarget(log_records=8)


@dataclass(frozen=True)
class State:
    """What the log has to know: (state, sequence number, boots left) of both slots, the counter, and the
    numbers of the images that failed last, the oldest first."""

    slots: tuple = ((EMPTY, 0, 0), (EMPTY, 0, 0))
    counter: int = 0
    bans: tuple = ()

    def ban(self, n):
        return replace(self, bans=(*(b for b in self.bans if b != n), n)[-4:])

    def enter(self, slot, *what, **more):
        slots = tuple(what if i == slot else s for i, s in enumerate(self.slots))
        return replace(self, slots=slots, **more)


def expected(s: State, running: int, op: str, n: int):
    """The states through which a call goes, and the slot that runs after it."""
    confirmed = [i for i in (0, 1) if s.slots[i][0] == CONFIRMED and s.slots[i][1] == s.counter]
    active = confirmed[0] if confirmed else NONE
    idle = int(active == 0)
    testing = running != NONE and s.slots[running][0] == TESTING
    waits = s.slots[idle][0] == INSTALLED
    if op == "install" and not testing and not waits and n > s.counter:
        begun = s.enter(idle, INSTALLING, n, 0)
        return [s, begun, begun.enter(idle, INSTALLED, n, 3)], running
    if op == "confirm" and testing and s.slots[running][1] == n:
        return [s, s.enter(running, CONFIRMED, n, 0, counter=n)], running
    if op == "revert" and testing:
        failed = s.ban(s.slots[running][1])
        return [s, failed, failed.enter(running, REVERTED, s.slots[running][1], 0)], NONE
    if op == "boot":
        state, sequence, boots = s.slots[idle]
        if state in (INSTALLED, TESTING):
            if boots and sequence not in s.bans:
                return [s, s.enter(idle, TESTING, sequence, boots - 1)], idle
            return [s, s.enter(idle, REVERTED, sequence, 0)], active
        return [s], active
    return [s], running


def logged(machine) -> State:
    device = machine.read("device")
    slots = tuple(
        (int(r["state"]), int(r["sequence"]), int(r["boots"]) & 15) for r in device["slot"]
    )
    bans = sorted((int(r["order"]), int(r["sequence"])) for r in device["ban"] if r["order"])
    return State(slots, int(device["counter"]), tuple(n for _, n in bans))


calls = st.tuples(
    st.sampled_from(["install", "install", "boot", "boot", "boot", "confirm", "confirm", "revert"]),
    st.integers(-1, 2),  # sequence number, against the counter or the image under test
    st.one_of(st.none(), st.tuples(st.integers(1, 8), st.integers(0, len(TEAR_MODES) - 1))),
)


@settings(max_examples=300, deadline=None)
@given(history=st.lists(calls, max_size=40), seed=st.integers(1, 2**32 - 1))
def test_a_call_happens_or_does_not(short_log, history, seed):
    """A power cut leaves one of the states that the call goes through, and nothing else."""
    machine = short_log
    blank(machine)
    state, running = State(), NONE
    for op, offset, cut in history:
        flash = machine.read("nor").copy()
        flash["cut"][0] = cut or (0, 0)
        flash["random"] = seed
        machine.write("nor", flash)
        n = state.counter + 1 + offset
        if op == "confirm" and running != NONE:
            n = state.slots[running][1] + (offset if offset < 0 else 0)
        through, running = expected(state, running, op, n)
        if op == "install":
            answer = install(machine, n, 20)
        else:
            answer = machine.call(f"device_{op}", *([n] if op == "confirm" else []))
        if answer == POWER_CUT:
            machine.call("device_open")
            running = NONE
            assert logged(machine) in through
        else:
            assert logged(machine) == through[-1]
            assert op != "boot" or answer == running
            assert op == "boot" or (answer == 0) == (len(through) > 1)
        state = logged(machine)
        assert machine.read("device")["running"] == running
        if running != NONE:
            where = running * SLOT_SECTORS * SECTOR
            assert cells(machine, where, 20) == image(state.slots[running][1], 20)
    assert machine.read("nor")["broken"] == 0


@given(st.binary(min_size=RECORD, max_size=RECORD * 8), st.integers(0, LOG_RECORDS - 8))
def test_arbitrary_bytes_in_the_log_are_no_records(host, data, place):
    blank(host)
    install(host, 1)
    restart(host)
    host.call("device_confirm", 1)
    flash = host.read("nor").copy()
    at = LOG + place * RECORD
    flash["cell"][at : at + len(data)] = np.frombuffer(data, np.uint8)
    flash["unit"][at // UNIT : -(-(at + len(data)) // UNIT)] = 1
    host.write("nor", flash)
    assert restart(host) == 0
    assert install(host, 2) == 0
    assert restart(host) == 1
    assert not host.read("nor")["broken"]
