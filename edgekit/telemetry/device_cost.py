"""What a device's outbox and epoch cost a microcontroller, on the emulated core; Python is the oracle."""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.agent import native
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, emulated, measured
from edgekit.emulate.firmware import build
from edgekit.emulate.machine import Machine
from edgekit.firmware import c_sources
from edgekit.telemetry.acknowledgement import pack_acknowledgements
from edgekit.telemetry.event import Event, Kind

BODY = bytes(range(12))  # of a report, as the use cases' schemas lay them out
EVENTS = 16
PROGRAM = """\
#include "epoch.h"
#include "outbox.h"
uint8_t telemetry_arena[OUTBOX_WIRE];
struct outbox telemetry_outbox;
int32_t telemetry_step, telemetry_answer;
static uint8_t telemetry_flash[EPOCH_SECTORS * FLASH_SECTOR];
static const uint8_t BODY[] = {{{body}}}, SAID[] = {{{acknowledged}}};
int flash_erase(uint32_t sector) {{
  for (uint32_t i = 0; i < FLASH_SECTOR; i++) telemetry_flash[sector * FLASH_SECTOR + i] = 0xFF;
  return 0;
}}
int flash_write(uint32_t address, const void *data, uint32_t n) {{
  const uint8_t *from = data;
  for (uint32_t i = 0; i < n; i++) telemetry_flash[address + i] &= from[i];
  return 0;
}}
const uint8_t *flash_at(uint32_t address) {{ return telemetry_flash + address; }}
void telemetry_invoke(void) {{
  switch (telemetry_step) {{
    case 0: telemetry_answer = (int32_t)epoch_next(0); break;
    case 1: outbox_open(&telemetry_outbox, (uint32_t)telemetry_answer); break;
    case 2: outbox_put(&telemetry_outbox, EVENT_REPORT, 3, 1700000000, BODY, sizeof BODY); break;
    case 3: telemetry_answer = (int32_t)outbox_encode(&telemetry_outbox, 0, telemetry_arena); break;
    case 4: telemetry_answer = outbox_acknowledge(&telemetry_outbox, SAID, sizeof SAID); break;
  }}
}}
"""


@dataclass(frozen=True)
class Cost:
    """`code`: bytes of flash; `ram`: of the ring and the deepest stack. Instructions to `put` an event into
    a ring with room, to `encode` it, to read an acknowledgement of all that is there, and of a boot's
    `epoch`."""

    code: Figure
    ram: Figure
    put: Figure
    encode: Figure
    acknowledge: Figure
    epoch: Figure


def cost(cpu: str = "cortex-m4", opt: str = "-Os") -> Cost:
    """The life of a few events on the emulated core. Raises EdgekitError if it comes to other bytes than
    Python, or keeps what was acknowledged."""
    event = Event("", 2, 0, Kind.REPORT, 3, 1_700_000_000, BODY)
    (acknowledged,) = pack_acknowledgements((2, i) for i in range(EVENTS))
    listed = {"body": BODY, "acknowledged": acknowledged}
    text = PROGRAM.format(**{name: ",".join(map(str, data)) for name, data in listed.items()})
    files = c_sources("epoch", "outbox", "cbor", "flash.h") | {"telemetry.c": text}
    firmware = build(native.program("telemetry", files), cpu, opt)
    machine = Machine(firmware)
    deepest = 0

    def step(n: int) -> tuple[int, int]:
        nonlocal deepest
        machine.write("telemetry_step", n.to_bytes(4, "little"))
        count, stack = machine.counted(lambda: machine.infer(()))
        deepest = max(deepest, stack)
        return count, int.from_bytes(machine.read("telemetry_answer"), "little", signed=True)

    nothing, _ = step(9)  # what the call itself takes
    step(0)  # a new part: an erase, too
    epoch, number = step(0)
    step(1)
    put, *_ = (step(2)[0] for _ in range(EVENTS))
    encode, size = step(3)
    if number != 2 or machine.read("telemetry_arena", size) != event.encode(named=False):
        raise EdgekitError(f"the {cpu} encoded another event than this machine")
    acknowledge, left = step(4)
    if left != EVENTS:
        raise EdgekitError(f"the {cpu} let {left} of {EVENTS} events leave")
    frame = ("BODY", "SAID", "start", "memcpy", "memset")  # of PROGRAM and of startup.c
    own = machine.code_size(frame, ("edgekit_", "telemetry_", "flash_"))
    where, ring = firmware.described, machine.size("telemetry_outbox")

    def counted(n: int) -> Figure:
        return emulated(n - nothing, "instructions", f"unicorn, {where}")

    return Cost(
        measured(own, "B", f"symbols of outbox.c, epoch.c and cbor.c in the ELF, {where}"),
        emulated(ring + deepest, "B", f"ring of {EVENTS} events + painted stack, unicorn, {where}"),
        *map(counted, (put, encode, acknowledge, epoch)),
    )
