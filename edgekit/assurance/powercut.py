"""Cut the power of a device at every flash operation of its life, in every way: does it still boot?

The device is the C of `firmware/agent/slots.c` on a model of NOR flash (`firmware/checks/nor.c`), compiled
for this machine or for an emulated core. `checks/life.c` lives its life (updates that are healthy, unhealthy,
hang, rot, or arrive damaged) and holds an observer who knows what must boot. After a cut the device starts
again and tries the update again, until the script of updates is through.
"""

from __future__ import annotations

import random
import time
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from html import escape
from itertools import product
from typing import Any

import numpy as np

from edgekit.assurance.powercut_agent import AGENT_MUTATIONS, AGENT_SCENARIOS
from edgekit.assurance.powercut_scenario import Scenario, image
from edgekit.assurance.powercut_targets import FAULTS, LOG_RECORDS, NOR, CoreTarget, HostTarget
from edgekit.core.html_table import frame_html

__all__ = [
    "CORE_SCENARIOS",
    "MUTATIONS",
    "SCENARIOS",
    "CoreTarget",
    "HostTarget",
    "PowerCuts",
    "Scenario",
]
__all__ += ["image", "mutations", "script", "search"]

TEAR_MODES = ("nothing", "half", "mix", "weak", "all")  # what a torn operation has done, see nor.h
TURNS = 60  # restarts after which an update that is still not through never will be
COLUMNS = ("lives", "cuts", *FAULTS, "broken_rules", "unfinished")


def script(*updates: tuple[str, int]) -> tuple[tuple[int, str, int], ...]:
    """Number the updates (kind, bytes) from 1; an "old" one repeats the number 1."""
    return tuple((1 if k == "old" else n, k, size) for n, (k, size) in enumerate(updates, 1))


def _alike(size: int, kinds: str):
    return script(*((kind, size) for kind in kinds.split()))


_LIFE = (("healthy", 300), ("healthy", 4500), ("unhealthy", 700), ("hangs", 90), ("corrupt", 200))
WHOLE = script(*_LIFE, ("healthy", 1000))
BRIEF = _alike(20, "healthy healthy unhealthy healthy")
SCENARIOS = (
    Scenario("new model unhealthy", _alike(100, "healthy unhealthy unhealthy healthy")),
    Scenario("new model hangs", script(("healthy", 50), ("hangs", 60), ("hangs", 70), ("healthy", 80))),
    Scenario("damaged payload", _alike(61, "healthy corrupt short long old healthy")),
    Scenario("image rots", script(("healthy", 77), ("rots", 88), ("healthy", 99))),
    Scenario("part not blank", script(("healthy", 40), ("healthy", 30), ("healthy", 20)), dirty=True),
    Scenario("log always full", BRIEF, log_records=5),
    Scenario("whole life", WHOLE),
    Scenario("three cuts, log always full", BRIEF, cuts=3, lives=2000, log_records=5),
    Scenario("two cuts", WHOLE, cuts=2, lives=2000),
    Scenario("three cuts", BRIEF, cuts=3, lives=2000),
    Scenario("nearly full log", BRIEF, fills=tuple(range(LOG_RECORDS))),
)  # fmt: skip
CORE_SCENARIOS = SCENARIOS[:6]  # seconds, not minutes, on an emulated core


@dataclass(frozen=True, eq=False)
class PowerCuts:
    """What a search found. `table`: one row for each scenario, with columns

    lives, cuts; then what must be 0: bricks (nothing booted although an image was confirmed), wrong_boots (an
    image that is not whole, or neither confirmed nor under test, or tested too often), counter_errors (it
    fell, or rose without a confirm), false_records (the log claims an image that is not there, or what has
    to be refused was not); of the whole agent wrong_bans (of a good image, or one forgotten), time_errors (it
    fell), blocked (a good image did not get in), worn (transfers that fail wear the flash without a rest);
    broken_rules (of the flash), unfinished (the update did not get through in the end).
    """

    table: Any  # pandas DataFrame
    where: str
    seconds: float
    first: str | None = None  # the first life that went wrong: scenario, operation, way

    @property
    def faults(self) -> int:
        return int(self.table[list(COLUMNS[2:])].to_numpy().sum())

    @property
    def clean(self) -> bool:
        return self.faults == 0

    def __str__(self) -> str:
        cuts = int(self.table.cuts.sum())
        found = f"{self.faults} faults, first: {self.first}" if self.faults else "no fault"
        return f"{cuts:,} power cuts on {self.where} in {self.seconds:.1f} s: {found}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(str(self))}</p>{frame_html(self.table, index=False)}"


MUTATIONS = {  # what somebody might get wrong in slots.c: (old, new), …
    "record not authenticated": (("return hmac_same(mac, r->mac, sizeof r->mac);", "return 1;"),),
    "counter raised at install": (
        ("SLOTS_TEST_BOOTS, s->counter);", "SLOTS_TEST_BOOTS, s->slot[slot].sequence);"),
    ),
    "single-sector log": (
        ("flash_erase(log_sector(s, full ^ 1))", "flash_erase(log_sector(s, full))"),
        ("s->sector = full ^ 1;", "s->sector = full;"),
    ),
    "digest not checked at boot": (("&& whole(s, fresh) &&", "&&"),),
    "slot not erased": (("if (flash_erase((uint32_t)slot", "if (0 && flash_erase((uint32_t)slot"),),
    "installed logged before the digest check": (
        (
            "  if (!whole(s, slot)) return SLOTS_DIGEST;\n"
            "  return enter(s, slot, SLOT_INSTALLED, SLOTS_TEST_BOOTS, s->counter);",
            "  if (enter(s, slot, SLOT_INSTALLED, SLOTS_TEST_BOOTS, s->counter)) return SLOTS_FLASH;\n"
            "  if (whole(s, slot)) return 0;\n"
            "  return enter(s, slot, SLOT_REVERTED, 0, s->counter), SLOTS_DIGEST;",
        ),
    ),
    "other sector of the log not erased": (
        ("flash_erase(log_sector(s, full ^ 1)) ? SLOTS_FLASH : 0", "0"),
    ),
    "records carried over slot by slot": (
        (
            "  while (!error && (r = next_record(s, r ? r->order : 0))) error = write_record(s, r);",
            "  for (uint32_t i = 0; i < RECORDS && !error; i++)\n"
            "    if ((r = next_record(s, record_of(s, i)->order - 1)) == record_of(s, i))\n"
            "      error = write_record(s, r);",
        ),
    ),
    "only the newest record carried over": (("r->order < next->order", "r->order > next->order"),),
    "a log_index that refuses is not passed over": (
        ("* RECORD, r, RECORD)) continue;", "* RECORD, r, RECORD)) return s->log_index--, SLOTS_FLASH;"),
        ("(carry_over(s) ||", "(s->log_index < PLACES || carry_over(s) ||"),
    ),
    "oldest record counts": (("r->order <= record_of(s, r->slot)->order)", "record_of(s, r->slot)->order)"),),
    "test boots not counted": (("boots - 1, s", "boots, s"),),
    "test boot logged as confirmed": (("fresh, SLOT_TESTING, b", "fresh, SLOT_CONFIRMED, b"),),
    "any sequence number confirms": ((" || s->slot[s->running].sequence != sequence", ""),),
    "confirm without a test": (
        ("if (!testing(s) || s->slot[s->running].s", "if (s->running < 0 || s->slot[s->running].s"),
    ),
    "old sequence numbers accepted": ((" || sequence <= s->counter", ""),),
    "update accepted during the test": (("if (slots_busy(s) || sequence", "if (sequence"),),
    "update written over the confirmed image": (
        ("return slots_active(s) == 0; }", "return slots_active(s) == 1; }"),
    ),
    "revert forgotten": (
        ("  const int error = ban(s,", "  const int error = !s->order && ban(s,"),
        ("  return enter(s, slot, SLOT_REVERTED, 0, s->counter) ? SLOTS_FLASH : error;", "  return error;"),
    ),
}  # fmt: skip


def mutations(seed: int = 0, only: tuple[str, ...] = ()):
    """Does the search notice mistakes? Each of MUTATIONS and AGENT_MUTATIONS (or those named) is built into
    slots.c or agent.c and searched until it shows.

    Returns a pandas DataFrame: mutation, caught (bool), by (the first life that went wrong) and fault.
    """
    import pandas as pd

    rows = []
    known: list[tuple[str, Any, tuple[Scenario, ...]]] = [
        (name, how, SCENARIOS) for name, how in MUTATIONS.items()
    ]
    known += [(name, how, AGENT_SCENARIOS) for name, how in AGENT_MUTATIONS.items()]
    for name, replace, scenarios in known:
        if only and name not in only:
            continue
        found = search(partial(HostTarget, replace=replace), scenarios, seed, stop=True)
        faults = [c for c in COLUMNS[2:] if found.table[c].sum()]
        rows.append((name, not found.clean, found.first, ", ".join(faults)))
    return pd.DataFrame(rows, columns=["mutation", "caught", "by", "fault"])


def search(make=HostTarget, scenarios=None, seed: int = 0, stop: bool = False) -> PowerCuts:
    """Cut the power at every flash operation of each scenario in every way (or at drawn ones, see Scenario).

    make: `HostTarget`, `CoreTarget` or a function like them. scenarios: else SCENARIOS, and those of the
    whole agent (AGENT_SCENARIOS of `powercut_agent`). stop: end with the first life that goes wrong.
    """
    import pandas as pd

    if scenarios is None:
        scenarios = SCENARIOS + AGENT_SCENARIOS

    start, rows, first, machines = time.perf_counter(), [], None, {}
    for scenario in scenarios:
        kind = scenario.log_records, scenario.program
        if kind not in machines:
            machines[kind] = make(*kind)
        machine = machines[kind]
        row = dict.fromkeys(COLUMNS, 0)
        for name, found in _lives(machine, scenario, seed):
            for column in COLUMNS:
                row[column] += found[column]
            if first is None and any(found[c] for c in COLUMNS[2:]):
                first = f"{scenario.name}, {name}"
                if stop:
                    break
        rows.append({"scenario": scenario.name} | row)
        if first and stop:
            break
    return PowerCuts(pd.DataFrame(rows), machine.where, time.perf_counter() - start, first)


def _lives(machine, scenario: Scenario, seed: int):
    """Yield (name, findings) of each life: first the one without a cut, then those with."""
    rng = random.Random(f"{seed} {scenario.name}")
    for fill in scenario.fills:
        states, found = _record(machine, scenario, fill, seed)
        where = f"log filled by {fill}, " if len(scenario.fills) > 1 else ""
        yield f"{where}no cut", found
        if found["unfinished"]:
            continue
        restarts = [int(nor["operations"]) for nor, _ in states]
        begin, end = restarts[0], int(machine.read("nor")["operations"])
        plans: Iterable
        if scenario.lives:
            plans = (_draw(rng, begin, end, scenario.cuts) for _ in range(scenario.lives))
        else:
            first = product(range(begin, end), range(len(TEAR_MODES)))
            later = product(range(1, end - begin + 1), range(len(TEAR_MODES)))
            plans = product(first, *[tuple(later)] * (scenario.cuts - 1))
        for (at, way), *others in plans:
            nor, life = states[bisect_right(restarts, at) - 1]  # the last restart before the cut
            nor = nor.copy()
            nor["cut"][0] = at + 1 - nor["operations"], way
            for k, cut in enumerate(others, 1):
                nor["cut"][k] = cut
            nor["random"] = rng.randrange(1, 2**32)
            machine.write("nor", nor)
            machine.write("life", life)
            cuts = [f"operation {at + 1} torn: {TEAR_MODES[way]}"]
            cuts += [f"{after} later: {TEAR_MODES[torn]}" for after, torn in others]
            yield where + ", ".join(cuts), _run(machine)


def _draw(rng: random.Random, begin: int, end: int, cuts: int):
    """Cuts at random: the first anywhere, the others mostly soon after it."""
    plan = [(rng.randrange(begin, end), rng.randrange(len(TEAR_MODES)))]
    for _ in range(cuts - 1):
        plan.append(
            (int(rng.uniform(1, end - begin) ** rng.random()) or 1, rng.randrange(len(TEAR_MODES)))
        )
    return plan


def _record(machine, scenario: Scenario, fill: int, seed: int):
    """The life without a cut: its states (nor, life) at each restart, and what was found in it."""
    nor = np.zeros((), NOR)
    nor["random"] = seed % 2**32 or 1
    machine.write("nor", nor)
    machine.call("nor_dirty" if scenario.dirty else "nor_blank")
    scenario.prepare(machine)
    if fill:  # in the middle of a life: after its first update
        _steps(machine, 1)
        _run(machine)
        machine.call("powercut_fill_log", fill)
        _steps(machine, len(scenario.script))
    states: list = []
    return states, _run(machine, states)


def _steps(machine, n: int) -> None:
    life = machine.read("life").copy()
    life["steps"] = n
    machine.write("life", life)


def _run(machine, states: list | None = None) -> dict[str, int]:
    """Restart the device until its script is through."""
    planned = int(np.count_nonzero(machine.read("nor")["cut"]["after"]))
    for _ in range(TURNS):
        life = machine.read("life")
        if life["now"] == life["steps"]:
            break
        if states is not None:
            states.append((machine.read("nor"), life))
        machine.run_until_reset()
    life, nor = machine.read("life"), machine.read("nor")
    found = {fault: int(life[fault]) if fault in life.dtype.names else 0 for fault in FAULTS}
    counted: dict[str, int] = {
        "lives": 1,
        "cuts": planned - int(np.count_nonzero(nor["cut"]["after"])),
        "broken_rules": int(nor["broken"]),
        "unfinished": int(life["now"] != life["steps"]),
    }
    return found | counted
