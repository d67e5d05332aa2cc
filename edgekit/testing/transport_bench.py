"""A transport at work, as its checks ask it: a server, the files that it serves, a folder for the check."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgekit.core.errors import EdgekitError
from edgekit.delivery.transport import Offer, Source, Transfer, Transport, Watch

SIZE = 300_000  # bytes: some pieces of any transport
DATA, OTHER = random.Random(1).randbytes(SIZE), random.Random(2).randbytes(SIZE)
THIRD = SIZE // 3
RECEIVERS = ("pump-1", "pump-2")
HOSTILE = ("", "a/b", "../update", "a\0b", "a\nb", "#", "+", "%2e%2e", "ü", "a" * 200)
VICTIM = """
import importlib, json, sys, time
from pathlib import Path
from edgekit.delivery.transport import Source
order = json.loads(sys.stdin.readline())
module, _, name = order["fetch"].partition(":")
source = {k: Path(v) if k in ("ca", "certificate", "key") else v for k, v in order["source"].items()}
def watch(there, size):
    print(there, flush=True)
    time.sleep(0.01)
fetch = getattr(importlib.import_module(module), name)
fetch(Source(**source), Path(order["to"]), watch=watch)
"""


class Stop(Exception):
    """Whatever stops a program in the middle."""


@dataclass
class Bench:
    """A transport at work: `files` are served as they are at the moment; `folder` is a check's own."""

    transport: Transport
    offer: Offer
    files: dict[str, bytes]
    folder: Path
    own: dict = field(default_factory=dict)  # arguments of `serve`

    @property
    def to(self) -> Path:
        return self.folder / "got"

    def fetch(self, to: Path | None = None, source: Source | None = None, **how: Any) -> Transfer:
        how = {"timeout_s": 20.0} | how
        return self.transport.fetch(source or self.offer.source(RECEIVERS[0]), to or self.to, **how)

    def refusal(self, call: Callable[[], object]) -> str:
        """The line in which it is refused; a sentence in brackets if it is not, or not in a line."""
        try:
            call()
        except EdgekitError as error:
            text = str(error)
            return text if text and text.isprintable() else f"[not one line: {text!r}]"
        except Exception as error:
            return f"[{type(error).__name__}: {error}]"
        return "[taken]"

    def left(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


@contextmanager
def served(transport: Transport, folder: Path, variant: str = "") -> Iterator[Bench]:
    """A bench for `asked`, at the server `variant` of the transport, its first one unless named; that keeps
    what it needs in `folder`."""
    own = dict(transport.variants[variant or next(iter(transport.variants))])
    files = {"update": DATA}
    with transport.serve(files, receivers=RECEIVERS, folder=folder / "keys", **own) as offer:
        yield Bench(transport, offer, files, folder, own)


def begun(bench: Bench) -> Iterator[str]:
    """A download that stops after a third."""

    def stop(there: int, _size: int) -> None:
        if there >= THIRD:
            raise Stop

    watch: Watch = stop
    try:
        bench.fetch(watch=watch)
        yield "progress is not told before all of it is there"
    except Stop:
        if bench.to.exists():
            yield "a part of a file has the name of the whole one"
