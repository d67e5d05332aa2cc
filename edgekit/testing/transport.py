"""What a transport must do to be one of the kit's: a file arrives byte for byte or not at all.

    from edgekit.testing.transport import lacks
    lacks(Transport("folder", …))    # [] if it holds

Each check takes a Bench and yields a sentence for what it misses. Nothing is replaced: what is asked is the
transport itself, through its own server.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path

from edgekit.assurance.relay import relay
from edgekit.catalog import link
from edgekit.delivery.download_target import BESIDE
from edgekit.delivery.transport import Source, Transport
from edgekit.testing.transport_bench import (
    DATA,
    HOSTILE,
    OTHER,
    RECEIVERS,
    SIZE,
    THIRD,
    VICTIM,
    Bench,
    Stop,
    begun,
    served,
)

BEGINS_S = 60  # seconds that a process may take to begin


Check = Callable[[Bench], Iterator[str]]


def lacks(transport: Transport, variant: str = "") -> list[str]:
    """What a transport lacks, one sentence each; empty if it holds.

    variant: of the servers that it has (`Transport.variants`), the first unless named. Raises EdgekitError if
    it cannot be served here.
    """
    with tempfile.TemporaryDirectory() as folder, served(transport, Path(folder), variant) as bench:
        return [f"{name}: {what}" for name, check in CHECKS.items() for what in asked(check, bench)]


def asked(check: Check, bench: Bench) -> list[str]:
    """What one check finds, in a folder of its own and with the file as it was."""
    bench.files.clear()
    bench.files["update"] = DATA
    with tempfile.TemporaryDirectory(dir=bench.folder) as name:
        own = Bench(bench.transport, bench.offer, bench.files, Path(name), bench.own)
        return list(check(own))


def delivers_byte_for_byte(bench: Bench) -> Iterator[str]:
    """Of any size; with its SHA-256, with progress that only grows, and nothing else in the folder."""
    for size in (1, 255, 4096, SIZE):
        bench.files["update"] = DATA[:size]
        seen: list[int] = []
        done = bench.fetch(watch=lambda there, _size, seen=seen: seen.append(there))
        if bench.to.read_bytes() != DATA[:size]:
            yield f"other bytes than the {size} that were served"
        if (done.size, done.sha256) != (size, hashlib.sha256(DATA[:size]).hexdigest()):
            yield f"a file of {size} bytes is reported as {done.size}, SHA-256 {done.sha256}"
        if (done.received, done.repeated, done.resumed_bytes) != (size, 0, 0):
            yield f"{size} bytes are counted as {done}"
        if seen != sorted(seen) or seen[-1:] != [size]:
            yield f"progress is told as {seen[:5]} … {seen[-1:]} of {size}"
        if bench.left() != [bench.to.name]:
            yield f"left lying about: {bench.left()}"
        bench.to.unlink()


def goes_on_after_a_stop(bench: Bench) -> Iterator[str]:
    """What came before is not fetched again."""
    yield from begun(bench)
    done = bench.fetch()
    if bench.to.read_bytes() != DATA:
        yield "other bytes after a stop"
    if done.resumed_bytes < THIRD or done.resumed_bytes + done.received != SIZE:
        yield f"{done.resumed_bytes} bytes were kept, {done.received} fetched, of {SIZE}"
    if bench.left() != [bench.to.name]:
        yield f"left lying about: {bench.left()}"


def goes_on_when_its_process_was_killed(bench: Bench) -> Iterator[str]:
    """Without a farewell, as a power cut would. Raises RuntimeError where a process gets no pipes."""
    fetch = bench.transport.fetch
    name = f"{getattr(fetch, '__module__', '')}:{getattr(fetch, '__qualname__', '')}"
    source = {k: str(v) for k, v in asdict(bench.offer.source(RECEIVERS[0])).items() if v}
    paths = os.pathsep.join(path or os.getcwd() for path in sys.path)
    order = json.dumps({"fetch": name, "source": source, "to": str(bench.to)})
    pipes: dict = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-c", VICTIM]
    with subprocess.Popen(command, env=environment, encoding="utf-8", **pipes) as process:
        late = threading.Timer(BEGINS_S, process.kill)
        late.start()
        if not (process.stdin and process.stdout and process.stderr):
            raise RuntimeError("pipes")
        process.stdin.write(order + "\n")
        process.stdin.flush()
        there = 0
        while there < THIRD and (line := process.stdout.readline()):
            there = int(line)
        late.cancel()
        process.kill()
        if there < THIRD:
            yield f"another process cannot fetch by {name}: {process.stderr.read()[-300:]}"
            return
    if bench.to.exists():
        yield "a part of a file has the name of the whole one"
    done = bench.fetch()
    if bench.to.read_bytes() != DATA:
        yield "other bytes after its process was killed"
    if done.resumed_bytes < THIRD // 2 or done.resumed_bytes + done.received != SIZE:
        yield f"{done.resumed_bytes} bytes were kept, {done.received} fetched, of {SIZE}"


def goes_on_after_cuts(bench: Bench) -> Iterator[str]:
    """The connection is cut, twice; asked only where there is one."""
    if not bench.transport.connects:
        return
    data = DATA if bench.transport.in_blocks else 40 * DATA  # more than the buffers on its way hold
    bench.files["update"] = data
    source = bench.offer.source(RECEIVERS[0])
    with relay(source.parts()[2] or 0) as wire:
        at = [len(data) // 9, len(data) // 3]

        def watch(there: int, _size: int) -> None:
            if at and there >= at[0]:
                at.pop(0)
                wire.cut()

        done = bench.fetch(source=source.through(wire.port), watch=watch)
    if bench.to.read_bytes() != data:
        yield "other bytes after cuts"
    if at or not done.interruptions or done.received - done.repeated != len(data):
        yield f"two cuts are told as {done}"


def gives_up_in_time(bench: Bench) -> Iterator[str]:
    """Too slow is an end, with what came kept; so is a server that is gone and stays away."""

    looks = []

    def dawdle(there: int, _size: int) -> None:
        looks.append(there)
        if len(looks) > 9:
            raise Stop
        time.sleep(0.15)

    why = bench.refusal(lambda: bench.fetch(watch=dawdle, timeout_s=0.1, min_bytes_per_s=1e12))
    if not why.startswith("too slow"):
        yield f"a byte rate that nobody keeps is answered: {why}"
    own, folder = bench.own, bench.folder / "other"
    serving = bench.transport.serve({"update": DATA}, receivers=RECEIVERS, folder=folder, **own)
    offer = serving.__enter__()
    gone: list[int] = []

    def close(there: int, _size: int) -> None:
        if not gone and there >= THIRD:
            gone.append(there)
            serving.__exit__(None, None, None)

    to, start = bench.folder / "of another", time.monotonic()
    source = offer.source(RECEIVERS[0])
    why = bench.refusal(lambda: bench.fetch(to, source, watch=close, timeout_s=0.6))
    seconds = time.monotonic() - start
    if not gone:
        close(SIZE, SIZE)
        yield "progress is not told in the middle"
    # what is on its way when a server ends may be all that was missing
    if why == "[taken]" and to.read_bytes() != DATA:
        yield "a part of a file is taken for all of it when its server is gone"
    elif why != "[taken]" and (why.startswith("[") or to.exists()):
        yield f"a server that is gone is answered: {why}"
    if seconds > 20:
        yield f"a server that is gone is noticed after {seconds:.0f} s"


def refuses_other_bytes(bench: Bench) -> Iterator[str]:
    """Asked for one file by its SHA-256, another is not taken; nor is a mixture of two, ever."""
    why = bench.refusal(lambda: bench.fetch(digest=hashlib.sha256(OTHER).digest()))
    if why.startswith("["):
        yield f"another file than the one asked for is answered: {why}"
    if bench.to.exists():
        yield "another file than the one asked for has its name"
    yield from begun(bench)
    bench.refusal(lambda: bench.fetch(digest=hashlib.sha256(OTHER).digest()))
    done = bench.fetch(digest=hashlib.sha256(DATA).digest())
    if done.resumed_bytes < THIRD or bench.to.read_bytes() != DATA:
        yield f"what came of the right file was thrown away for another one: {done}"
    bench.to.unlink()
    yield from begun(bench)
    bench.files["update"] = OTHER
    done = bench.fetch()
    if bench.to.read_bytes() != OTHER or done.resumed_bytes:
        yield f"a file that changed between two calls: {done}"
    bench.to.unlink()
    bench.files["update"] = DATA

    def swap(there: int, _size: int) -> None:
        if there >= THIRD:
            bench.files["update"] = OTHER

    why = bench.refusal(lambda: bench.fetch(watch=swap))
    if bench.to.exists() and bench.to.read_bytes() not in (DATA, OTHER):
        yield "a mixture of two files is taken"
    if why.startswith("[") and why != "[taken]":
        yield f"a file that changes on its way is answered: {why}"


def takes_no_more_than_its_limit(bench: Bench) -> Iterator[str]:
    """Not a byte more is allowed, and nothing of it is kept; just as many are."""
    why = bench.refusal(lambda: bench.fetch(limit=SIZE - 1))
    if why.startswith("[") or (f"{SIZE:,}" not in why and f"{SIZE - 1:,}" not in why):
        yield f"a file above the limit is answered: {why}"
    if bench.to.exists():
        yield "a file above the limit has its name"
    bench.fetch(limit=SIZE)
    if bench.to.read_bytes() != DATA:
        yield "a file as long as the limit is not taken"


def says_no_in_one_line(bench: Bench) -> Iterator[str]:
    """To names that could be paths or patterns, addresses that are none, places where no file can be."""
    receiver = RECEIVERS[0]

    def at(source: Callable[[], Source], timeout_s: float = 0.3) -> Callable[[], object]:
        return lambda: bench.fetch(source=source(), timeout_s=timeout_s)

    wrong: dict[str, Callable[[], object]] = {
        "a file that is not there": at(partial(bench.offer.source, receiver, "none"), 2.0),
        "a folder as the place": lambda: bench.fetch(bench.folder),
        "a place in no folder": lambda: bench.fetch(bench.folder / "no" / "x"),
    }
    for name in HOSTILE:
        wrong[f"the file {name!r}"] = at(partial(bench.offer.source, receiver, name))
        wrong[f"the receiver {name!r}"] = at(partial(bench.offer.source, name, "update"))
    for scheme in bench.transport.schemes:
        for rest in ("", ":", "://", "://[", "://x:999999/a/b/c", "://127.0.0.1:x/a/b/c"):
            wrong[f"the address {scheme + rest!r}"] = at(partial(Source, scheme + rest))
    for what, call in wrong.items():
        why = bench.refusal(call)
        if why.startswith("["):
            yield f"{what} is answered: {why}"
    if bench.left():
        yield f"left lying about: {bench.left()}"


def serves_two_at_once(bench: Bench) -> Iterator[str]:
    """Two receivers get their own; two downloads into one file come one after the other."""
    bench.files["other"] = OTHER
    wanted = {"pump-1": ("update", DATA), "pump-2": ("other", OTHER)}
    said: list[str] = []

    def get(receiver: str, name: str, data: bytes) -> None:
        to = bench.folder / receiver
        bench.fetch(to, bench.offer.source(receiver, name))
        if to.read_bytes() != data:
            said.append(f"{receiver} got other bytes")

    threads = [threading.Thread(target=get, args=(r, *what)) for r, what in wanted.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield from said
    if missing := [r for r in wanted if not (bench.folder / r).exists()]:
        yield f"nothing came for {', '.join(missing)}"
    why: list[str] = []

    def second(there: int, _size: int) -> None:
        if not why and there < SIZE:
            why.append(bench.refusal(lambda: bench.fetch(timeout_s=0.2)))

    bench.fetch(watch=second)
    if not why or why[0].startswith("[") or bench.to.read_bytes() != DATA:
        yield f"a second download into the same file is answered: {why}"


def writes_through_no_link(bench: Bench) -> Iterator[str]:
    """Somebody knew the names beside the download, and made links of them; not promised on Windows."""
    if os.name == "nt":
        return
    mine, data = bench.folder / "mine", DATA[:9_000]
    bench.files["update"] = data
    for what in (*BESIDE, "lock"):
        for kind in (os.symlink, os.link):
            mine.write_bytes(b"precious")
            kind(mine, bench.folder / f"{bench.to.name}.{what}")
            bench.fetch()
            if mine.read_bytes() != b"precious":
                yield f"a file is written through a {kind.__name__} called .{what}"
            if bench.to.is_symlink() or bench.to.read_bytes() != data:
                yield f"a {kind.__name__} called .{what} changes what is fetched"
            for path in bench.folder.iterdir():
                path.unlink()


def is_estimated(bench: Bench) -> Iterator[str]:
    """Under its own name, as an estimate, and more bytes never take less time."""
    before = 0.0
    for size in (1_000, 10_000, 100_000, 1_000_000):
        for key in ("wifi", "nb-iot"):
            way = bench.transport.estimate(size, link(key), block_most=4096, connected=True)
            if way.kind != bench.transport.key or not way.why:
                yield f"an estimate of {way.kind!r}, because {way.why!r}"
            if {way.seconds.provenance, way.bytes.provenance} != {"estimated"}:
                yield "an estimate that does not say so"
            if way.bytes.value < size:
                yield f"{size} bytes in {way.bytes.value}"
        if way.seconds.value < before:
            yield f"{size} bytes in {way.seconds.value} s, fewer took {before} s"
        before = way.seconds.value


CHECKS: dict[str, Check] = {
    check.__name__: check
    for check in (
        delivers_byte_for_byte,
        goes_on_after_a_stop,
        goes_on_when_its_process_was_killed,
        goes_on_after_cuts,
        gives_up_in_time,
        refuses_other_bytes,
        takes_no_more_than_its_limit,
        says_no_in_one_line,
        serves_two_at_once,
        writes_through_no_link,
        is_estimated,
    )
}
