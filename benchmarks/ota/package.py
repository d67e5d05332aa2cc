"""The envelope, and what checking and unpacking it costs a device, on a model that is made here."""

from __future__ import annotations

import time
from dataclasses import replace

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from benchmarks.bars import Bars
from edgekit import agent, assurance, packages
from edgekit.agent import decryption_cost
from edgekit.agent.decoder_cost import cost as decoder_cost
from edgekit.agent.verification_cost import cost as head_cost
from edgekit.agent.verification_cost import signature_cost
from edgekit.packages import suit
from edgekit.packages.keys import FileSigner
from edgekit.packages.public_keys import public_key
from tests.emulate.bearings import model
from tests.packages.published import ENVELOPES, PUBLIC_KEY
from tests.packages.published import parts as published
from tests.updates_fixtures import release_of, retrained


def bars(bars: Bars) -> None:
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = public_key(load_pem_public_key(PUBLIC_KEY))
    good = 0
    for text in ENVELOPES.values():
        parts = published(text)
        good += suit.authenticated(parts[2], parts[3], [key]) == key
    bars.add(
        "published SUIT envelopes that verify",
        f"{len(ENVELOPES)}",
        f"{good}",
        good == len(ENVELOPES),
    )

    old = release_of(model())
    new = release_of(retrained(old.tflite))
    signers = (
        FileSigner(ec.generate_private_key(ec.SECP256R1())),
        FileSigner(ed25519.Ed25519PrivateKey.generate()),
    )
    for signer in signers:
        data = packages.sign_package(new.unsigned(2, old, expires=1_900_000_000), signer)
        over = packages.verify(data, [signer.public]).overhead
        name = signer.public.algorithm
        bars.add(
            f"{name}: bytes over a delta's payload, with expiry", "≤ 340", f"{over}", over <= 340
        )
        found = head_cost(data, [signer.public])
        shown = f"{found.instructions.value:,} instructions, {found.flash.value:,} B of flash, "
        shown += f"{found.stack.value:,} B of stack (emulated Cortex-M4)"
        bars.add(f"{name}: a head verified on the core", "–", shown, True)
    found = decoder_cost(new.tflite, old.tflite)
    for what, figure in (("code", found.code), ("struct and stack", found.ram)):
        bars.add(
            f"delta decoder, {what}, Cortex-M4 -Os",
            "≤ 1,024 B",
            f"{figure.value:,} B",
            figure.value <= 1024,
        )
    for name in ("ES256", "ES256-joint", "ES256-fast"):
        found = signature_cost(name)
        shown = f"{found.instructions.value:,} instructions, {found.flash.value:,} B of flash with its hash"
        bars.add(f"{name}: one signature on the core", "–", f"{shown} (emulated Cortex-M4)", True)
    on_device(bars, old, new, signers[1])
    in_secret(bars, old, new, signers[1])


def on_device(bars: Bars, old, new, signer) -> None:
    """The whole program: a release, an update, a broken one."""
    program = agent.firmware(old, [signer.public], "cortex-m4")
    core = agent.DeviceSimulator(program, old.device())
    core.install(packages.sign_package(old.unsigned(1), signer))
    core.reset()
    began = time.perf_counter()
    refused = core.install(packages.sign_package(new.unsigned(2, old), signer))
    boot = core.reset()
    seconds = time.perf_counter() - began
    right = not refused and boot == agent.Boot(1, True, True)
    bars.add(
        "delta installed, tried and confirmed on the core",
        "yes",
        f"{right}, {seconds:.1f} s",
        right,
    )
    wrong = new.image[:-1] + bytes([new.image[-1] ^ 1])
    bad = packages.build(
        wrong,
        new.requirements,
        signer,
        sequence=3,
        vendor=new.vendor,
        model=new.class_name,
        kind="weights",
    )
    core.install(bad)
    boot = core.reset()
    reverted = boot == agent.Boot(1, False, False)
    bars.add("model that fails its self-test reverted", "yes", f"{reverted}", reverted)


def in_secret(bars: Bars, old, new, signer) -> None:
    """A package that one device can read."""
    kek = bytes(range(16))
    found = decryption_cost.cost("cortex-m4")
    size = found.flash.value
    bars.add("encrypted payloads: code, Cortex-M4 -Os", "≤ 4,096 B", f"{size:,} B", size <= 4096)
    shown = (
        f"{found.per_byte.value:.0f} instructions a byte, {found.begin.value:,.0f} for the key, "
    )
    shown += f"{found.state.value} B of RAM, {found.stack.value:,} B of stack (emulated Cortex-M4)"
    bars.add("encrypted payloads: time and memory", "–", shown, True)
    reads = replace(old, encryption="A128KW")
    core = agent.DeviceSimulator(
        agent.firmware(reads, [signer.public], "cortex-m4"), reads.device(kek=kek)
    )
    core.install(packages.sign_package(reads.unsigned(1, recipients=(kek,)), signer))
    core.reset()
    data = packages.sign_package(new.unsigned(2, old, recipients=(kek,)), signer)
    device = reads.device(sequence=1, base=old.image, kek=kek)
    table = assurance.attack(data, signer, device, old.image, core.answer, every=1 + len(data) // 8)
    got_in = int((~table.refused).sum())
    bars.add(
        "encrypted package: kinds of attack that the core takes",
        "0",
        f"{got_in} of {len(table)}",
        got_in == 0 and table.attack.str.startswith("encrypted").sum() >= 6,
    )
