"""What it costs a microcontroller to read encrypted payloads, on the emulated core."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from edgekit.agent import native
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, emulated, measured
from edgekit.emulate.firmware import build
from edgekit.emulate.machine import Machine
from edgekit.emulate.target import core_for
from edgekit.firmware import c_sources
from edgekit.packages import encryption

if TYPE_CHECKING:
    import pandas as pd

    from edgekit.catalog import Board

PROGRAM = """\
#include "decrypt.h"
uint8_t reader_arena[{n}];
int reader_answer;
struct decrypt reader_state;
static const uint8_t KEK[] = {{{kek}}}, HOW[] = {{{how}}};
void reader_invoke(void) {{
  struct cbor r = {{HOW, HOW + sizeof HOW, CBOR_FINE}};
  struct encryption e;
  encryption_read(&r, &e);
  reader_answer = r.state + KEK[e.count];
{decrypt}
}}
"""
DECRYPT = """\
  reader_answer = r.state != CBOR_FINE || decrypt_begin(&reader_state, &e, KEK);
  for (uint32_t i = 0; i < {n}; i += 32) decrypt_run(&reader_state, reader_arena + i, reader_arena + i, 32);
"""


@dataclass(frozen=True)
class Cost:
    """What it costs a device to read encrypted payloads: bytes of code, of `struct decrypt`, of stack;
    instructions for a key unwrapped, and for each byte."""

    flash: Figure
    state: Figure
    stack: Figure
    begin: Figure
    per_byte: Figure


def decryption_costs(board: Board, payload: int) -> pd.DataFrame:
    """`cost` on the emulated core of a `catalog.board`, for a payload of so many bytes.

    Returns a DataFrame, one row each: what, value, unit, provenance, source.
    """
    import pandas as pd

    found = cost(core_for(board))
    whole = found.begin.value + found.per_byte.value * payload
    rows = {
        "code, beside the agent's": found.flash,
        "RAM while a payload comes in": found.state,
        "stack": found.stack,
        "the key unwrapped": found.begin,
        "each byte": found.per_byte,
        f"all {payload:,} bytes": emulated(round(whole), "instructions", found.begin.source),
    }
    return pd.DataFrame(
        {
            "what": k,
            "value": f.value,
            "unit": f.unit,
            "provenance": f.provenance,
            "source": f.source,
        }
        for k, f in rows.items()
    )


def cost(cpu: str = "cortex-m4", opt: str = "-Os") -> Cost:
    """Decrypt on the emulated core. Raises EdgekitError if it reads another text than was encrypted."""
    own = native.decryptor_files() | c_sources("cbor")
    kek = bytes(range(encryption.KEY))
    text = np.random.default_rng(0).bytes(2048)
    hidden, how = encryption.encrypt(text, [kek])
    listed = {"kek": _listed(kek), "how": _listed(bytes([0x58, len(how)]) + how)}

    def built(n: int, decrypt: str):
        program = PROGRAM.format(n=n, decrypt=decrypt, **listed)
        return build(native.program("reader", {"reader.c": program} | own), cpu, opt)

    counts = []
    for n in (len(text), len(text) // 2):
        firmware = built(n, DECRYPT.format(n=n))
        machine = Machine(firmware)
        machine.write("reader_arena", hidden[:n])
        total, stack = machine.counted(partial(machine.infer, ()))
        if machine.read("reader_arena", n) != text[:n]:
            raise EdgekitError(f"the {cpu} read another text than was encrypted")
        counts.append(total)
    state = machine.size("reader_state")
    per_byte = (counts[0] - counts[1]) / (len(text) // 2)
    where = f"unicorn, {firmware.described}"
    plain = built(n, "  reader_arena[0] = 0;")  # reads what is said of it, and no more
    return Cost(
        measured(firmware.flash.value - plain.flash.value, "B", firmware.flash.source),
        measured(state, "B", firmware.flash.source),
        emulated(stack, "B", f"painted stack, {where}"),
        emulated(counts[0] - per_byte * len(text), "instructions", where),
        emulated(per_byte, "instructions/B", where),
    )


def _listed(data: bytes) -> str:
    return ",".join(map(str, data))
