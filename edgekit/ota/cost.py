"""What it costs a microcontroller to check a package: the head, verified on the emulated core."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.figures import Figure, emulated, measured
from edgekit.ota import native
from edgekit.ota.keys import PublicKey
from edgekit.ota.suit import HEAD_LIMIT

EMPTY = """\
#include <stdint.h>
uint8_t verifier_arena[4];
void verifier_invoke(void) {}
"""
PROGRAM = """\
#include "manifest.h"
{includes}
uint8_t verifier_arena[MANIFEST_HEAD];
uint32_t verifier_size;
int verifier_answer;
static struct manifest manifest;
static struct device device;
static const struct key KEY[] = {{ {keys} }};
static const struct keys TRUSTED = {{KEY, {count}}};

void verifier_invoke(void) {{
  verifier_answer = manifest_read(verifier_arena, verifier_size, &TRUSTED, &manifest);
  if (verifier_answer == MANIFEST_OK) verifier_answer = manifest_check(&manifest, &device);
}}
"""


@dataclass(frozen=True)
class Cost:
    """One head, read and checked. `flash` without start-up code; the other figures None if not counted."""

    reason: str
    instructions: Figure | None
    stack: Figure | None
    flash: Figure


def cost(
    data: bytes,
    keys: list[PublicKey],
    cpu: str = "cortex-m4",
    opt: str = "-Os",
    count: bool = True,
) -> Cost:
    """Check a package's head on the emulated core, with a firmware that trusts `keys` and nothing else in it.

    The firmware's device has no vendor, so a good package is refused for that, by the first of the rules.
    cpu, opt: as `device.build` takes them. count: the instructions and the stack, too, which takes seconds.
    """
    from edgekit.device.build import build
    from edgekit.device.emulate import Machine

    firmware = build(_source(_program(keys), keys), cpu, opt)
    machine, head = Machine(firmware), bytes(data)[:HEAD_LIMIT]
    uc, symbols = machine.uc, machine.symbols
    uc.mem_write(machine.arena, head)
    uc.mem_write(symbols["verifier_size"].address, len(head).to_bytes(4, "little"))
    if count:
        total, stack = machine.counted(lambda: machine.infer(()))
    else:
        machine.infer(())
    code = int.from_bytes(uc.mem_read(symbols["verifier_answer"].address, 4), "little")
    where = f"unicorn, {cpu}, {firmware.compiler} {opt}"
    flash = firmware.flash.value - build(_source(EMPTY), cpu, opt).flash.value
    return Cost(
        native.library().manifest_reason(code).decode(),
        emulated(total, "instructions", where) if count else None,
        emulated(stack, "B", f"painted stack, {where}") if count else None,
        measured(flash, "B", firmware.flash.source),
    )


def _program(keys: list[PublicKey]) -> str:
    own = (native.c_key(k) for k in keys)
    algorithms = sorted({k.algorithm for k in keys})
    return PROGRAM.format(
        includes="\n".join(f'#include "{native.CURVES[a][0]}.h"' for a in algorithms),
        keys=", ".join(own) or "{0, 0, 0, {0}}",
        count=len(keys),
    )


def _source(program: str, keys=()):
    """The program, and what checks the signatures of these keys."""
    parts = native.files(*sorted({k.algorithm for k in keys})) if program != EMPTY else {}
    return native.program("verifier", {"verifier.c": program, **parts})
