"""What it costs a microcontroller to check a package: the head, verified on the emulated core."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edgekit.agent import native
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, emulated, measured
from edgekit.emulate.firmware import Firmware, build
from edgekit.emulate.machine import Machine
from edgekit.emulate.target import core_for
from edgekit.packages import verifiers
from edgekit.packages.public_keys import PublicKey
from edgekit.packages.suit import HEAD_LIMIT

if TYPE_CHECKING:
    import pandas as pd

    from edgekit.catalog import Board

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


# published signatures, so that the count is the same each time: (public key, message, signature)
SIGNED = {
    "EdDSA": (  # RFC 8032, 7.1, test 2
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    "ES256": (  # RFC 6979, A.2.5, SHA-256 of "test"
        "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
        "74657374",
        "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
        "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
    ),
}
ONE = """\
#include <stdint.h>
#include "{head}.h"
uint8_t verifier_arena[4];
volatile int verifier_answer;
static const uint8_t KEY[] = {{{key}}}, MESSAGE[] = {{{message}}}, SIGNATURE[] = {{{signature}}};

void verifier_invoke(void) {{
  verifier_arena[0] = 0;
  verifier_answer = {verify}(SIGNATURE, KEY, MESSAGE, sizeof MESSAGE);
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
    cpu, opt: as `emulate.build` takes them. count: the instructions and the stack, too, which takes seconds.
    """
    firmware = build(_source(_program(keys), keys), cpu, opt)
    machine, head = Machine(firmware), bytes(data)[:HEAD_LIMIT]
    uc, symbols = machine.uc, machine.symbols
    uc.mem_write(machine.arena, head)
    uc.mem_write(symbols["verifier_size"].address, len(head).to_bytes(4, "little"))
    counted = machine.counted(lambda: machine.infer(())) if count else None
    if not count:
        machine.infer(())
    code = int.from_bytes(uc.mem_read(symbols["verifier_answer"].address, 4), "little")
    return _cost(native.library().manifest_reason(code).decode(), firmware, opt, counted)


def signature_cost(name: str, cpu: str = "cortex-m4", opt: str = "-Os") -> Cost:
    """One published signature checked by a verifier of `packages.verifiers`, and nothing else.

    Raises EdgekitError for an unknown one, or if the core refuses the signature.
    """
    way = verifiers.named(name)
    words = (",".join(map(str, bytes.fromhex(v))) for v in SIGNED[way.algorithm])
    listed = dict(zip(("key", "message", "signature"), words, strict=True))
    program = ONE.format(head=way.head, verify=native.VERIFY[way.algorithm], **listed)
    files = {"verifier.c": program} | native.files(name)
    firmware = build(native.program("verifier", files), cpu, opt)
    machine = Machine(firmware)
    counted = machine.counted(lambda: machine.infer(()))
    at = machine.symbols["verifier_answer"].address
    if any(machine.uc.mem_read(at, 4)):
        raise EdgekitError(f"the {cpu} refuses a published signature by {name}")
    return _cost("good", firmware, opt, counted)


def _cost(reason: str, firmware: Firmware, opt: str, counted: tuple[int, int] | None) -> Cost:
    """What a program took beyond one that does nothing. counted: instructions, and bytes of stack."""
    empty = build(_source(EMPTY), firmware.cpu, opt)
    where = f"unicorn, {firmware.cpu}, {firmware.compiler} {opt}"
    return Cost(
        reason,
        emulated(counted[0], "instructions", where) if counted else None,
        emulated(counted[1], "B", f"painted stack, {where}") if counted else None,
        measured(firmware.flash.value - empty.flash.value, "B", firmware.flash.source),
    )


def _program(keys: list[PublicKey]) -> str:
    own = (native.c_key(k) for k in keys)
    algorithms = sorted({k.algorithm for k in keys})
    return PROGRAM.format(
        includes="\n".join(f'#include "{verifiers.named(a).head}.h"' for a in algorithms),
        keys=", ".join(own) or "{0, 0, 0, {0}}",
        count=len(keys),
    )


def _source(program: str, keys=()):
    """The program, and what checks the signatures of these keys."""
    parts = native.files(*sorted({k.algorithm for k in keys})) if program != EMPTY else {}
    return native.program("verifier", {"verifier.c": program, **parts})


def signatures(board: Board, using: str = "") -> pd.DataFrame:
    """What each verifier costs a `catalog.board`: one signature checked, counted on its emulated core.

    using: the name of the one in use. Raises EdgekitError where nothing was counted. Returns a DataFrame,
    one row each: signature, in use, instructions,
    flash and stack in bytes, provenance (of the three), ms (estimated: one cycle an instruction, at the
    board's clock), source. The flash holds the hash as well; SHA-256 is there anyway.
    """
    import pandas as pd

    cpu, clock = core_for(board), board.value("clock_mhz")
    rows = []
    for name, verifier in verifiers.VERIFIERS.items():
        found = signature_cost(name, cpu)
        counted, stack = found.instructions, found.stack
        if counted is None or stack is None:
            raise EdgekitError(f"nothing was counted of {name}")
        rows.append(
            {
                "signature": name,
                "in use": name == using,
                "instructions": counted.value,
                "flash": found.flash.value,
                "stack": stack.value,
                "provenance": counted.provenance,
                "ms, estimated": counted.value / clock / 1e3,
                "source": f"{verifier.about}; {counted.source}",
            }
        )
    return pd.DataFrame(rows)
