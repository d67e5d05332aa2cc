"""What a sensor node sends: a few bytes that a schema lays out, the same from Python and C (`message.h`).

A use case declares the values of its messages (`MESSAGE` in its `usecase.py`):

    Schema("pump", (Field("label", index=True), Field("score", 2, steps=1000)))

Every message begins with its version and kind in a byte and a counter of two; then come the values, in the
order of the schema, little-endian fixed point. A schema that changes takes the next version, so that who
receives never reads one layout as another.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from types import MappingProxyType
from typing import Any

import numpy as np

from edgekit import firmware
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.html_table import TABLE

HEAD = 3  # bytes before the values
KINDS = 32  # five bits
FIRST_VERSION, LAST_VERSION = 2, 7  # three bits; 1 was a layout of before there were schemas


@dataclass(frozen=True)
class Field:
    """One value: `size` bytes in steps of 1/`steps` of its unit; `signed` ones go below zero.

    The last code that fits stands for "unknown", the others for what is nearest; what is beyond them is
    their limit. Of an `index`, a class say, what is beyond is unknown. Raises EdgekitError for what C
    computes otherwise: devices compute in float32.
    """

    name: str
    size: int = 1
    steps: float = 1
    signed: bool = False
    index: bool = False

    def __post_init__(self):
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", self.name, re.ASCII):
            raise EdgekitError(
                f"a value called {self.name!r}: C takes lower-case letters, digits and _"
            )
        power = math.frexp(self.steps)[0] == 0.5
        exact = float(np.float32(self.steps)) == self.steps > 0
        if not exact or self.size not in (1, 2, 3) or (self.size == 3 and not power):
            raise EdgekitError(
                f"{self.name}: {self.size} bytes in steps of 1/{self.steps:g} cannot be exact in float32; "
                "take 1 or 2 bytes, or 3 and a power of two"
            )

    @property
    def limits(self) -> tuple[int, int, int]:
        """Lowest code, highest code, and the code of "unknown"."""
        most = 1 << (8 * self.size - self.signed)
        return (1 - most, most - 1, -most) if self.signed else (0, most - 2, most - 1)

    def code(self, value: float | None) -> int:
        """To the nearest step, half away from zero, in float32 as the device computes it."""
        low, high, unknown = self.limits
        if value is None or math.isnan(value):
            return unknown
        with np.errstate(over="ignore"):
            scaled = np.float32(value) * np.float32(self.steps)
        if self.index and not low <= scaled <= high:
            return unknown
        if scaled <= low:
            return low
        if scaled >= high:
            return high
        size = abs(scaled)
        whole = int(size)
        n = whole + bool(size - np.float32(whole) >= np.float32(0.5))
        return -n if scaled < 0 else n

    def value(self, code: int) -> float | None:
        """What a code stands for; None for "unknown"."""
        return None if code == self.limits[2] else code / self.steps


@dataclass(frozen=True)
class Message:
    """What there is to say: one of the schema's kinds, name -> value (None or NaN, or not there, where it is
    not known), and a counter, modulo 65,536, that tells lost messages."""

    kind: str = "report"
    values: Mapping[str, float | None] = field(default_factory=dict)
    counter: int = 0

    def __post_init__(self):
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))

    def _repr_html_(self) -> str:
        shown = {"kind": self.kind, **self.values, "counter": self.counter}
        rows = "".join(
            f"<tr><td>{escape(name)}</td><td>{escape(str(value))}</td></tr>"
            for name, value in shown.items()
        )
        return f"{TABLE}{rows}</table>"


@dataclass(frozen=True)
class Schema:
    """The layout of a use case's messages: `name` stands before everything in C, `kinds` are numbered.

    Raises EdgekitError for names that occur twice or cannot be in C, too many kinds, and a version that
    three bits cannot hold.
    """

    name: str
    fields: tuple[Field, ...]
    kinds: tuple[str, ...] = ("report", "alarm")
    version: int = FIRST_VERSION

    def __post_init__(self):
        names = [*self.kinds, self.name]
        if bad := [n for n in names if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", n, re.ASCII)]:
            raise EdgekitError(f"{bad[0]!r}: C takes lower-case letters, digits and _")
        taken = [*(f.name for f in self.fields), "kind", "counter"]
        if len(set(taken)) < len(taken) or len(set(self.kinds)) < len(self.kinds):
            raise EdgekitError(
                f"the messages of {self.name} have a name twice, or one of their head's"
            )
        if not self.fields:
            raise EdgekitError(f"the messages of {self.name} have no values")
        if not 1 <= len(self.kinds) <= KINDS:
            raise EdgekitError(
                f"the messages of {self.name} have {len(self.kinds)} kinds, not 1 to {KINDS}"
            )
        if not FIRST_VERSION <= self.version <= LAST_VERSION:
            raise EdgekitError(
                f"version {self.version}: there are {FIRST_VERSION} to {LAST_VERSION}"
            )

    @property
    def size(self) -> int:
        """Bytes of a message."""
        return HEAD + sum(f.size for f in self.fields)

    def pack(self, message: Message) -> bytes:
        """`size` bytes, as the device's C makes them. Raises EdgekitError for a kind or value it has not."""
        if message.kind not in self.kinds:
            raise EdgekitError(
                f"{self.name} has no {message.kind!r}.{did_you_mean(message.kind, self.kinds)}"
            )
        names = [f.name for f in self.fields]
        if more := [n for n in message.values if n not in names]:
            raise EdgekitError(
                f"{self.name} has no value {more[0]!r}.{did_you_mean(more[0], names)}"
            )
        out = bytearray([self.version << 5 | self.kinds.index(message.kind)])
        out += (int(message.counter) & 0xFFFF).to_bytes(2, "little")
        for f in self.fields:
            code = f.code(message.values.get(f.name))
            out += code.to_bytes(f.size, "little", signed=f.signed)
        return bytes(out)

    def unpack(self, payload: bytes) -> Message:
        """What a payload says. Raises EdgekitError for another version, length or kind: a port is open to
        anybody."""
        if not payload:
            raise EdgekitError("an empty message")
        version, kind = payload[0] >> 5, payload[0] & (KINDS - 1)
        if version != self.version:
            raise EdgekitError(
                f"a message of version {version}; {self.name} is at version {self.version}: update the "
                "device, or who receives"
            )
        if len(payload) != self.size:
            raise EdgekitError(
                f"a message of {self.name} has {self.size} bytes, this one {len(payload)}"
            )
        if kind >= len(self.kinds):
            raise EdgekitError(f"a message of kind {kind}; {self.name} has {len(self.kinds)} kinds")
        values, at = {}, HEAD
        for f in self.fields:
            code = int.from_bytes(payload[at : at + f.size], "little", signed=f.signed)
            values[f.name], at = f.value(code), at + f.size
        return Message(self.kinds[kind], values, int.from_bytes(payload[1:HEAD], "little"))

    def check_fits(self, link: Any) -> int:
        """Bytes left in one payload of a `catalog` link; EdgekitError if a message does not fit."""
        most = int(link.value("max_payload_bytes"))
        if most < self.size:
            raise EdgekitError(
                f"{link.name} carries {most} bytes at once, a message of {self.name} has {self.size}"
            )
        return most - self.size

    def sources(self) -> dict[str, str]:
        """The C of this schema, `<name>_message.h`, and the headers that it includes, name -> text."""
        own = f"{self.name}_message.h"

        def read(header: str) -> str:
            return self._header() if header == own else firmware.text(HOMES[header], header)

        return firmware.with_includes([own], read)

    def _header(self) -> str:
        name, upper = self.name, self.name.upper()
        at, rows, table = HEAD, [], []
        for f in self.fields:
            last, (low, high, unknown) = at + f.size - 1, f.limits
            where = f"{at} - {last}" if f.size > 1 else str(at)
            shown = f"{f.name} in 1/{f.steps:g}" if f.steps != 1 else f.name
            rows.append(f" *   {where:<8} {shown}, {low} to {high}; {unknown} is unknown")
            table.append(
                f"    {{{f.size}, {int(f.signed)}, {int(f.index)}, {np.float32(f.steps)!s}f}},"
            )
            at += f.size
        members = "\n".join(f"  float {f.name};" for f in self.fields)
        listed = "\n".join(f"    m->{f.name}," for f in self.fields)
        taken = "\n".join(f"  m->{f.name} = values[{i}];" for i, f in enumerate(self.fields))
        kinds = ", ".join(f"{upper}_{kind.upper()} = {i}" for i, kind in enumerate(self.kinds))
        count, newline = len(self.fields), "\n"
        return f"""/* Messages of {name}, version {self.version}: {self.size} bytes, little-endian
 *
 *   0        version (3 bits), kind (5 bits)
 *   1 - 2    counter, modulo 65536
{newline.join(rows)} */
#ifndef {upper}_MESSAGE_H
#define {upper}_MESSAGE_H

#include "message.h"

#define {upper}_MESSAGE_BYTES {self.size}
#define {upper}_MESSAGE_VERSION {self.version}
enum {name}_message_kind {{ {kinds} }};

struct {name}_message {{
  int32_t kind;
  uint32_t counter;
{members}
}};

static const struct message_field {name}_message_fields[{count}] = {{
{newline.join(table)}
}};

/* 1, or 0 for a kind that there is not */
static inline int {name}_message_pack(const struct {name}_message *m, uint8_t to[{upper}_MESSAGE_BYTES]) {{
  const float values[{count}] = {{
{listed}
  }};
  if (m->kind < 0 || m->kind >= {len(self.kinds)}) return 0;
  message_pack({upper}_MESSAGE_VERSION, m->kind, m->counter, {name}_message_fields, {count}, values, to);
  return 1;
}}

/* 1 if `from` is such a message, of this version; else 0, and nothing is written */
static inline int {name}_message_unpack(const uint8_t *from, int32_t bytes, struct {name}_message *m) {{
  float values[{count}];
  if (bytes != {upper}_MESSAGE_BYTES || from[0] >> 5 != {upper}_MESSAGE_VERSION) return 0;
  if ((from[0] & 31) >= {len(self.kinds)}) return 0;
  m->kind = from[0] & 31;
  m->counter = message_unpack(from, {name}_message_fields, {count}, values);
{taken}
  return 1;
}}

#endif
"""


HOMES = {"message.h": "runtime", "real.h": "features"}  # folders of the headers that are included
