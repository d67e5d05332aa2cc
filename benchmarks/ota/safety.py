"""Attacks, hostile bytes and power cuts."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ed25519

from benchmarks.bars import Bars
from edgekit import ota
from edgekit.ota import fuzz, fuzz_delta, powercut
from edgekit.ota.keys import FileSigner
from tests.device.bearings import model
from tests.ota.conftest import release_of, retrained

INPUTS = 100_000


def bars(bars: Bars) -> None:
    old = release_of(model())
    new, signer = (
        release_of(retrained(old.tflite)),
        FileSigner(ed25519.Ed25519PrivateKey.generate()),
    )
    data = ota.resign(new.unsigned(2, old), signer)
    device = old.device(sequence=1, base=old.image)
    program = ota.firmware(old, [signer.public], "cortex-m4")
    core = ota.Core(program, old.device())
    core.install(ota.resign(old.unsigned(1), signer))
    core.reset()
    for where, answer, every in (("host", None, 1), ("emulated core", core.answer, 7)):
        how = {"answer": answer} if answer else {}
        table = ota.attack(data, signer, device, old.image, every=every, **how)
        shown = (
            f"{int(table.refused.sum())} of {len(table)} kinds, {int(table.tries.sum()):,} tries"
        )
        bars.add(f"attacks refused, {where}", "all", shown, bool(table.refused.all()))

    for name, run in (("manifest parser", fuzz.fuzz), ("delta decoder", fuzz_delta.fuzz)):
        table = run(INPUTS)
        found = int(table.crashes.sum()) + len(table.attrs.get("finds", ()))
        shown = f"{found} crashes in {INPUTS:,} inputs ({table.attrs.get('sanitizers', 'sanitizers on')})"
        bars.add(f"{name} in C, fuzzed", "0 crashes", shown, found == 0)

    searches = {"this machine": powercut.search()}
    searches["emulated Cortex-M4"] = powercut.search(powercut.OnCore, powercut.CORE_SCENARIOS)
    for where, found in searches.items():
        shown = f"{found.faults} in {int(found.table.cuts.sum()):,} cuts"
        bars.add(f"power cuts, {where}: bricks, wrong boots, …", "0", shown, found.clean)
    table = powercut.mutations()
    shown = f"{int(table.caught.sum())} of {len(table)}"
    bars.add("mutations of the C that the search catches", "all", shown, bool(table.caught.all()))
