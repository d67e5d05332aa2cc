"""What a hostile reviewer would try: hostile bytes, attacks, power cuts, and mistakes in the C itself.

`python -m benchmarks.ota safety`: 20 minutes; `--smoke`: some of each, a good minute.
"""

from __future__ import annotations

import numpy as np
from cryptography.hazmat.primitives.asymmetric import ed25519

from benchmarks.bars import Bars
from benchmarks.ota import bombs, draft, mutations, readers, trust
from benchmarks.ota.mutants import Lab
from edgekit import agent, assurance, packages
from edgekit.agent.host_device import HostDevice
from edgekit.assurance import attacks, fuzz_delta, fuzz_manifest, powercut, powercut_agent
from edgekit.packages.keys import FileSigner
from tests.emulate.bearings import model
from tests.updates_fixtures import release_of, retrained


def bars(bars: Bars, smoke: bool = False) -> None:
    old = release_of(model())
    new = release_of(retrained(old.tflite))
    signer = FileSigner(ed25519.Ed25519PrivateKey.generate())
    bytes_of_strangers(bars, smoke)
    on_devices(bars, smoke, old, new, signer)
    read_in_python(bars, smoke)
    draft.bars(bars)
    trust.bars(bars, smoke)
    without_power(bars, smoke)
    mistakes(bars, smoke)


def bytes_of_strangers(bars: Bars, smoke: bool) -> None:
    """Each reader in C under sanitizers, and the one in Python on the same input."""
    n = 1_000 if smoke else 50_000
    table = fuzz_manifest.fuzz(n)
    forged = table.attrs["forged"]
    shown = f"{forged} in {n:,} inputs, half of them well signed"
    bars.add("heads of packages: taken in C, and nobody signed them", "0", shown, forged == 0)
    unlike = int(table.unlike.sum())
    shown = f"{unlike} in {n:,}; {len(table.attrs['reasons'])} answers"
    bars.add("heads of packages: Python and C disagree", "0", shown, unlike == 0)
    crashes(bars, "heads of packages", n, table)
    table = fuzz_delta.fuzz(n, compared=1)
    unlike = int(table.unlike.sum())
    bars.add("deltas: Python and C disagree", "0", f"{unlike} in {n:,}", unlike == 0)
    crashes(bars, "deltas", n, table)


def crashes(bars: Bars, what: str, n: int, table) -> None:
    found = int(table.crashes.sum()) + len(table.attrs["finds"])
    shown = f"{found} in {n:,} ({table.attrs['sanitizers']})"
    bars.add(f"{what}: what the sanitizers find in C", "0", shown, found == 0)


def on_devices(bars: Bars, smoke: bool, old, new, signer) -> None:
    """Attack tables and damaged packages through the whole agent: new, and in the field."""
    program = agent.firmware(old, [signer.public], "cortex-m4")
    for where_, make, every, n in (
        ("this machine", lambda: HostDevice(old, [signer.public], old.device()), 1, 2_000),
        ("emulated core", lambda: agent.DeviceSimulator(program, old.device()), 7, 300),
    ):
        if smoke:
            every, n = 100 * every, n // 20
        device, kinds, tries, refused = make(), set(), 0, True
        first, delta = (
            packages.sign_package(x, signer) for x in (old.unsigned(1), new.unsigned(2, old))
        )
        wrong = unlike = 0
        for data, known, base in (
            (first, old.device(), b""),
            (delta, old.device(sequence=1, base=old.image), old.image),
        ):
            table = assurance.attack(data, signer, known, base, answer=device.answer, every=every)
            kinds |= set(table.attack)
            tries, refused = tries + int(table.tries.sum()), refused and table.refused.all()
            counted = damaged(
                n // 2, device, attacks.Attempt(data, known, (signer.public,), base=base)
            )
            wrong, unlike = wrong + counted[0], unlike + counted[1]
            device.install(first)
            device.reset()
        shown = f"{len(kinds)} kinds, {tries:,} tries, all refused" if refused else "ACCEPTED"
        bars.add(f"attacks on a new device and one in the field, {where_}", "0", shown, refused)
        shown = f"{wrong} taken, {unlike} unlike Python, of {n:,}"
        what = f"damaged packages through the whole agent, {where_}"
        bars.add(what, "0", shown, wrong == unlike == 0)


def damaged(n: int, device, start: attacks.Attempt, seed: int = 0) -> tuple[int, int]:
    """n damaged copies of a package: (taken although another image is in it, answers unlike Python's)."""
    rng, wrong, unlike = np.random.default_rng(seed), 0, 0
    kinds = [k for k in fuzz_manifest.DAMAGES if k != "none"]
    for i in range(n):
        data = fuzz_manifest.DAMAGES[kinds[i % len(kinds)]](rng, start.data, start.data)
        attempt = attacks.Attempt(data, start.device, start.trusted, base=start.base)
        taken = not device.answer(attempt)
        wrong += taken and data != start.data
        unlike += taken == bool(attacks.check_in_python(attempt))
    return wrong, unlike


def read_in_python(bars: Bars, smoke: bool) -> None:
    """Time and memory of every reader for small bytes that are made to hurt."""
    made = bombs.bombs(24 if smoke else 240)
    inputs = [data for _, bomb in made for data in readers.everywhere(bomb)]
    found = [n for row in readers.needs("benchmarks.ota.readers:everyone", inputs) for n in row]
    worst, most = max(n.seconds for n in found), max(n.peak for n in found)
    names = sorted({n.reader for n in found})
    beyond = [n for n in found if not n.within]
    shown = (
        f"{1e3 * worst:.1f} ms, {most / 1e3:,.0f} kB; {len(inputs):,} inputs, {len(names)} readers"
    )
    if beyond:
        shown += f"; {len(beyond)} beyond, first: {beyond[0]}"
    bars.add("readers in Python, the slowest and the largest", "50 ms, 20 MB", shown, not beyond)
    (control,), *_ = readers.needs("benchmarks.ota.readers:unguarded", [made[0][1]])
    shown = control.error or f"{control.seconds:.1f} s, {control.peak / 1e6:,.0f} MB"
    bars.add("… and a decoder without a guard is seen", "beyond", shown, not control.within)


def without_power(bars: Bars, smoke: bool) -> None:
    """Cuts at every operation of the slots' lives, and of the whole agent's with deltas, bans, clocks."""
    slots, agent = powercut.SCENARIOS, powercut_agent.AGENT_SCENARIOS
    core = powercut.CORE_SCENARIOS + powercut_agent.AGENT_CORE_SCENARIOS
    if smoke:
        slots, agent, core = slots[:2], agent[1:2], ()
    for what, make, scenarios in (
        ("slots, this machine", powercut.HostTarget, slots),
        ("whole agent, this machine", powercut.HostTarget, agent),
        ("emulated Cortex-M4", powercut.CoreTarget, core),
    ):
        if not scenarios:  # nothing of it in a minute
            continue
        found = powercut.search(make, scenarios)
        shown = f"{found.faults} in {int(found.table.cuts.sum()):,} cuts"
        bars.add(f"power cuts, {what}: bricks, wrong boots, bans", "0", shown, found.clean)


def mistakes(bars: Bars, smoke: bool) -> None:
    """Mutants of the C: which ones does no test notice?"""
    made = mutations.few() if smoke else mutations.every()
    alive, redundant = [], mutations.REDUNDANT
    with Lab(mutations.QUICK if smoke else mutations.TESTS) as lab:
        lab.calibrate()
        shown = f"{len(lab.times) - len(lab.blind)} of {len(lab.times)}"
        bars.add(
            "tests that pass where there is no mistake, and are asked",
            "≥ 30",
            shown,
            len(lab.times) - len(lab.blind) >= 30,
        )
        for found in lab.run(made):
            if not found.by:
                alive.append(found.mutant.wrong)
                print(f"  not noticed: {found.mutant.wrong}", flush=True)
    named = [wrong for wrong in alive if wrong in redundant]
    shown = f"{len(made) - len(alive)} of {len(made)} noticed, {len(named)} redundant by name"
    what = f"mistakes in {len({m.file for m in made})} files of the device's C, one at a time"
    bars.add(what, "all", shown, len(named) == len(alive) and (smoke or len(made) >= 60))
    if smoke:
        return
    stale = set(redundant) - set(alive)
    bars.add("… redundant by name, and noticed or not there", "0", f"{len(stale)}", not stale)
    table = powercut.mutations()
    shown = f"{int(table.caught.sum())} of {len(table)}"
    bars.add(
        "mistakes that the search for power cuts notices", "all", shown, bool(table.caught.all())
    )
