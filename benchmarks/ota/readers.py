"""Small inputs that cost much: what do the readers in Python need, before and behind a signature?

CBOR can say in a few bytes what takes a reader gigabytes: references that multiply, exponents, lengths that
nobody sends, items within each other. Each input is read in a process that may be lost.
"""

from __future__ import annotations

import json
import os
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

from benchmarks.ota.bombs import LARGEST
from edgekit.core.errors import EdgekitError
from edgekit.core.workspace import Workspace

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


# ---- Who reads them, and where ----

SECRET, DEVICE, MODEL = bytes(range(32)), b"d" * 16, b"m" * 16


def everyone() -> dict[str, Callable[[bytes], object]]:
    """Every reader of what comes from outside: packages, key manifests, statements, status reports."""
    from edgekit.packages import keyset, statement, status
    from tests.packages.test_cbor import READERS

    signer, old = _owner()
    # in a process that may be lost: `needs` removes what it leaves
    receiver = status.ReportReceiver(Path(tempfile.mkdtemp()) / "reports", {DEVICE: SECRET})
    return READERS | {
        "trust.contents": keyset.contents,
        "trust.accept": lambda data: keyset.accept(data, old, 1),
        "trust.cosign": lambda data: keyset.cosign(data, signer),
        "statement.accept": lambda data: statement.accept(data, [signer.public], MODEL),
        "status.decode_unverified": status.decode_unverified,
        "status.ReportReceiver.take": receiver.take,
    }


def everywhere(bomb: bytes) -> list[bytes]:
    """The bomb at every place of a package, and of the others: outside, and well signed inside."""
    from edgekit.packages import keyset, statement, status, suit
    from edgekit.packages.cbor import encode
    from tests.packages.test_cbor import where

    signer, _ = _owner()
    hashed, name = keyset.digest(bomb), encode(-19)
    keys = [
        hashed,
        {bytes.fromhex(signer.public.id): [-19, signer.sign(keyset.to_sign(name, hashed))]},
    ]
    header = encode({1: -19})
    said = signer.sign(suit.to_sign(header, bomb, statement.CONTEXT))
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

    from edgekit.packages.keys import FileSigner
    from edgekit.packages.keyset import KeyList

    signer = FileSigner(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))
    return signer, KeyList(b"v" * 16, 0, 1, (signer.public,), (signer.public,))


def unguarded() -> dict[str, Callable[[bytes], object]]:
    """As a reader does that trusts its decoder: it looks for one encoding."""
    import cbor2

    from edgekit.packages.cbor import encode

    return {"cbor2 alone": lambda data: encode(cbor2.loads(data))}


# ---- What they cost ----


def needs(readers: str, inputs: list[bytes]) -> list[list[Need]]:
    """What each reader needs for each input, in a process that may be lost.

    readers: "module:function"; the function returns a dictionary name -> reader(bytes). A reader may raise
    an EdgekitError of one line; anything else is an error of its own. Unix only.
    """
    found: list[list[Need]] = []
    while len(found) < len(inputs):
        with tempfile.TemporaryFile() as file, tempfile.TemporaryDirectory() as folder:
            file.write(b"".join(len(x).to_bytes(4, "little") + x for x in inputs[len(found) :]))
            file.seek(0)
            child = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.ota.readers", readers],
                cwd=Workspace.find().folder, stdin=file,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                env={**os.environ, "TMPDIR": folder},
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
