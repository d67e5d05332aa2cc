"""Hostile heads of packages for the device's parser: flipped bits, lying lengths, what a stolen key signs.

Each input goes through the C in a process of its own, compiled with sanitizers, from a block of memory that
has exactly its length. The Python reader is asked about each one, too, and must give the same verdict.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from edgekit.agent import native
from edgekit.core.errors import EdgekitError
from edgekit.core.programs import SAID
from edgekit.emulate.toolchain import compile_sanitized
from edgekit.firmware import c_sources
from edgekit.packages import suit
from edgekit.packages.keys import FileSigner
from edgekit.packages.manifest import KINDS, RAW, RULES
from edgekit.packages.package import Device, check

BATCH = 5000
PAYLOAD = bytes(range(24))


def fuzz(n: int = 100_000, seed: int = 0):
    """n hostile heads through `manifest_read` and `manifest_check` under sanitizers.

    Half of them are signed again after the manifest was damaged, so that the damage reaches the parser behind
    the signature. Returns a DataFrame, one row for each kind of damage: inputs, read (signed and in form),
    taken (and made for this device), crashes, unlike (Python takes it, or names another rule). `attrs`:
    "reasons" (reason -> inputs), "sanitizers", "seconds", "finds" (what the sanitizers said), "forged"
    (inputs whose signature was found good though nobody signed that head). The same seed makes the same
    inputs but for the keys.
    """
    import pandas as pd

    began, rng, keys, goods = time.monotonic(), np.random.default_rng(seed), *_packages()
    program, sanitizers = driver()
    device = _device(suit.read(goods[0], [keys[0].public])[0])
    table = {k: dict(inputs=0, read=0, taken=0, crashes=0, unlike=0) for k in (*DAMAGES, *SIGNED)}
    reasons: Counter = Counter()
    finds: list = []
    forged = 0
    signed_heads = tuple(good[: suit.head_size(good)] for good in goods)
    reason = native.library().manifest_reason
    for start in range(0, n, BATCH):
        count = min(BATCH, n - start)
        cases = [_case(rng, goods, keys[0]) for _ in range(count)]
        answers = run(program, keys, goods[0], [data for _, data in cases], finds)
        for (kind, data), answer in zip(cases, answers, strict=True):
            row = table[kind]
            row["inputs"] += 1
            if answer is None:
                row["crashes"] += 1
                continue
            read, checked, size = answer
            reasons[reason(read or checked).decode()] += 1
            row["read"] += read == 0
            row["taken"] += read == checked == 0
            forged += read == 0 and kind in DAMAGES and not data.startswith(signed_heads)
            # the C sees the head only, so what stands behind it shall not count for Python either
            whole = data if read else data[:size].ljust(size, b"\0")
            row["unlike"] += verdict(whole, keys, device) != kind_of(RULES[read or checked])
    frame = pd.DataFrame.from_dict(table, orient="index").rename_axis("damage").reset_index()
    frame.attrs |= {"reasons": dict(reasons.most_common()), "sanitizers": sanitizers}
    frame.attrs |= {"seconds": time.monotonic() - began, "finds": finds, "forged": forged}
    return frame


def driver() -> tuple[Path, str]:
    """The compiled driver, and which sanitizers watch it."""
    files = native.files() | c_sources("fuzz_manifest.c")
    return compile_sanitized(files, ("-O1", "-DMUL64_IS_CONSTANT_TIME"))


def run(program: Path, keys, good: bytes, inputs: list[bytes], finds: list | None = None) -> list:
    """(code of reading, code of checking, size of the whole package) for each input; None for a crash.

    After a crash a new process goes on with the next input; `finds` takes a line for each. Raises
    EdgekitError where the driver does not run at all, or hangs.
    """
    answers: list = []
    head = [*(native.raw_key(k.public) for k in keys), good]
    while len(answers) < len(inputs):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "inputs"
            records = (*head, *inputs[len(answers) :])
            file.write_bytes(b"".join(len(r).to_bytes(4, "little") + r for r in records))
            try:
                done = subprocess.run([program, file], timeout=300, **SAID)
            except subprocess.TimeoutExpired:
                raise EdgekitError("the parser did not come back within 300 s: a hang") from None
        answers += [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
        if done.returncode in (3, 4, 5):
            raise EdgekitError("the parser refuses a good package, or gives no reason")
        if done.returncode:
            said = [s for s in done.stderr.splitlines() if "rror" in s] or [f"{done.returncode}"]
            (finds if finds is not None else []).append(said[0])
            answers.append(None)
        elif len(answers) < len(inputs):
            raise EdgekitError("the driver ended before its inputs did")
    return answers


def _packages() -> tuple[list[FileSigner], list[bytes]]:
    """Two signers, and good packages of every form by them; the first one is a device's own."""
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519

    keys = [FileSigner(ed25519.Ed25519PrivateKey.generate())]
    keys.append(FileSigner(ec.generate_private_key(ec.SECP256R1())))
    goods = []
    for i in range(12):
        encoding, size = i % 3, (24, 300, 70_000, 1 << 31)[i % 4]
        fetched = hashlib.sha256(PAYLOAD).digest()
        if encoding == RAW:
            size = len(PAYLOAD)
        manifest = suit.Manifest(
            sequence=1000 + i, vendor=b"v" * 16, model=b"m" * 16,
            digest=bytes(range(32)) if encoding else fetched, size=size,
            payload_digest=fetched, payload_size=len(PAYLOAD), arena=(20, 5000, 1 << 19)[i % 3],
            operators=(0, 3, 25, 114)[: i % 5], io=b"ioio", abi=b"abia", features=b"feat",
            kind=i // 6, encoding=encoding, base=b"base" * 2 if encoding == 2 else b"",
            device=b"d" * 16 if i % 2 else b"", expires=(0, 1 << 31)[i % 4 > 1],
        )  # fmt: skip
        goods.append(suit.sign(manifest, PAYLOAD, keys[i == 5]))
    return keys, goods


def _case(rng, goods: list[bytes], signer: FileSigner) -> tuple[str, bytes]:
    """One input: its kind of damage, and its bytes."""
    good, other = (goods[int(rng.integers(len(goods)))] for _ in range(2))
    if rng.random() < 0.5:
        kind = list(DAMAGES)[int(rng.integers(len(DAMAGES)))]
        return kind, DAMAGES[kind](rng, good, other)
    kind = list(SIGNED)[int(rng.integers(len(SIGNED)))]
    body, alien = (suit.opened(p)[3] for p in (good, other))
    damaged = DAMAGES[kind.removesuffix(", signed")](rng, body, alien)
    return kind, suit.sealed(damaged, PAYLOAD, signer)  # what a stolen key can make


def verdict(data: bytes, keys, device: Device) -> str:
    """The rule (of `RULES`) that Python says is broken, "" for none; `kind_of` it."""
    try:
        check(suit.read(data, [k.public for k in keys])[0], device)
    except suit.PackageError as refusal:
        return kind_of(refusal.rule)
    return ""


def kind_of(rule: str) -> str:
    """A head that is cut and wrong besides is both: what is found first depends on who looks."""
    return "envelope" if rule in ("short", "long") else rule


def _device(m: suit.Manifest) -> Device:
    """The one in `fuzz_manifest.c`, which takes the manifest's own package."""
    return Device(
        m.vendor, m.model, bytes(16), m.sequence - 1, 1 << 20, 1 << 20, m.operators, m.io, m.abi,
        m.features, base=m.base, kind=KINDS[m.kind],
    )  # fmt: skip


# ---- Kinds of damage: (rng, bytes, other bytes of the same sort) -> bytes ----


def heads(data: bytes) -> list[int]:
    """Where CBOR items begin, those in byte strings that hold CBOR included as far as they parse as it."""
    found, at = [], 0
    while at < len(data):
        found.append(at)
        low, major = data[at] & 31, data[at] >> 5
        size = 1 + (1 << low - 24 if 24 <= low <= 27 else 0)
        n = low if low < 24 else int.from_bytes(data[at + 1 : at + size], "big")
        nested = (
            major == 2
            and n > 8
            and data[at + size : at + size + 1]
            and (data[at + size] >> 5 in (4, 5, 6))
        )
        at += size + (n if major in (2, 3) and not nested else 0)
    return found


def _flip(rng, data, _):
    made = bytearray(data)
    for at in rng.integers(8 * len(data), size=int(rng.integers(1, 4))):
        made[at // 8] ^= 1 << at % 8
    return bytes(made)


def _set(rng, data, _):
    made = bytearray(data)
    made[int(rng.integers(len(data)))] = (0, 0x18, 0x1F, 0x5F, 0x7F, 0xFF)[int(rng.integers(6))]
    return bytes(made)


def _cut(rng, data, _):
    return data[: int(rng.integers(len(data)))]


def _splice(rng, data, other):
    i, j = rng.integers(len(data)), rng.integers(len(other))
    return data[:i] + other[j:]


def _repeat(rng, data, _):
    i, j = sorted(rng.integers(len(data) + 1, size=2))
    return data[:j] + data[i:]  # a piece twice


def _lie(rng, data, _):
    """A length, or another number, that is not so."""
    where = heads(data)
    at = where[int(rng.integers(len(where)))]
    big = rng.bytes(1 << int(rng.integers(4)))
    low = 24 + len(big).bit_length() - 1
    return data[:at] + bytes([data[at] & 0xE0 | low]) + big + data[at + 1 :]


def _longer(rng, data, _):
    """The same number in more bytes than it needs, or a length that is not told."""
    where = heads(data)
    at = where[int(rng.integers(len(where)))]
    low = data[at] & 31
    if low >= 27 or rng.random() < 0.1:
        return data[:at] + bytes([data[at] | 31]) + data[at + 1 :]
    if low < 24:
        return data[:at] + bytes([data[at] & 0xE0 | 24, low]) + data[at + 1 :]
    size = 1 << low - 24
    return data[:at] + bytes([data[at] + 1]) + bytes(size) + data[at + 1 :]


def _nest(rng, data, _):
    """Many items within each other."""
    at = int(rng.integers(len(data)))
    kind = (0x81, 0xA1, 0xC6, 0x5F, 0x9F, 0x41)[int(rng.integers(6))]
    return data[:at] + bytes([kind]) * int(rng.integers(1, 400)) + data[at:]


def _noise(rng, data, _):
    return rng.bytes(int(rng.integers(600)))


def _none(rng, data, _):
    return data


DAMAGES = {
    "none": _none,
    "flipped bits": _flip,
    "another byte": _set,
    "cut off": _cut,
    "spliced": _splice,
    "a piece twice": _repeat,
    "length lies": _lie,
    "longer numbers": _longer,
    "deep nesting": _nest,
    "noise": _noise,
}
SIGNED = tuple(f"{kind}, signed" for kind in DAMAGES)
