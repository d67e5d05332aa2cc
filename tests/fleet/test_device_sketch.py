"""The drift sketch of a fleet's device: the same on the core, kept between weeks, judged by what goes up."""

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.fleet import device_sketch
from edgekit.fleet.device_sketch import SketchPlan, hear_week, load_scale, save_scale
from edgekit.fleet.notice import judge_sketch
from edgekit.monitor.drift_trial import DAYS, Days
from edgekit.monitor.sketch import BYTES, Centre, Phases, Scale, Sketch
from edgekit.monitor.sketch_cost import CoreSketch
from edgekit.telemetry.event import Event, Kind

INPUTS = 9


def inputs(seed, n, away=0.0):
    x = np.random.default_rng(seed).normal(away, 20, (n, INPUTS))
    return np.clip(np.rint(x), -128, 127).astype(np.int8)


@pytest.fixture(scope="module")
def plan():
    return SketchPlan(Scale.fit(inputs(0, 400)), Days(runs=4, length=6), "cortex-m4")


def event(body, week=0):
    return Event("dev", 1, week + 1, Kind.SKETCH, 1, 0, body).encode(named=False)


def life(plan, weeks, away):
    """Verdicts of a device whose windows lie `away` from week 5 on."""
    state, found = b"", []
    for week in range(weeks):
        heard = inputs([week, 7], DAYS * plan.day.windows, away if week >= 5 else 0.0)
        done = hear_week(plan, state, heard, 3)
        found.append(judge_sketch(event(done.body, week), "dev", plan.phases)[1])
        state = done.state
    return found


def test_kept_between_weeks_it_is_as_if_it_had_never_been_put_away(plan):
    whole, centre, state = Sketch(plan.phases), Centre(plan.scale), b""
    for week in range(4):
        heard = inputs(week, DAYS * plan.day.windows)
        done = hear_week(plan, state, heard, 5)
        state = done.state
        whole.hear(heard, centre)
        assert done.body == whole.encode()
        whole.end_week()
    assert len(done.body) == BYTES
    assert len(state) == BYTES + 2 * INPUTS
    assert (done.novelty(inputs(9, 50, 40.0)) > done.novelty(heard).mean()).mean() > 0.9


def test_a_core_that_counts_otherwise_is_noticed(plan, monkeypatch):
    other = Phases(plan.phases.centre + 1, plan.phases.edges, plan.phases.batch, 14)
    wrong = CoreSketch(plan.scale, other, plan.cpu)
    monkeypatch.setattr(device_sketch, "_core", lambda _: wrong)
    with pytest.raises(EdgekitError, match="is not what it is here"):
        hear_week(plan, b"", inputs(1, plan.phases.centre + 3), plan.phases.centre + 2)


def test_the_gateway_finds_a_change_by_the_bytes_alone_and_none_where_nothing_changed(plan):
    learning = DAYS * plan.day.windows * 3 // plan.phases.reference_until * 3
    same, changed = life(plan, 16, 0.0), life(plan, 7, 15.0)
    assert [v.why for v in same[: learning - 1]] == ["still learning"] * (learning - 1)
    assert not any(v.drifted for v in same)
    assert not any(v.drifted for v in changed[:5])
    assert all(v.drifted for v in changed[5:])


def test_what_is_no_sketch_of_this_fleet_is_refused(plan, tmp_path):
    with pytest.raises(EdgekitError, match="no event"):
        judge_sketch(b"\x00" * 70, "dev", plan.phases)
    with pytest.raises(EdgekitError, match="64 bytes"):
        judge_sketch(event(b"short"), "dev", plan.phases)
    with pytest.raises(EdgekitError, match="no sketch and means"):
        plan.restore(b"\x00" * BYTES)
    save_scale(tmp_path / "drift.json", inputs(0, 400))
    assert load_scale(tmp_path / "drift.json") == plan.scale
    (tmp_path / "other.json").write_text('{"inputs": []}')
    with pytest.raises(EdgekitError, match="simulate again"):
        load_scale(tmp_path / "other.json")
