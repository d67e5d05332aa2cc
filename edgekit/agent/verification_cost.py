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
from edgekit.export.source import Source
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
    """One head, or one signature, checked. `flash` is measured, without start-up code; the rest emulated."""

    reason: str
    instructions: Figure
    stack: Figure
    flash: Figure


def cost(data: bytes, keys: list[PublicKey], cpu: str = "cortex-m4", opt: str = "-Os") -> Cost:
    """Check a package's head on the emulated core, with a firmware that trusts `keys` and nothing else in it.

    The firmware's device has no vendor, so a good package is refused for that, by the first of the rules.
    cpu, opt: as `emulate.build` takes them.
    """
    machine = _given(data, keys, cpu, opt)
    counted = machine.counted(lambda: machine.infer(()))
    return _cost(_reason(machine), machine.firmware, counted)


def answer(data: bytes, keys: list[PublicKey], cpu: str = "cortex-m4", opt: str = "-Os") -> str:
    """The reason of `cost` alone: nothing is counted, which takes seconds."""
    machine = _given(data, keys, cpu, opt)
    machine.infer(())
    return _reason(machine)


def _given(data: bytes, keys: list[PublicKey], cpu: str, opt: str) -> Machine:
    """A machine with a package's head in it, before it is checked."""
    algorithms = sorted({k.algorithm for k in keys})
    program = PROGRAM.format(
        includes="\n".join(f'#include "{verifiers.named(a).head}.h"' for a in algorithms),
        keys=", ".join(native.c_key(k) for k in keys) or "{0, 0, 0, {0}}",
        count=len(keys),
    )
    machine = Machine(build(_source(program, *algorithms), cpu, opt))
    head = bytes(data)[:HEAD_LIMIT]
    machine.write("verifier_arena", head)
    machine.write("verifier_size", len(head).to_bytes(4, "little"))
    return machine


def _reason(machine: Machine) -> str:
    code = int.from_bytes(machine.read("verifier_answer"), "little")
    return native.library().manifest_reason(code).decode()


def signature_cost(name: str, cpu: str = "cortex-m4", opt: str = "-Os") -> Cost:
    """One published signature checked by a verifier of `packages.verifiers`, and nothing else.

    Raises EdgekitError for an unknown one, or if the core refuses the signature.
    """
    way = verifiers.named(name)
    words = (",".join(map(str, bytes.fromhex(v))) for v in SIGNED[way.algorithm])
    listed = dict(zip(("key", "message", "signature"), words, strict=True))
    program = ONE.format(head=way.head, verify=native.VERIFY[way.algorithm], **listed)
    machine = Machine(build(_source(program, name), cpu, opt))
    counted = machine.counted(lambda: machine.infer(()))
    if any(machine.read("verifier_answer")):
        raise EdgekitError(f"the {cpu} refuses a published signature by {name}")
    return _cost("good", machine.firmware, counted)


def _cost(reason: str, firmware: Firmware, counted: tuple[int, int]) -> Cost:
    """What a program took beyond one that does nothing. counted: instructions, and bytes of stack."""
    nothing = native.program("verifier", {"verifier.c": EMPTY})
    empty = build(nothing, firmware.cpu, firmware.flags[0])
    instructions, stack = counted
    where = f"unicorn, {firmware.described}"
    return Cost(
        reason,
        emulated(instructions, "instructions", where),
        emulated(stack, "B", f"painted stack, {where}"),
        measured(firmware.flash.value - empty.flash.value, "B", firmware.flash.source),
    )


def _source(program: str, *signatures: str) -> Source:
    """The program, and what checks signatures: as `native.files`."""
    return native.program("verifier", {"verifier.c": program} | native.files(*signatures))


def signatures(board: Board, using: str = "") -> pd.DataFrame:
    """What each verifier costs a `catalog.board`: one signature checked, counted on its emulated core.

    using: the name of the one in use. Returns a DataFrame, one row each: signature, in use, instructions,
    flash and stack in bytes, provenance (of instructions and stack), flash provenance, ms (estimated: one
    cycle an instruction, at the board's clock), source. The flash holds the hash as well; SHA-256 is there
    anyway.
    """
    import pandas as pd

    cpu, clock = core_for(board), board.value("clock_mhz")
    rows = []
    for name, verifier in verifiers.VERIFIERS.items():
        found = signature_cost(name, cpu)
        rows.append(
            {
                "signature": name,
                "in use": name == using,
                "instructions": found.instructions.value,
                "flash": found.flash.value,
                "stack": found.stack.value,
                "provenance": found.instructions.provenance,
                "flash provenance": found.flash.provenance,
                "ms, estimated": found.instructions.value / clock / 1e3,
                "source": f"{verifier.about}; {found.instructions.source}",
            }
        )
    return pd.DataFrame(rows)
