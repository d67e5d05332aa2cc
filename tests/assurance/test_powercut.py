"""A device whose power fails at any moment boots, runs the right image, and gets the update in the end."""

from dataclasses import replace

import pytest

from edgekit.assurance import powercut
from edgekit.assurance.powercut import Scenario, mutations, script, search
from edgekit.assurance.powercut_agent import AGENT_SCENARIOS
from edgekit.assurance.powercut_targets import CoreTarget, HostTarget
from edgekit.core.errors import EdgekitError


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
