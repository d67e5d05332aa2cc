"""The attacks on the device itself, its agent in C on the emulated core: in the field, and new."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from edgekit.agent.device_firmware import firmware
from edgekit.agent.simulator import DeviceSimulator
from edgekit.assurance.attacks import attack, attack_keyset, attack_transfer
from edgekit.assurance.keyset_target import generate_keys
from edgekit.core.errors import EdgekitError
from edgekit.packages.manifest import KINDS
from edgekit.packages.package import (
    MAX_FAST_FORWARD,
    TIMESTAMPS_FROM,
    Device,
    digest,
    manifest_of,
    sign_package,
)
from edgekit.packages.public_keys import Signer
from edgekit.packages.release import Release

if TYPE_CHECKING:
    import pandas as pd


def attack_device(
    package: bytes,
    signer: Signer,
    release: Release,
    base: Release | None = None,
    every: int = 1,
    device: Device | None = None,
) -> pd.DataFrame:
    """Try each attack on emulated devices; one row each: device, attack, tries, refused, answer.

    One device is in the field: it runs `base`, what a delta starts from, else `release`, the program's own
    model, under the number before the package's; there `package` is attacked, on its way too. Another is new;
    there it is the release under its first number. A third has root keys above the one that signs: there the
    lists of keys, the statements and the reports are attacked. `device`: what they know of themselves, else
    the release's. `every` as for `attack`. Raises EdgekitError if they take no package without any attack.
    """
    import pandas as pd

    manifest = manifest_of(package)
    number = manifest.sequence
    if (kind := KINDS[manifest.kind]) != "weights":
        raise EdgekitError(
            f"the emulated core runs generated code, and takes no package of kind {kind}"
        )
    now = number if number >= TIMESTAMPS_FROM else 0  # POSIX seconds, where numbers are
    device, program = device or release.device(), firmware(release, [signer.public])
    new, field = DeviceSimulator(program, device), DeviceSimulator(program, device)
    before = _brought_to(field, number - 1, base or release, signer, now)
    first = sign_package(release.unsigned(1), signer)
    keys = generate_keys(device.vendor, signer)
    guarded = DeviceSimulator(firmware(release, keys.first), device)
    on_new = attack(first, signer, device, b"", new.answer, every)
    in_field = attack(package, signer, *before, field.answer, every, now)
    tables = {
        "new": on_new,
        "in the field": in_field,
        "on the way": attack_transfer(package, field),
        "whom it trusts": attack_keyset(guarded, keys, first, every),
    }
    rows = [t.assign(device=where) for where, t in tables.items()]
    table = pd.concat(rows, ignore_index=True).fillna({"tries": 1}).astype({"tries": int})
    return table[["device", "attack", "tries", "refused", "answer"]]


def _brought_to(
    core: DeviceSimulator, number: int, runs: Release, signer: Signer, now: int
) -> tuple[Device, bytes]:
    """Let a new device run a release under this number; what it then knows of itself, and its image."""
    at = 0
    while at < number:
        at = number if now else min(number, at + MAX_FAST_FORWARD)
        why = core.install(sign_package(runs.unsigned(at), signer), now=now)
        if why or not core.reset().healthy:
            why = why or "it fails its self-test"
            raise EdgekitError(f"the device does not take the release before, number {at}: {why}")
    image = runs.image if number else b""
    known: dict[str, Any] = {
        "sequence": number,
        "counter": number,
        "base": digest(image) if image else b"",
    }
    return replace(core.device, **known), image
