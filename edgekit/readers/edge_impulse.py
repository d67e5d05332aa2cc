"""Edge Impulse's data acquisition format, JSON and CBOR; other JSON goes to `records`.

https://docs.edgeimpulse.com/reference/data-acquisition-format: `protected`, `signature`, and a `payload` of
`device_name`, `device_type`, `interval_ms`, `sensors` (name, units) and `values`. The signature is an
HMAC-SHA256 over the file in which 64 zeros stand for it; who has the project's HMAC key puts it into
EDGEKIT_IMPULSE_KEY, and then every signature is checked.
"""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from edgekit.core import escape
from edgekit.readers import records
from edgekit.tables.column_roles import DEFAULT_READ_OPTIONS, ReadOptions
from edgekit.tables.reading import Reading, UnreadableError, import_reader

DEEPEST = 8  # levels; the format needs four
MOST = 50_000_000  # items of CBOR, and so bytes
LARGEST = 256 << 20  # bytes of JSON
SOUND = ("wav", "audio", "microphone")
KEY = "EDGEKIT_IMPULSE_KEY"
ZEROS = "0" * 64
SELF_DESCRIBED = b"\xd9\xd9\xf7"  # tag 55799 (RFC 8949, 3.4.6), which says only "this is CBOR"


def read(path: Path, name: str, wanted: ReadOptions = DEFAULT_READ_OPTIONS) -> list[Reading]:
    """Readings of one file. `label`, `group`, `unit` are for JSON that is a table. Raises UnreadableError."""
    if path.stat().st_size > LARGEST:
        raise UnreadableError(f"is larger than {LARGEST >> 20} MB: cut it")
    data = path.read_bytes()
    if path.suffix.lower() == ".cbor":
        return [acquisition(cbor(data), name, data)]
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        return records.lines(data, name, wanted)
    if isinstance(content, dict) and "payload" in content:
        return [acquisition(content, name, data)]
    if isinstance(content, list):
        return records.objects(content, name, wanted)
    lists = (
        {k: v for k, v in content.items() if isinstance(v, list)}
        if isinstance(content, dict)
        else {}
    )
    if lists and len({len(v) for v in lists.values()}) == 1:
        return records.columns(lists, name, wanted)
    raise UnreadableError("is JSON, but neither in Edge Impulse's format nor a table of numbers")


def from_json(data: bytes) -> Any:
    """The content of JSON, `data`. Raises UnreadableError where it is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(f"is no JSON ({type(error).__name__})") from None


def signature(content: dict, data: bytes, key: str) -> str:
    """What the `content` says of the signature of its file's bytes, `data`; empty where it is right.

    Raises UnreadableError where it is not the one that `key` makes.
    """
    protected, said = content.get("protected"), content.get("signature")
    method = protected.get("alg") if isinstance(protected, dict) else None
    said = said.hex() if isinstance(said, bytes) else said
    if method in (None, "none"):
        return "" if said in (None, "", "00", ZEROS) else "holds a signature, and says it has none"
    if method != "HS256":
        return f"is signed by an unknown method, {method!r:.40}: not checked"
    if not isinstance(said, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", said):
        return "its signature (HS256) is damaged: it should be 64 hexadecimal digits"
    if said == ZEROS:
        return "its signature (HS256) is all zeros: it was never signed"
    if not key:
        return f"its signature (HS256) was not checked: {KEY} holds no key"
    unsigned = data.replace(said.encode(), ZEROS.encode(), 1)
    if unsigned == data:
        unsigned = data.replace(bytes.fromhex(said), bytes(32), 1)
    if not hmac.compare_digest(
        hmac.new(key.encode(), unsigned, hashlib.sha256).hexdigest(), said.lower()
    ):
        raise UnreadableError(
            f"is not what was signed: its signature does not fit the key in {KEY}"
        )
    return ""


def acquisition(content: object, name: str, data: bytes | None = None) -> Reading:
    """The decoded `content` of a file or a message; with its bytes, `data`, what its signature is worth.

    Raises UnreadableError where it is not in Edge Impulse's format.
    """
    content = content if isinstance(content, dict) else {}
    payload = content.get("payload")
    if not isinstance(payload, dict) or "values" not in payload:
        raise UnreadableError("is not in Edge Impulse's format: no payload with values")
    sensors, interval = payload.get("sensors"), payload.get("interval_ms")
    if not isinstance(sensors, list) or not all(isinstance(s, dict) for s in sensors):
        raise UnreadableError("names no sensors")
    if (
        not isinstance(interval, (int, float))
        or isinstance(interval, bool)
        or not 1e-4 <= interval <= 1e9
    ):
        raise UnreadableError(f"has an impossible interval_ms: {interval!r:.40}")
    values = payload["values"]
    if not isinstance(values, list) or not values:
        raise UnreadableError("holds no values")
    if any(isinstance(v, str) for v in values[:1]):
        raise UnreadableError("refers to values in another file, which edgekit does not follow")
    try:
        samples = np.array([[math.nan if v is None else v for v in row] if isinstance(row, list)
                            else [row] for row in values], np.float32)  # fmt: skip
    except (ValueError, TypeError, OverflowError):
        raise UnreadableError("has rows of unequal length, or values that are no numbers") from None
    if samples.ndim != 2 or samples.shape[1] != len(sensors):
        raise UnreadableError(f"names {len(sensors)} sensors, its rows hold {samples.shape[1:]}")
    names = _distinct([str(s.get("name", f"ch{i + 1}"))[:40] for i, s in enumerate(sensors)])
    units = list(dict.fromkeys(str(s.get("units", ""))[:20] for s in sensors))
    doubt = signature(content, data, os.environ.get(KEY, "")) if data is not None else ""
    sound = len(sensors) == 1 and (units[0].lower() in SOUND or names[0].lower() in SOUND)
    if sound and np.abs(samples).max(initial=0) > 1:
        samples /= 32768
    meta = {
        k: escape.encodable(str(payload[k]))[:80]
        for k in ("device_name", "device_type")
        if k in payload
    }
    return Reading(
        name, samples, 1000 / interval, names, "full scale" if sound else ", ".join(units),
        sound=sound, meta=meta, notes=(doubt,) if doubt else (),
    )  # fmt: skip


def _distinct(names: list[str]) -> tuple[str, ...]:
    """Each name once; a second one of a name gets a number."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
    left = dict(seen)
    result = []
    for name in reversed(names):
        result.append(name if left[name] == 1 else f"{name} {left[name]}")
        left[name] -= 1
    return tuple(reversed(result))


# ------------------------------------------------------------------------------------------ CBOR


class _NoTags(dict):
    """For each tag but the one that says "this is CBOR": it is refused, before its content is read."""

    def __missing__(self, tag: int):
        def refuse(*_):
            raise UnreadableError(f"uses CBOR tag {tag}, which the format does not")

        return refuse


def cbor(data: bytes) -> Any:
    """Decode `data`, CBOR (RFC 8949): numbers, texts, bytes, arrays, maps with texts for keys, null, true
    and false.

    Somebody else's bytes: no tag is followed, nothing is nested deeper than DEEPEST, and as each item takes a
    byte there are no more than MOST. Raises UnreadableError.
    """
    cbor2 = import_reader("cbor2")
    if len(data) > MOST:
        raise UnreadableError(f"is larger than {MOST // 1_000_000} MB: cut it")
    stream = io.BytesIO(data.removeprefix(SELF_DESCRIBED))
    decoder = cbor2.CBORDecoder(
        stream, semantic_decoders=_NoTags(), max_depth=DEEPEST, strict_hashable_types=True
    )
    try:
        value = decoder.decode()
    except cbor2.CBORDecodeEOF:
        raise UnreadableError("is cut off, or claims more elements than follow") from None
    except cbor2.CBORError as error:
        if isinstance(error.__cause__, UnreadableError):
            raise error.__cause__ from None
        raise UnreadableError(f"is damaged: {escape.line(str(error))[:80]}") from None
    if left := len(stream.getvalue()) - stream.tell():
        raise UnreadableError(f"has {left:,} bytes behind its end")
    return value
