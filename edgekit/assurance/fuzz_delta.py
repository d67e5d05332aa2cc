"""Hostile updates for the device's decoder.

python -m edgekit.assurance.fuzz_delta 100000      # inputs, under sanitizers
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.emulate.toolchain import compile_sanitized
from edgekit.firmware import c_sources
from edgekit.packages import delta
from edgekit.packages.regions import Region

BATCH = 5000
PATIENCE = 3  # crashes after which the rest is not tried
RESULTS = {0: "more", 1: "complete", -1: "damaged", -2: "stopped", -3: "trailing"}
NO_LIMIT = 0xFFFF_FFFF  # chop: all input in one piece

DRIVER = r"""
/* Reads cases: five little-endian numbers of 4 bytes (bytes of base, bytes of input, target size, bytes after
 * which put() says stop, chopping), the base, the input. Writes for each: result, bytes put, the bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delta.h"
#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

struct sink { uint8_t *data; uint32_t n, most, stop; };

static int take(void *where, const uint8_t *data, uint32_t n) {
  struct sink *s = where;
  if (n == 0 || n > s->most - s->n) exit(3); /* nothing, or more than the image has */
  memcpy(s->data + s->n, data, n);
  s->n += n;
  return s->n >= s->stop;
}

static uint8_t *load(uint32_t n) { /* exactly so large: one byte beyond is found */
  uint8_t *data = malloc(n ? n : 1);
  if (fread(data, 1, n, stdin) != n) exit(2);
  return data;
}

int main(void) {
  uint32_t h[5];
#ifdef _WIN32 /* bytes, not lines of text */
  _setmode(0, _O_BINARY);
  _setmode(1, _O_BINARY);
#endif
  while (fread(h, 4, 5, stdin) == 5) {
    uint8_t *base = load(h[0]), *input = load(h[1]);
    struct sink sink = {malloc(h[2] ? h[2] : 1), 0, h[2], h[3]};
    struct delta *d = malloc(sizeof *d);
    uint32_t seed = h[4], at = 0;
    int result = 0;
    memset(d, 0xA5, sizeof *d);
    delta_begin(d, h[0] ? base : NULL, h[0], h[2], take, &sink);
    do {
      uint32_t n = h[1] - at;
      if (h[4] != 0xFFFFFFFFu) {
        seed = seed * 1664525u + 1013904223u;
        n = h[4] == 1 ? n > 0 : (seed >> 24) % 9 < n ? (seed >> 24) % 9 : n; /* 1: byte by byte */
      }
      uint8_t *piece = malloc(n ? n : 1); /* a piece is gone once it was fed */
      memcpy(piece, input + at, n);
      result = delta_feed(d, piece, n);
      free(piece);
      at += n;
    } while (result >= 0 && at < h[1]);
    if (result == 0) result = delta_feed(d, NULL, 0);
    if (delta_feed(d, NULL, 0) != result) exit(4); /* it changed its mind */
    const int32_t head[2] = {result, (int32_t)sink.n};
    fwrite(head, 4, 2, stdout);
    fwrite(sink.data, 1, sink.n, stdout);
    fflush(stdout); /* what was answered counts, even if the next case is the last */
    free(d); free(sink.data); free(base); free(input);
  }
  return 0;
}
"""


@dataclass(frozen=True)
class Case:
    """One update for the decoder. chop: `NO_LIMIT`, 1 for single bytes, else a seed of pieces of 0 to 8
    bytes. stop: bytes after which the device refuses more."""

    data: bytes
    base: bytes
    target_size: int
    chop: int = NO_LIMIT
    stop: int = NO_LIMIT


def driver(files: dict[str, str] | None = None) -> tuple[Path, str]:
    """The decoder (or other C of these names) behind `DRIVER`, and which sanitizers watch it."""
    return compile_sanitized((files or c_sources("delta")) | {"driver.c": DRIVER}, ("-O1",))


def run(cases: list[Case], program: Path) -> list[tuple[str, bytes]]:
    """(result, bytes put) of the C decoder for each case; ("crash: …", b"") where a sanitizer ended it.

    After `PATIENCE` crashes it gives up, and the answers end there.
    """
    answers: list[tuple[str, bytes]] = []
    crashes = 0
    while len(answers) < len(cases) and crashes < PATIENCE:
        with tempfile.TemporaryFile() as file:
            for c in cases[len(answers) :]:
                numbers = (len(c.base), len(c.data), c.target_size, c.stop, c.chop)
                file.write(np.array(numbers, "<u4").tobytes() + c.base + c.data)
            file.seek(0)
            try:
                done = subprocess.run([program], stdin=file, capture_output=True, timeout=300)
            except subprocess.TimeoutExpired:
                raise EdgekitError("the decoder did not come back within 300 s: a hang") from None
        at = 0
        while at < len(done.stdout):
            result, size = np.frombuffer(done.stdout, "<i4", 2, at)
            answers.append((RESULTS[int(result)], done.stdout[at + 8 : at + 8 + size]))
            at += 8 + int(size)
        if done.returncode:
            said = [s for s in done.stderr.decode("utf-8", "replace").splitlines() if "rror" in s]
            answers.append((f"crash: {(said or [f'exit {done.returncode}'])[0]}", b""))
            crashes += 1
    return answers


def fuzz(n: int = 100_000, seed: int = 0, compared: int = 20, program: Path | None = None):
    """n damaged updates through the C decoder under sanitizers, every `compared`-th through `decode` as well.

    Returns a DataFrame, one row for each kind of damage: inputs, complete, damaged, more, trailing, crashes,
    unlike (C and Python disagree). `attrs`: "sanitizers", "seconds", "finds" (what the sanitizers said; with
    any, fewer than n inputs were tried).
    The same seed makes the same inputs.
    """
    import pandas as pd

    began, rng, goods = time.monotonic(), np.random.default_rng(seed), _goods()
    found = driver() if program is None else (program, "as given")
    columns = ("inputs", *(r for r in RESULTS.values() if r != "stopped"), "crashes", "unlike")
    table: dict[str, Counter] = {kind: Counter() for kind in DAMAGES}
    finds: list = []
    for start in range(0, n, BATCH):
        kinds = [
            list(DAMAGES)[int(rng.integers(len(DAMAGES)))] for _ in range(min(BATCH, n - start))
        ]
        cases = [
            DAMAGES[kind](rng, *(goods[i] for i in rng.integers(len(goods), size=2)))
            for kind in kinds
        ]
        answers = run(cases, found[0])
        for i, (kind, case, answer) in enumerate(zip(kinds, cases, answers, strict=False)):
            row, crashed = table[kind], answer[0].startswith("crash")
            row["inputs"] += 1
            row["crashes" if crashed else answer[0]] += 1
            finds += [answer[0]] * crashed
            if i % compared == 0 and not crashed:
                row["unlike"] += not agrees(case, answer)
        if finds:
            break
    frame = pd.DataFrame([{"damage": k} | {c: row[c] for c in columns} for k, row in table.items()])
    frame.attrs |= {"sanitizers": found[1], "seconds": time.monotonic() - began, "finds": finds}
    return frame


def agrees(case: Case, answer: tuple[str, bytes]) -> bool:
    """Whether the Python decoder takes what the C took, to the same image, and refuses what it refused."""
    try:
        image = delta.decode(case.data, case.base, case.target_size)
    except EdgekitError as error:
        said = {"damaged": "damaged update", "more": "too early", "trailing": "follow its end"}
        return answer[0] in said and said[answer[0]] in str(error)
    return answer == ("complete", image)


def _goods() -> list[Case]:
    """Small updates of every form: changes, copies, moved blocks, weights and words that stand alone."""
    rng, goods = np.random.default_rng(1), []
    for size in (0, 3, 60, 400):
        base = (
            rng.normal(0, 30, size).astype(np.int8).tobytes()
            + rng.integers(-999, 999, size // 8).astype("<i4").tobytes()
        )
        layout = [Region(0, "int8", size, 10)] if size else []
        layout += [Region(size, "int32", size // 8)] if size // 8 else []
        new = bytearray(base)
        for at in rng.integers(len(base), size=len(base) // 20) if base else ():
            new[at] = (new[at] + int(rng.integers(1, 3))) % 256
        strange = rng.normal(0, 50, len(base)).astype(np.int8).tobytes()
        moved = base[size // 2 :] + b"moved" + base[: size // 2]
        for target, old, regions in (
            (bytes(new), base, layout), (base, base, layout), (base, None, layout), (strange, base, layout),
            (moved, base, []), (bytes(new), None, []), (strange[::2] + base, base, []),
        ):  # fmt: skip
            data = delta.encode(target, old, regions, layout if old else [])
            goods.append(Case(data, old or b"", len(target)))
    return goods


# ---- Kinds of damage: (rng, an update, another one) -> an update ----


def _case(
    rng, good: Case, data: bytes | None = None, base: bytes | None = None, size: int | None = None
):
    return Case(
        good.data if data is None else data,
        good.base if base is None else base,
        good.target_size if size is None else size,
        int(rng.choice((1, NO_LIMIT, rng.integers(2, 1 << 31)))),
    )


def _flip(rng, good, _):
    data = bytearray(good.data)
    for at in rng.integers(8 * len(data), size=int(rng.integers(1, 4))) if data else ():
        data[at // 8] ^= 1 << at % 8
    return _case(rng, good, bytes(data))


def _splice(rng, good, other):
    i, j = rng.integers(len(good.data) + 1), rng.integers(len(other.data) + 1)
    return _case(rng, good, good.data[:i] + other.data[j:])


DAMAGES = {
    "flipped bits": _flip,
    "cut": lambda rng, good, _: _case(rng, good, good.data[: rng.integers(len(good.data) + 1)]),
    "spliced": _splice,
    "extended": lambda rng, good, _: _case(
        rng, good, good.data + rng.bytes(int(rng.integers(1, 9)))
    ),
    "random bytes": lambda rng, good, _: _case(rng, good, rng.bytes(int(rng.integers(200)))),
    "shorter base": lambda rng, good, _: _case(
        rng, good, base=good.base[: rng.integers(len(good.base) + 1)]
    ),
    "another base": lambda rng, good, other: _case(rng, good, base=other.base),
    "another size": lambda rng, good, _: _case(
        rng, good, size=int(rng.integers(2 * good.target_size + 9))
    ),
}


if __name__ == "__main__":
    import sys

    result = fuzz(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
    print(result.to_string(index=False))
    print(f"sanitizers: {result.attrs['sanitizers']}; {result.attrs['seconds']:.0f} s")
