"""Small pieces of CBOR that cost a careless reader much: each takes (rng, bytes that there are)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

LARGEST = 4096  # bytes of an input
ROOM = 800  # of them for what is put around a bomb


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
    """Times beyond all calendars, values that are none, breaks where nothing ends."""
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
        made.append((name, BOMBS[name](rng, LARGEST - ROOM)[: LARGEST - ROOM]))
    return made
