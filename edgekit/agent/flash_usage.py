"""Bytes of flash of a device's program, part by part, each by the difference of two builds."""

from __future__ import annotations

from edgekit.agent import native
from edgekit.core.figures import Figure, measured
from edgekit.emulate.firmware import Firmware, build
from edgekit.packages import verifiers
from edgekit.packages.flash_layout import SECTOR, sectors
from edgekit.packages.keyset import KeyList
from edgekit.packages.release import Release

PARTS = ("weights", "network", "features", "agent", "cryptography", "slots")
KEPT = 4  # sectors beside the slots: two for the log, two for the keys
VERIFIER = """\
{includes}
uint8_t verifier_arena[64];
volatile int verifier_answer;
void verifier_invoke(void) {{
{calls}
}}
"""


def flash_parts(app: Firmware, release: Release, keys: KeyList) -> dict[str, Figure]:
    """Bytes of flash by part; their sum is what a device of this firmware needs.

    `weights` is the image in one slot; `slots` the rest of both, the agent's log and the keys it was given.
    `network` and `features` are code and tables, start-up code counted with the network; `cryptography` the
    signature's curve and its hash; `agent` what is left of the program, the driver of its flash included.
    """
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
