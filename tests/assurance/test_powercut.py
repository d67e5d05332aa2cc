"""A device whose power fails at any moment boots, runs the right image, and gets the update in the end."""

import ctypes
import hashlib
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgekit.assurance import powercut, powercut_targets
from edgekit.assurance.powercut import TEAR_MODES, Scenario, image, mutations, script, search
from edgekit.assurance.powercut_agent import AGENT_SCENARIOS
from edgekit.assurance.powercut_targets import (
    LOG,
    LOG_RECORDS,
    POWER_CUT,
    RECORD,
    SLOT_SECTORS,
    CoreTarget,
    HostTarget,
)
from edgekit.core.errors import EdgekitError
from edgekit.packages.flash_layout import SECTOR, UNIT
from tests.updates_fixtures import CHARGED

REFUSED, SIZE, DIGEST, FLASH = -1, -2, -3, -4
EMPTY, INSTALLING, INSTALLED, TESTING, CONFIRMED, REVERTED = range(6)
NONE = -1


@pytest.fixture(scope="module")
def host():
    return HostTarget()


@pytest.fixture(scope="module")
def short_log():
    return HostTarget(log_records=8)


def blank(machine):
    machine.write("nor", np.zeros((), powercut_targets.NOR))
    machine.call("nor_blank")
    machine.call("device_open")


def install(machine, sequence: int, size: int = 100, sent: bytes | None = None) -> int:
    """What a device does with an update; the first answer that is not 0. `sent`: not the image itself."""
    data = image(sequence, size) if sent is None else sent
    digest = hashlib.sha256(image(sequence, size)).digest()
    return (
        machine.call("device_begin", sequence, size, digest)
        or machine.call("device_put", data, len(data))
        or machine.call("device_finish")
    )


def restart(machine) -> int:
    machine.call("device_open")
    return machine.call("device_boot")


def cells(machine, address: int, n: int) -> bytes:
    return machine.read("nor")["cell"][address : address + n].tobytes()


def flip(machine, address: int) -> None:
    flash = machine.read("nor").copy()
    flash["cell"][address] ^= 1
    machine.write("nor", flash)


# the search


def test_no_power_cut_bricks_the_device():
    found = search()
    assert found.clean, str(found)
    cuts = found.table.set_index("scenario")
    assert len(cuts) == len(powercut.SCENARIOS) + len(AGENT_SCENARIOS)
    for s in (*powercut.SCENARIOS, *AGENT_SCENARIOS):
        lives, cut = cuts.loc[s.name, ["lives", "cuts"]]
        if s.lives:  # some of the later cuts are drawn beyond the end of the life
            assert lives == (s.lives + 1) * len(s.fills)
            assert cut > (0.75 * s.cuts) * s.lives * len(s.fills)
        else:  # every life but those without a cut
            assert cut == lives - len(s.fills) >= 100
    assert cuts.loc["whole life", "cuts"] > 4000


def test_every_mistake_in_the_c_is_noticed():
    bites = ("a lost trial is a verdict", "no rest")  # the benchmark tries all of the agent's
    found = mutations(only=(*powercut.MUTATIONS, *bites))
    assert found.caught.all(), found[~found.caught].to_string()
    assert {"record not authenticated", "counter raised at install", "single-sector log"} < set(
        found.mutation
    )
    assert set(bites) < set(found.mutation)


def test_on_the_emulated_core():
    names = ("image rots", "log always full")
    scenarios = [replace(s, lives=60) for s in powercut.CORE_SCENARIOS if s.name in names]
    core, here = search(CoreTarget, scenarios), search(HostTarget, scenarios)
    assert core.clean, str(core)
    assert core.table.equals(here.table)
    assert core.table.cuts.sum() > 100


def test_the_whole_agent_on_the_emulated_core():
    scenarios = [replace(AGENT_SCENARIOS[1], lives=3)]
    core, here = search(CoreTarget, scenarios), search(HostTarget, scenarios)
    assert core.clean, str(core)
    assert core.table.equals(here.table)


def test_the_core_notices_too():
    def broken(log_records, program):
        return CoreTarget(
            log_records, program, replace=powercut.MUTATIONS["record not authenticated"]
        )

    assert search(broken, powercut.SCENARIOS[4:6], stop=True).first


def test_same_seed_same_search():
    drawn = [replace(powercut.SCENARIOS[7], lives=30)]
    a, b = (search(HostTarget, drawn, seed=3).table for _ in range(2))
    assert a.equals(b)


def test_a_device_that_never_gets_its_update_is_reported(host, monkeypatch):
    monkeypatch.setattr(powercut, "TURNS", 3)
    found = search(lambda *_: host, [Scenario("x", script(("healthy", 9), ("hangs", 9)))])
    assert found.table.unfinished.item() == 1
    assert "no cut" in found.first
    assert "1 faults" in str(found)


def test_mutations_must_match():
    with pytest.raises(EdgekitError, match="no single place"):
        HostTarget(replace=(("no such line", ""),))


def test_unknown_core():
    with pytest.raises(EdgekitError, match="Did you mean 'cortex-m7'"):
        CoreTarget(cpu="cortex-m")


# the slots


def test_life_of_an_update(host):
    blank(host)
    assert restart(host) == NONE
    assert install(host, 5) == 0
    assert restart(host) == 0
    assert host.call("device_confirm", 5) == 0
    assert install(host, 6, 5000) == 0
    assert restart(host) == 1
    assert cells(host, SLOT_SECTORS * SECTOR, 5000) == image(6, 5000)
    assert install(host, 7) == REFUSED  # the other slot is the way back
    assert host.call("device_confirm", 5) == REFUSED  # replayed
    assert host.call("device_confirm", 6) == 0
    assert host.call("device_confirm", 6) == REFUSED
    assert host.call("device_revert") == REFUSED
    assert host.read("device")["counter"] == 6
    assert install(host, 6) == install(host, 5) == REFUSED
    assert restart(host) == 1


def test_a_boot_loop_ends(host):
    blank(host)
    install(host, 1)
    restart(host)
    host.call("device_confirm", 1)
    install(host, 2)
    assert [restart(host) for _ in range(5)] == [1, 1, 1, 0, 0]
    assert host.read("device")["slot"]["state"].tolist() == [CONFIRMED, REVERTED]
    assert host.read("device")["counter"] == 1


@pytest.mark.parametrize(
    ("sent", "answer"),
    [(image(2, 99), SIZE), (image(2, 101), SIZE), (image(3, 100), DIGEST), (b"", SIZE)],
)
def test_wrong_payload(host, sent, answer):
    blank(host)
    assert install(host, 2, 100, sent) == answer
    assert host.call("device_finish") == REFUSED
    assert host.call("device_put", b"x", 1) == REFUSED
    assert restart(host) == NONE


def test_sizes(host):
    blank(host)
    most = SLOT_SECTORS * SECTOR
    for size in (0, most + 1, 2**32 - 1):
        assert host.call("device_begin", 1, ctypes.c_uint32(size), bytes(32)) == SIZE
    assert install(host, 1, most) == 0
    assert restart(host) == 0
    assert not host.read("nor")["broken"]


def test_endless_data_stay_in_the_slot(host):
    blank(host)
    host.call("device_begin", 1, SLOT_SECTORS * SECTOR, bytes(32))
    answers = [host.call("device_put", bytes(1000), 1000) for _ in range(20)]
    assert answers == [0] * 8 + [SIZE] + [REFUSED] * 11
    assert not host.read("nor")["broken"]
    assert cells(host, SLOT_SECTORS * SECTOR, SECTOR) == b"\xff" * SECTOR


def test_a_rotten_confirmed_image_is_not_run_and_can_be_replaced(host):
    blank(host)
    for n in (1, 2):
        install(host, n)
        restart(host)
        host.call("device_confirm", n)
    flip(host, SLOT_SECTORS * SECTOR + 50)
    assert restart(host) == NONE  # and not the image before: it is below the counter
    assert install(host, 3) == 0
    assert restart(host) == 0
    assert cells(host, 0, 100) == image(3, 100)


def test_worn_places_of_the_log_are_passed_over(host):
    blank(host)
    assert install(host, 1) == 0
    assert host.read("device")[["sector", "log_index"]].tolist() == (1, 2)
    flash = host.read("nor").copy()
    worn = LOG + SECTOR + np.array([2, 3, 5]) * RECORD
    flash["unit"][worn // UNIT + 1] = CHARGED
    host.write("nor", flash)
    assert restart(host) == 0
    assert host.call("device_confirm", 1) == 0
    assert host.read("device")[["sector", "log_index"]].tolist() == (1, 7)
    assert restart(host) == 0


def test_a_flash_that_fails_is_an_error_and_keeps_the_image(host):
    blank(host)
    install(host, 1)
    restart(host)
    host.call("device_confirm", 1)
    flash = host.read("nor").copy()
    host.call("device_begin", 2, 16, bytes(32))
    flash = host.read("nor").copy()
    flash["unit"][SLOT_SECTORS * SECTOR // UNIT + 1] = CHARGED
    host.write("nor", flash)
    assert host.call("device_put", bytes(16), 16) == FLASH
    assert host.call("device_put", bytes(16), 16) == REFUSED
    assert restart(host) == 0
    assert install(host, 2) == 0  # it begins with an erase
    assert restart(host) == 1


# the log: any history, any cuts


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


# the flash and the hash


def test_the_flash_keeps_its_rules(host):
    def rules_broken(function, *arguments):
        before = int(host.read("nor")["broken"])
        assert (host.call(function, *arguments) != 0) == (host.read("nor")["broken"] > before)
        return int(host.read("nor")["broken"]) - before

    blank(host)
    data = bytes(range(64))
    assert rules_broken("flash_write", 64, data, 64) == 0
    assert cells(host, 56, 80) == b"\xff" * 8 + data + b"\xff" * 8
    for address, n in (
        (64, 8),
        (120, 16),
        (4, 8),
        (0, 12),
        (0, 0),
        (powercut_targets.NOR["cell"].itemsize, 8),
    ):
        assert rules_broken("flash_write", address, data, n) == 1
    assert rules_broken("flash_write", ctypes.c_uint32(2**32 - 8), data, 16) == 1
    assert cells(host, 64, 64) == data
    assert rules_broken("flash_erase", 0) == 0
    assert cells(host, 0, SECTOR) == b"\xff" * SECTOR
    assert rules_broken("flash_write", 64, data, 64) == 0
    assert rules_broken("flash_erase", 6) == 1


@pytest.mark.parametrize("way", range(len(TEAR_MODES)))
def test_a_torn_erase_must_be_repeated(host, way):
    blank(host)
    host.call("device_begin", 1, 8, bytes(32))
    flash = host.read("nor").copy()
    flash["cell"][:SECTOR] = 0
    flash["unit"][: SECTOR // UNIT] = 1
    flash["cut"][0], flash["random"] = (2, way), 7  # the record, then the first erase
    host.write("nor", flash)
    assert host.call("device_begin", 2, 8, bytes(32)) == POWER_CUT
    after = cells(host, 0, SECTOR)
    ones = np.unpackbits(np.frombuffer(after, np.uint8)).mean()
    assert {"nothing": ones == 0, "half": ones == 0.5, "mix": 0.4 < ones < 0.6}.get(
        TEAR_MODES[way], ones == 1
    )
    assert (host.call("flash_write", 0, bytes(8), 8) == 0) == (TEAR_MODES[way] == "all")


@given(st.lists(st.binary(max_size=200), max_size=8))
def test_sha256(host, pieces):
    context, digest = ctypes.create_string_buffer(104), ctypes.create_string_buffer(32)
    host.call("sha256_begin", context)
    for piece in pieces:
        host.call("sha256_add", context, piece, len(piece))
    host.call("sha256_end", context, digest)
    assert digest.raw == hashlib.sha256(b"".join(pieces)).digest()


@pytest.mark.parametrize("n", [*range(50, 70), *range(115, 130), 100_000])
def test_sha256_at_once(host, n):
    digest = ctypes.create_string_buffer(32)
    host.call("sha256", bytes(n), n, digest)
    assert digest.raw == hashlib.sha256(bytes(n)).digest()
