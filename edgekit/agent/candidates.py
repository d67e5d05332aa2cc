"""What a model takes on a device before it is chosen, measured as chapter 05 measures what ships."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from edgekit import export
from edgekit.agent.device_firmware import firmware
from edgekit.agent.footprint import flash_total, memory
from edgekit.agent.simulator import DeviceSimulator
from edgekit.catalog import Board
from edgekit.core.figures import Figure
from edgekit.emulate.firmware import build
from edgekit.emulate.profiling import profile
from edgekit.emulate.target import cost_on, profile_cost
from edgekit.packages import verifiers
from edgekit.packages.keys import FileSigner
from edgekit.packages.package import WORKSHOP, sign_package
from edgekit.packages.release import Release
from edgekit.signal.step import Step


def device_cost(
    tflite: bytes,
    features: Step | None,
    sensitivity: float | None,
    board: Board,
    x: Any,
    name: str = "model",
    **updates: str,
) -> dict[str, Figure]:
    """The figures of `emulate.profile_cost`, and of an int8 model those of the whole device.

    tflite: the model's file; features, sensitivity: before it, and of its sensor, as `Release` has them.
    The build is that of `agent.firmware` for the board's own core, with the update agent, both slots and the
    design's `updates` (`signature`, `encryption`), so what is chosen by these figures has them in chapter 05,
    too: `flash_bytes` and `ram_bytes`, the budget's lines of that name. Only the key in it is another one.
    A float32 model has neither: devices take no such update. x: (1, window, channels), the window that is
    counted. Raises EdgekitError where the generator cannot take the file.
    """
    graph = export.read(tflite)
    if str(graph.tensors[graph.inputs[0]].dtype) != "int8":
        return profile_cost(tflite, features, sensitivity, board, x)
    terms: dict[str, Any] = {"vendor": WORKSHOP, **updates}
    release = Release(tflite, features, sensitivity, name, board.key, **terms)
    signer = measuring_key(release.signature)
    program = firmware(release, [signer.public])
    plain = build(release.source, program.cpu, features=features, sensitivity=sensitivity)
    counted = profile(plain, x)
    device = DeviceSimulator(program, release.device())
    package = sign_package(release.unsigned(1), signer)
    return cost_on(board, plain, counted) | {
        "flash_bytes": flash_total(program),
        "ram_bytes": memory(device, package, counted.stack),
    }


def measuring_key(signature: str = "") -> FileSigner:
    """A key that everybody knows: what a device needs does not depend on which one it trusts.

    signature: how the device checks, of `verifiers.VERIFIERS`; empty: EdDSA.
    """
    if verifiers.named(signature or "EdDSA").algorithm == "EdDSA":
        return FileSigner(ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)))
    return FileSigner(ec.derive_private_key(1, ec.SECP256R1()))
