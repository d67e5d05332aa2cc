"""From device to cloud: nothing lost, nothing twice, few bytes, and as right as the gateway's model.

Full: some twelve minutes; `--smoke`: a few kills at one broker, thirty reports, one fold of people.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bars import Bars
from benchmarks.fleet import cascade, tiers, wire
from edgekit.telemetry import Kind, Reason, Segment
from edgekit.telemetry.device_cost import cost

GOALS = {"bearing": 99.99, "people": 99.99, "ecg": 99.9}
PRIVATE = ("activity", "bearing", "ecg", "people", "weeds")
KILLS, CONTROL_KILLS, CUT_S = 50, 20, 30.0
SMOKE_KILLS, SMOKE_CUT_S = 4, 4.0
SEED = 11


def bars(bars: Bars, smoke: bool = False) -> None:
    """Kills and a cut, with the control beside it; bytes; privacy; the cascade; the device's C."""
    for kind in ("amqtt",) if smoke else ("amqtt", "mosquitto"):
        _chaos(bars, kind, smoke)
    _bytes(bars, smoke)
    _cascade(bars, smoke)
    _device(bars)


def _chaos(bars: Bars, kind: str, smoke: bool) -> None:
    rng, kills = random.Random(SEED), SMOKE_KILLS if smoke else KILLS
    with _site(kind) as running:
        killed = _kill(running, rng, kills, smoke)
        running.cut_network(SMOKE_CUT_S if smoke else CUT_S)
        made, lost, doubled = running.settle(120)
        repeated = sum(one.up.repeated for one in running.devices)
    shown = ", ".join(f"{name} {killed.count(name)}" for name in sorted(set(killed)))
    seconds = SMOKE_CUT_S if smoke else CUT_S
    print(f"  {kind}: killed {shown}; {made:,} events, {repeated:,} repeats (measured)")
    what = f"{kind}: {kills} kills and a cut of {seconds:.0f} s: events lost"
    bars.add(what, "0", f"{lost} of {made:,}", lost == 0 and made > 100)
    bars.add(f"{kind}: rows that are double, or nobody's", "0", str(doubled), doubled == 0)

    kills = SMOKE_KILLS if smoke else CONTROL_KILLS
    with _site(kind, qos1=True) as running:
        _kill(running, random.Random(SEED), kills, smoke)
        made, lost, _ = running.settle(60)
    what = f"{kind}: the control, QoS 1 only, {kills} kills: events lost"
    bars.add(what, "≥ 1", f"{lost} of {made:,}", lost >= 1)


@contextmanager
def _site(kind: str, qos1: bool = False) -> Iterator[tiers.Tiers]:
    """All tiers, at work for two seconds."""
    with (
        tempfile.TemporaryDirectory(prefix="edgekit-tiers-") as folder,
        tiers.Tiers(kind, Path(folder), qos1=qos1) as running,
    ):
        time.sleep(2.0)
        yield running


def _kill(running: tiers.Tiers, rng: random.Random, kills: int, smoke: bool) -> list[str]:
    killed = []
    for _ in range(kills):
        killed.append(running.kill_one(rng))
        time.sleep(rng.uniform(0.3, 1.5 if smoke else 3.0))
    return killed


def _bytes(bars: Bars, smoke: bool) -> None:
    brokers = ("mosquitto",) if smoke else ("mosquitto", "amqtt")
    for name, goal in GOALS.items():
        case, events = wire.use_case(name), 10 if smoke else wire.REPORTS
        raw, what = wire.raw_bytes_per_day(case)
        for kind in brokers:
            day = wire.day(case, Kind.REPORT, wire.REPORT, events, kind)
            total = day.total(wire.REPORTS)
            less = 100 * (1 - total / raw)
            print(
                f"  {name}, {kind}: handshake {day.handshake:,} B, a report {day.each:.0f} B, a ping "
                f"{day.ping:.0f} B (measured on the relay); {wire.REPORTS} reports and "
                f"{wire.DAY // wire.KEEPALIVE_S} pings a day: {total:,.0f} B; raw: {raw:,.0f} B, {what}"
            )
            label = f"{name}, {kind}: less than raw streaming, reports only"
            bars.add(label, f"≥ {goal} %", f"{less:.4f} %", less >= goal)
        if hasattr(case.module, "WINDOW") and not case.BY_CLASS:
            duty = DUTY * case.WINDOW * 2
            print(
                f"  {name}: {100 * (1 - total / duty):.1f} % less than a window every ten minutes, {duty:,} B"
            )
    for name in ("people",) if smoke else PRIVATE:
        tried, left = wire.kept_back(wire.use_case(name))
        bars.add(f"{name}: bytes of {tried} windows that nobody flagged", "0", str(left), left == 0)
    _segments(wire.use_case("ecg"), smoke)


DUTY = wire.DAY // 600  # windows a day


def _segments(case, smoke: bool) -> None:
    """ECG with its flagged beats: reported apart."""
    import numpy as np

    beat = np.zeros((3 * int(case.RATE), 1), "<i2")
    body = Segment(Reason.UNCERTAIN, 2, 0.5, beat, case.SENSITIVITY).encode()
    day = wire.day(case, Kind.SEGMENT, body, 5 if smoke else 30, "mosquitto")
    count = int(wire.BEATS * wire.ECTOPIC)
    raw, _ = wire.raw_bytes_per_day(case)
    less = 100 * (1 - day.total(count) / raw)
    print(
        f"  ecg with {count:,} segments of 3 s a day, {day.each:.0f} B each (measured): {less:.1f} % less "
        "than raw; no bar"
    )


def _cascade(bars: Bars, smoke: bool) -> None:
    found = cascade.measure(smoke)
    print(
        f"  {cascade.NAME}, real data, {found.windows:,} windows of {found.people} people unheard: device "
        f"{found.device:.3f}, gateway alone {found.gateway:.3f}, cascade {found.cascade:.3f}; "
        f"{found.sent:.0%} sent up (measured)"
    )
    below = 100 * (found.gateway - found.cascade)
    what = "cascade: points below the gateway's model alone"
    bars.add(what, "≤ 0.5", f"{below:+.2f}", below <= 0.5)


def _device(bars: Bars) -> None:
    found = cost()
    print(
        "  " + ", ".join(f"{name} {figure}" for name, figure in vars(found).items()) + " (emulated)"
    )
    bars.add(
        "device: outbox and epoch, code on a Cortex-M4",
        "≤ 2,048 B",
        str(found.code),
        found.code.value <= 2048,
    )
    from edgekit.assurance import powercut_epoch

    cuts = powercut_epoch.cuts()
    faults = sum(cuts[f] for f in powercut_epoch.FAULTS)
    bars.add(
        "device: faults of its epochs over power cuts",
        "0",
        f"{faults} in {cuts['lives']:,} lives",
        faults == 0,
    )
