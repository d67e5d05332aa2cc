"""From device to cloud: nothing lost, nothing twice, few bytes, and as right as the gateway's model.

Full: about half an hour; `--smoke`: a few kills at one broker and fewer reports, no cascade.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks.bars import Bars
from benchmarks.fleet import cascade, service, tiers, wire
from benchmarks.fleet.fleet_loop import FleetLoop, differences
from edgekit.telemetry.device_cost import cost

GOALS = {"bearing": 99.99, "people": 99.99, "ecg": 99.9}
KILLS, CONTROL_KILLS, CUT_S, PAUSE_S = 50, 20, 30.0, 3.0
SMOKE_KILLS, SMOKE_CUT_S, SMOKE_KILL_PAUSE_S = 4, 3.0, 0.6
SMOKE_CONTROL, SMOKE_PAUSE_S = ("gateway", "broker"), 0.2  # a queue dies that nobody else has
SMOKE_LOOP = {"devices": 2, "weeks": 2}
SEED = 11


def bars(bars: Bars, smoke: bool = False) -> None:
    """Bytes; privacy; kills and a cut, with the control beside it; the cascade; the device's C."""
    with tempfile.TemporaryDirectory(prefix="edgekit-loop-") as folder:
        loop = FleetLoop(Path(folder) / "undisturbed", **SMOKE_LOOP if smoke else {})
        kinds = ("amqtt",) if smoke else ("mosquitto", "amqtt")  # amqtt: whoever has pip has it
        try:
            loop.start()
            for kind in kinds:
                _bytes(bars, kind, smoke)
                _control(bars, kind, smoke)
            loop.finish()
        finally:
            loop.kill()
        for kind in kinds:
            _chaos(bars, kind, smoke, loop)
        if not smoke:
            _postgresql(bars)
            _cascade(bars)
    _device(bars)


def _chaos(bars: Bars, kind: str, smoke: bool, undisturbed: FleetLoop) -> None:
    kills, cut_s = (SMOKE_KILLS, SMOKE_CUT_S) if smoke else (KILLS, CUT_S)
    rng = random.Random(SEED)
    with _site(kind, undisturbed=undisturbed) as running:
        killed = running.kill(
            running.draw(rng, kills), rng, SMOKE_KILL_PAUSE_S if smoke else PAUSE_S
        )
        running.cut_network(cut_s)
        counts = running.settle(120)
        repeated = sum(one.up.repeated for one in running.devices)
        loop = running.loop.finish()
        total, lacking, besides = differences(loop, undisturbed)
    _say(kind, killed, counts[0], repeated)
    at = ", ".join(map(str, loop.killed_at))
    print(f"  {kind}: loop of {loop.devices} devices x {loop.weeks} weeks killed after {at} steps")
    _nothing_lost(bars, f"{kind}: {kills} kills and a cut of {cut_s:.0f} s", kind, counts)
    figure = f"{lacking} lost, {besides} doubled of {total:,}"
    met = not lacking and not besides and total > 0 and "loop" in killed
    bars.add(f"{kind}: rows of the killed loop, beside an undisturbed one's", "0", figure, met)


def _control(bars: Bars, kind: str, smoke: bool) -> None:
    """The broker as it comes has a bar; with its queues on the disk it only shows what is left to lose."""
    rng = random.Random(SEED)
    for persistent in (False,) if smoke or kind != "mosquitto" else (False, True):
        with _site(kind, qos1=True, persistent=persistent) as running:
            names = SMOKE_CONTROL if smoke else running.draw(rng, CONTROL_KILLS)
            running.kill(names, rng, SMOKE_PAUSE_S if smoke else PAUSE_S)
            made, lost, _ = running.settle(60)
        if persistent:
            print(
                f"  {kind}: with queues on the disk the control lost {lost} of {made:,} (measured)"
            )
            continue
        what = f"{kind}: the control, QoS 1 only, {len(names)} kills: events lost"
        bars.add(what, "≥ 1", f"{lost} of {made:,}", lost >= 1)


def _postgresql(bars: Bars) -> None:
    """The same with the cloud's table in PostgreSQL; its server is not killed."""
    if service.POSTGRES is None:
        print("  no PostgreSQL on this machine: its table is not tried")
        return
    rng = random.Random(SEED)
    with service.postgresql() as url, _site("mosquitto", database=url) as running:
        killed = running.kill(running.draw(rng, CONTROL_KILLS), rng, PAUSE_S)
        counts = running.settle(120)
        repeated = sum(one.up.repeated for one in running.devices)
    _say("PostgreSQL", killed, counts[0], repeated)
    _nothing_lost(bars, f"PostgreSQL, mosquitto: {CONTROL_KILLS} kills", "PostgreSQL", counts)


def _say(kind: str, killed: list[str], made: int, repeated: int) -> None:
    shown = ", ".join(f"{name} {killed.count(name)}" for name in sorted(set(killed)))
    print(f"  {kind}: killed {shown}; {made:,} events, {repeated:,} repeats (measured)")


def _nothing_lost(bars: Bars, what: str, kind: str, counts: tuple[int, int, int]) -> None:
    made, lost, doubled = counts
    bars.add(f"{what}: events lost", "0", f"{lost} of {made:,}", lost == 0 and made > 100)
    bars.add(f"{kind}: rows that are double, or nobody's", "0", str(doubled), doubled == 0)


@contextmanager
def _site(kind: str, undisturbed: FleetLoop | None = None, **how) -> Iterator[tiers.Tiers]:
    """All tiers, at work for a second; with a loop of the same world as the undisturbed one."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgekit-tiers-")))
        loop = None
        if undisturbed:
            loop = FleetLoop(folder / "fleet", undisturbed.devices, undisturbed.weeks)
            loop.folder.mkdir()
            (loop.folder / "world").symlink_to(undisturbed.folder / "world")
        running = stack.enter_context(tiers.Tiers(kind, folder, loop=loop, **how))
        time.sleep(1.0)
        yield running


def _bytes(bars: Bars, kind: str, smoke: bool) -> None:
    with wire.line(kind) as line:
        session = wire.session(line, smoke)
        print(
            f"  {kind}: handshake {session.handshake:,} B, a ping {session.ping:.0f} B (measured on the "
            "relay, both ways, TLS and both acknowledgements included)"
        )
        for name in wire.USE_CASES:
            case = wire.use_case(name)
            _listing(bars, kind, wire.listing(line, session, case, smoke))
            tried = wire.private(line, case)
            what = f"{name}, {kind}: bytes of {tried.held} tries of what may not leave"
            met = not tried.bytes_held and not tried.astray and tried.arrived == tried.wanted
            figure = f"{tried.bytes_held}; {tried.arrived} of {tried.wanted} that may arrived"
            bars.add(what, "0", figure, met)


def _listing(bars: Bars, kind: str, found: wire.Listing) -> None:
    """Bytes by kind, each beside its baselines."""
    print(f"  {found.name}, {kind}: raw is {found.raw:,.0f} B a day, {found.raw_is} (estimated)")
    print(f"    all windows that it classifies: {found.duty:,.0f} B a day (estimated)")
    for name, part in found.kinds.items():
        print(
            f"    {name:<15} {part.count:>9,.2f} a day of {part.body:>6,} B: {part.each:>6,.0f} B each "
            f"(measured), {part.day:>11,.0f} B a day"
        )
    day, often = found.day(found.short), found.designed
    for what, total in (
        ("no windows", day),
        ("with flagged and labelled ones", found.day(found.kinds)),
        (f"{often.count:,} reports of {often.body:,} B instead", found.session.day + often.day),
    ):
        print(
            f"    {what}: {total:,.0f} B, {found.less(total):.4f} % less than raw, "
            f"{found.less(total, found.duty):.3f} % less than all windows"
        )
    if goal := GOALS.get(found.name):
        what = f"{found.name}, {kind}: less than raw streaming, no windows"
        bars.add(what, f"≥ {goal} %", f"{found.less(day):.4f} %", found.less(day) >= goal)


def _cascade(bars: Bars) -> None:
    for name in cascade.FOLDS:
        found = cascade.measure(name)
        kind = "simulated" if found.simulated else "real"
        print(
            f"  {name}, {kind} data, {found.windows:,} windows of {found.groups} people that neither model "
            f"knows, balanced: device {found.device:.3f}, gateway alone {found.gateway:.3f}, cascade "
            f"{found.cascade:.3f}; {found.sent:.0%} sent up (measured)"
        )
        below = 100 * (found.gateway - found.cascade)
        what = f"{name}: points of the cascade below the gateway's model"
        bars.add(what, "≤ 0.5", f"{below:+.2f}", below <= 0.5)


def _device(bars: Bars) -> None:
    found = cost()
    shown = ", ".join(f"{name} {figure}" for name, figure in vars(found).items())
    print(f"  {shown} (emulated)")
    what = "device: outbox and epoch, code on a Cortex-M4"
    bars.add(what, "≤ 2,048 B", str(found.code), found.code.value <= 2048)
    from edgekit.assurance import powercut_epoch

    cuts = powercut_epoch.cuts()
    faults = sum(cuts[f] for f in powercut_epoch.FAULTS)
    what = "device: faults of its epochs over power cuts"
    bars.add(what, "0", f"{faults} in {cuts['lives']:,} lives", faults == 0)
