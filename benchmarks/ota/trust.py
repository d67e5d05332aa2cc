"""Keys that change, statements of a release, reports: hostile inputs, attacks, power cuts, mistakes."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric import ed25519

from benchmarks.bars import Bars
from edgekit import agent, assurance, packages
from edgekit.assurance import fuzz_keyset, keyset_device, keyset_target, powercut_keyset
from edgekit.packages.keys import FileSigner
from tests.emulate.bearings import model
from tests.updates_fixtures import release_of

INPUTS = 5_000


def bars(bars: Bars, smoke: bool = False) -> None:
    inputs = INPUTS // 10 if smoke else INPUTS
    for what, search in (
        ("key manifests", fuzz_keyset.compare_keysets),
        ("statements", fuzz_keyset.compare_statements),
    ):
        counted, unlike = search(inputs)
        shown = f"{len(unlike)} of {sum(counted.values()):,}, {len(counted)} answers"
        bars.add(f"hostile {what}: Python and C disagree", "0", shown, not unlike)

    cases = list(fuzz_keyset.cases(inputs // 5, seed=1))
    answers = keyset_device.sanitized(cases)
    shown = f"0 in {len(answers):,} inputs"
    bars.add("key manifests under the sanitizers: finds", "0", shown, len(answers) == len(cases))

    found = powercut_keyset.cuts()
    lives, faults = found.pop("lives"), sum(found.values())
    shown = f"{faults} in {lives:,} lives"
    bars.add("power cuts in rotation, statement, report: faults", "0", shown, faults == 0)

    names = tuple(powercut_keyset.MUTATIONS)[:: 20 if smoke else 1]
    table = powercut_keyset.mutations(names)
    shown = f"{int(table.caught.sum())} of {len(table)}"
    bars.add("mistakes in the C of keys that are noticed", "all", shown, bool(table.caught.all()))

    release, signer = release_of(model()), FileSigner(ed25519.Ed25519PrivateKey.generate())
    device = release.device()
    keys = keyset_target.generate_keys(device.vendor, signer)
    core = agent.DeviceSimulator(agent.firmware(release, keys.first, "cortex-m4"), device)
    table = assurance.attack_keyset(
        core, keys, packages.sign_package(release.unsigned(1), signer), every=600 if smoke else 3
    )
    shown = f"{int(table.refused.sum())} of {len(table)} kinds, {int(table.tries.sum()):,} tries"
    bars.add("attacks on trust refused, emulated core", "all", shown, bool(table.refused.all()))
