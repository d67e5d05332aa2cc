"""What the decoder of deltas costs a microcontroller, on the emulated core."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.agent import native
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, emulated, measured
from edgekit.emulate.firmware import build
from edgekit.emulate.machine import Machine
from edgekit.firmware import c_sources
from edgekit.packages import delta

PROGRAM = """\
#include "delta.h"
uint8_t decoder_arena[{target}];
struct delta decoder_state;
int decoder_answer;
static uint32_t put_at;
static const uint8_t INPUT[] = {{{data}}}, BASE[] = {{{base}}};
static int decoder_put(void *where, const uint8_t *data, uint32_t n) {{
  uint8_t *to = where;
  for (uint32_t i = 0; i < n; i++) to[put_at++] = data[i];
  return 0;
}}
void decoder_invoke(void) {{
  delta_begin(&decoder_state, BASE, sizeof BASE, sizeof decoder_arena, decoder_put, decoder_arena);
  decoder_answer = delta_feed(&decoder_state, INPUT, sizeof INPUT);
}}
"""


@dataclass(frozen=True)
class Cost:
    """The decoder on an emulated core: code, `struct delta` with stack, instructions for each byte."""

    code: Figure
    ram: Figure
    per_byte: Figure


def cost(target: bytes, base: bytes, cpu: str = "cortex-m4", opt: str = "-Os") -> Cost:
    """Decode `target` from its delta to `base` on the emulated core.

    Raises EdgekitError if the core comes to another image. The stack is painted, and includes that of the
    decoder's caller and of a put() that copies bytes.
    """
    data = delta.encode(target, base)
    listed = {
        "data": ",".join(map(str, data)),
        "base": ",".join(map(str, base)),
        "target": len(target),
    }
    files = c_sources("delta") | {"decoder.c": PROGRAM.format(**listed)}
    firmware = build(native.program("decoder", files), cpu, opt)
    machine = Machine(firmware)
    total, stack = machine.counted(lambda: machine.infer(()))
    if machine.read("decoder_arena") != target:
        raise EdgekitError(f"the {cpu} decoded another image than this machine encoded")
    frame = ("INPUT", "BASE", "start", "memcpy", "memset")  # of PROGRAM and of startup.c
    own = machine.code_size(frame, ("edgekit_", "decoder_"))
    where = firmware.described
    return Cost(
        measured(own, "B", f"symbols of delta.c in the ELF, {where}"),
        emulated(
            machine.size("decoder_state") + stack, "B", f"struct + painted stack, unicorn, {where}"
        ),
        emulated(total / len(target), "instructions/B", f"unicorn, {where}"),
    )
