"""What the device's flash and memory hold, part by part: the program that is judged is the one that ships."""

from __future__ import annotations

from edgekit.agent import native
from edgekit.agent.device_firmware import KEPT, PACKET, DeviceFirmware
from edgekit.agent.simulator import DeviceSimulator
from edgekit.core.figures import Figure, emulated, measured
from edgekit.emulate.firmware import build
from edgekit.packages import verifiers
from edgekit.packages.flash_layout import SECTOR, sectors

FLASH_PARTS = ("weights", "network", "features", "agent", "cryptography", "slots")
VERIFIER = """\
{includes}
uint8_t verifier_arena[64];
volatile int verifier_answer;
void verifier_invoke(void) {{
{calls}
}}
"""


def flash_parts(app: DeviceFirmware) -> dict[str, Figure]:
    """Bytes of flash by part; their sum is what a device of this firmware needs.

    `weights` is the image in one slot; `slots` the rest of both, the agent's log and the keys it was given.
    `network` and `features` are code and tables, start-up code counted with the network; `cryptography` the
    signature's curve and its hash; `agent` what is left of the program, the driver of its flash included.
    """
    release, keys = app.release, app.keys
    image = len(release.image)
    plain = build(
        release.source, app.cpu, features=release.features, sensitivity=release.sensitivity
    )
    network = build(release.source, app.cpu).flash.value
    algorithms = {k.algorithm for k in (*keys.roots, *keys.signers)}
    curves = _verifier(app.cpu, *verifiers.chosen(algorithms, release.signature)) - _verifier(
        app.cpu
    )
    where = f"{app.flash.source}, by difference of builds"
    sizes = {
        "weights": (image, "the image in a slot: constants and the self-test's answer"),
        "network": (network, where),
        "features": (plain.flash.value - network, where),
        "agent": (app.flash.value - plain.flash.value - curves, where),
        "cryptography": (curves, where),
        "slots": (
            slots_bytes(image) - image,
            f"two slots, a log and the keys in sectors of {SECTOR:,} B, less the image",
        ),
    }
    return {name: measured(size, "B", source) for name, (size, source) in sizes.items()}


def slots_bytes(image: int) -> int:
    """Bytes of flash beside the program: two slots for an image of so many, the agent's log, its keys."""
    return (2 * sectors(image) + KEPT) * SECTOR


def flash_total(app: DeviceFirmware) -> Figure:
    """All that a device of this firmware needs, in bytes: the sum of its parts."""
    total = app.flash.value + slots_bytes(len(app.release.image))
    return measured(total, "B", f"ELF and slots: {', '.join(FLASH_PARTS)}")


def memory(core: DeviceSimulator, package: bytes, stack: Figure) -> Figure:
    """Bytes of RAM of the whole device: its data, and the deeper of two stacks.

    `stack`: of one inference, from its profile; the other is painted while `package` is checked and taken.
    The emulator's model of the flash lies in the ELF's data and is not counted. `core` is as it was.
    """
    update = core.stack_of_install(package)
    model = core.core.size("nor")
    deeper = "an inference" if stack.value >= update else "an installation"
    return emulated(
        core.app.ram.value - model + max(stack.value, update),
        "bytes",
        f"data of the ELF with a packet of {PACKET} B, stack of {deeper} by painting, {core.app.cpu}",
    )


def _verifier(cpu: str, *names: str) -> float:
    """Flash of a program that checks a signature in each of these ways, and does nothing else."""
    ways = [verifiers.named(name) for name in names]
    calls = "\n".join(
        f"  verifier_answer = {native.VERIFY[w.algorithm]}"
        "(verifier_arena, verifier_arena, verifier_arena, 4);"
        for w in ways
    )
    heads = "\n".join(f'#include "{w.head}.h"' for w in ways)
    program = VERIFIER.format(includes=f"#include <stdint.h>\n{heads}", calls=calls)
    files = {"verifier.c": program, **(native.files(*names) if names else {})}
    return build(native.program("verifier", files), cpu).flash.value
