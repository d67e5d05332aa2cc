"""Small inputs that cost much: what do the readers in Python need, before and behind a signature?

CBOR can say in a few bytes what takes a reader gigabytes: references that multiply, exponents, lengths that
nobody sends, items within each other. Each input is read in a process of its own kind that may be lost.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from edgekit import project
from edgekit.errors import EdgekitError

LARGEST = 4096  # bytes of an input
SECONDS, BYTES = 0.050, 20e6  # what a reader may need for one
PATIENCE = 3  # seconds after which a reader is said to hang
MEMORY = 3 << 30  # bytes of address space that it may have at all
AGAIN = 3  # times that a slow one is read: the machine may have been busy


@dataclass(frozen=True)
class Need:
    """What one input took of one reader. `error`: what it raised beside a refusal, "" if nothing."""

    reader: str
    seconds: float  # of the processor
    peak: int  # bytes, by tracemalloc
    error: str = ""

    @property
    def within(self) -> bool:
        return self.seconds <= SECONDS and self.peak <= BYTES and not self.error


# ---- Bombs: (rng, bytes that there are) -> CBOR or what looks like it ----


def head(major: int, n: int) -> bytes:
    """The head of a CBOR item, in its shortest form."""
    if n < 24:
        return bytes([major << 5 | n])
    low, size = next((low, 1 << low - 24) for low in range(24, 28) if n < 1 << (8 << low - 24))
    return bytes([major << 5 | low]) + n.to_bytes(size, "big")


def _laughs(rng, most):
    """Each level refers to the one in it many times (tags 28 and 29)."""
    wide = int(rng.integers(2, 12))
    deep = min(int(rng.integers(4, 60)), most // (4 + 4 * wide))
    made = b"\xd8\x1c\x80"  # shared number `deep`; what is around it was begun, and counted, before
    for number in range(deep, 0, -1):
        made = b"\xd8\x1c" + head(4, wide) + made
        made += (b"\xd8\x1d" + head(0, number)) * (wide - 1)
    return made


def _cycle(rng, _):
    """An item that holds itself."""
    kinds = (
        b"\xd8\x1c\x81\xd8\x1d\x00",
        b"\xd8\x1c\xa1\x00\xd8\x1d\x00",
        b"\xd8\x1c\x82\xd8\x1d\x00\xd8\x1d\x00",
    )
    return kinds[int(rng.integers(len(kinds)))]


def _deep(rng, most):
    """Items within each other."""
    kinds = (
        b"\x81",
        b"\x82\x00",
        b"\xa1\x00",
        b"\xc6",
        b"\x9f",
        b"\xbf\x00",
        b"\xd8\x1c\x81",
        b"\xd9\x01\x02\x81",
        b"\x5f",
    )
    kind = kinds[int(rng.integers(len(kinds)))]
    return kind * int(rng.integers(10, most // len(kind))) + b"\x00"


def _keys(rng, most):
    """Maps as keys of maps."""
    return b"\xa1" * int(rng.integers(2, most // 2)) + b"\x00" * int(rng.integers(1, most // 2))


def _promise(rng, most):
    """Lengths that nobody sends."""
    major = int(rng.integers(2, 6))
    size = (1 << 62, (1 << 63) - 1, (1 << 64) - 1, (1 << 32) - 1, 1 << 31, 1 << 26)[
        int(rng.integers(6))
    ]
    made = head(major, size + int(rng.integers(2)) if size < 1 << 63 else size)
    return made * int(rng.integers(1, 40)) + rng.bytes(int(rng.integers(most // 2)))


def _endless(rng, most):
    """Strings in pieces of nothing, and lists whose end does not come."""
    kinds = (
        b"\x5f" + b"\x40" * most,
        b"\x7f" + b"\x60" * most,
        b"\x9f" + b"\x00" * most,
        b"\xbf" + b"\x00" * most,
    )
    made = kinds[int(rng.integers(4))][: int(rng.integers(most // 2, most))]
    return made + b"\xff" * int(rng.integers(2))


def _big(rng, most):
    """Numbers of thousands of bytes."""
    size = int(rng.integers(9, most))
    return bytes([0xC2 + int(rng.integers(2))]) + head(2, size) + rng.bytes(size)


def _power(rng, _):
    """A mantissa and an exponent (tags 4, 5, 264, 265), a fraction (30)."""
    exponent = head(
        int(rng.integers(2)), int(rng.choice((1 << 20, 1 << 27, (1 << 31) - 1, (1 << 62))))
    )
    tag = (b"\xc4", b"\xc5", b"\xd9\x01\x08", b"\xd9\x01\x09", b"\xd8\x1e")[int(rng.integers(5))]
    return tag + b"\x82" + exponent + head(0, int(rng.integers(1, 1 << 60)))


def _same_keys(rng, most):
    """Keys that are the same, or fall into the same place of a table."""
    count = int(rng.integers(2, most // 11))
    prime = (1 << 61) - 1  # Python's hash of a number is its rest by this
    keys = (head(0, 7 * prime % (1 << 64) if i == 0 else prime * (i % 8)) for i in range(count))
    if rng.random() < 0.5:
        keys = (b"\x01" for _ in range(count))
    return head(5, count) + b"".join(k + b"\x00" for k in keys)


def _text(rng, most):
    """What other tags make of text: patterns, times, messages, addresses, references to strings."""
    words = (
        (35, b"(((a+)+)+)+$" * 20), (35, b"(" * 900), (0, b"2" * 900), (36, b"Content-Type: a\n" * 100),
        (37, b"0" * 16), (260, b"\xff" * 16), (32, b"http://" + b"[" * 500), (100, b"1"), (1004, b"0" * 500),
    )  # fmt: skip
    number, word = words[int(rng.integers(len(words)))]
    major = 2 if number in (37, 260) or rng.random() < 0.3 else 3
    return head(6, number) + head(major, len(word)) + word[: most - 9]


def _strings(rng, most):
    """One string that is meant many times (tags 256 and 25)."""
    size = int(rng.integers(100, most // 2))
    count = min((most - size) // 4, int(rng.integers(2, 600)))
    return (
        b"\xd9\x01\x00" + head(4, count + 1) + head(2, size) + bytes(size) + b"\xd8\x19\x00" * count
    )


def _simple(rng, most):
    """Times beyond all calendars, simple values that are none, breaks where nothing ends."""
    kinds = (
        b"\xc1\xfb\x7e\x37\xe4\x3c\x88\x00\x75\x9c",
        b"\xc1\x3b" + b"\xff" * 8,
        b"\xf8\x00",
        b"\xff",
        b"\xfb\x7f\xf8" + bytes(6),
        b"\xc1\xf9\x7e\x00",
    )
    made = kinds[int(rng.integers(len(kinds)))] * int(rng.integers(1, 100))
    return head(4, int(rng.integers(1, 200))) + made[: most - 9]


BOMBS: dict[str, Callable] = {
    "references that multiply": _laughs,
    "an item within itself": _cycle,
    "deep nesting": _deep,
    "maps as keys": _keys,
    "lengths that nobody sends": _promise,
    "indefinite lengths": _endless,
    "bignums": _big,
    "exponents": _power,
    "keys that fall together": _same_keys,
    "tagged text": _text,
    "references to strings": _strings,
    "times and simple values": _simple,
}


def bombs(n: int, seed: int = 0) -> list[tuple[str, bytes]]:
    """n inputs as (name, bytes): every kind of bomb in turn, none over LARGEST bytes."""
    rng, made = np.random.default_rng(seed), []
    while len(made) < n:
        name = list(BOMBS)[len(made) % len(BOMBS)]
        made.append((name, BOMBS[name](rng, LARGEST - 800)[: LARGEST - 800]))
    return made


# ---- Who reads them, and where ----

SECRET, DEVICE, MODEL = bytes(range(32)), b"d" * 16, b"m" * 16


def everyone() -> dict[str, Callable[[bytes], object]]:
    """Every reader of what comes from outside: packages, key manifests, statements, status reports."""
    from edgekit.ota import statement, status, trust
    from tests.ota.test_cbor import READERS

    signer, old = _owner()
    receiver = status.Receiver(Path(tempfile.mkdtemp()) / "reports", {DEVICE: SECRET})
    return READERS | {
        "trust.contents": trust.contents,
        "trust.accept": lambda data: trust.accept(data, old, 1),
        "trust.cosign": lambda data: trust.cosign(data, signer),
        "statement.heard": lambda data: statement.heard(data, [signer.public], MODEL),
        "status.peek": status.peek,
        "status.Receiver.take": receiver.take,
    }


def everywhere(bomb: bytes) -> list[bytes]:
    """The bomb at every place of a package, and of the others: outside, and well signed inside."""
    from edgekit.ota import statement, status, trust
    from edgekit.ota.cbor import encode
    from tests.ota.test_cbor import where

    signer, _ = _owner()
    hashed, name = trust.digest(bomb), encode(-19)
    keys = [
        hashed,
        {bytes.fromhex(signer.public.id): [-19, signer.sign(trust.to_sign(name, hashed))]},
    ]
    header = encode({1: -19})
    said = signer.sign(statement._to_sign(header, bomb))
    made = [
        *where(bomb),
        b"\x82" + encode(bomb) + encode(keys),
        b"\x82" + bomb,
        b"\xd2\x84" + encode(header) + b"\xa0" + encode(bomb) + encode(said),
        b"\xd1\x84\x43\xa1\x01\x05\xa0" + encode(bomb) + encode(status._mac(bomb, SECRET)),
    ]
    return [data[:LARGEST] for data in made]


@cache
def _owner():
    """Who signs everything, and the list of keys that says so."""
    from cryptography.hazmat.primitives.asymmetric import ed25519

    from edgekit.ota.keys import FileSigner
    from edgekit.ota.trust import KeyList

    signer = FileSigner(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))
    return signer, KeyList(b"v" * 16, 0, 1, (signer.public,), (signer.public,))


def unguarded() -> dict[str, Callable[[bytes], object]]:
    """As a reader does that trusts its decoder: it looks for one encoding."""
    import cbor2

    from edgekit.ota.cbor import encode

    return {"cbor2 alone": lambda data: encode(cbor2.loads(data))}


# ---- What they cost ----


def needs(readers: str, inputs: list[bytes]) -> list[list[Need]]:
    """What each reader needs for each input, in a process that may be lost.

    readers: "module:function"; the function returns a dictionary name -> reader(bytes). A reader may raise
    an EdgekitError of one line; anything else is an error of its own. Unix only.
    """
    found: list[list[Need]] = []
    while len(found) < len(inputs):
        with tempfile.TemporaryFile() as file:
            file.write(b"".join(len(x).to_bytes(4, "little") + x for x in inputs[len(found) :]))
            file.seek(0)
            child = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.ota.readers", readers],
                cwd=project.root(), stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
            )  # fmt: skip
            before, reader = len(found), "none was reached"
            with child:
                for line in child.stdout:
                    if line.startswith(">"):
                        reader = line[1:].strip()
                    else:
                        found.append([Need(**row) for row in json.loads(line)])
        if len(found) < len(inputs):  # it was lost with this one
            if len(found) == before and reader == "none was reached":
                raise EdgekitError(f"the readers {readers} cannot be called")
            found.append([Need(reader, PATIENCE, 0, f"the process ended: {child.returncode}")])
    return found


def _child(readers: str) -> None:
    """Reads inputs as `needs` writes them; prints a line for each."""
    import importlib
    import signal

    module, _, name = readers.partition(":")
    known = getattr(importlib.import_module(module), name)()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    while size := sys.stdin.buffer.read(4):
        data = sys.stdin.buffer.read(int.from_bytes(size, "little"))
        rows = []
        for reader, read in known.items():
            print(f">{reader}", flush=True)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process, wherever it is
            signal.alarm(PATIENCE)
            rows.append(asdict(_need(reader, read, data)))
            signal.alarm(0)
        print(json.dumps(rows), flush=True)


def _need(name: str, read: Callable, data: bytes) -> Need:
    seconds, error = _timed(read, data)
    for _ in range(AGAIN):
        if seconds > SECONDS:
            seconds = min(seconds, _timed(read, data)[0])
    tracemalloc.start()
    with suppress(Exception):
        read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return Need(name, seconds, peak, error)


def _timed(read: Callable, data: bytes) -> tuple[float, str]:
    error, began = "", time.process_time()
    try:
        read(data)
    except EdgekitError as refusal:
        error = "a refusal of several lines" if "\n" in str(refusal) else ""
    except Exception as wrong:
        error = f"{type(wrong).__name__}: {wrong}"[:200]
    return time.process_time() - began, error


if __name__ == "__main__":
    _child(sys.argv[1])
