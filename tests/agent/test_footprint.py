"""What the budget judges is the whole device: parts that add up, and memory without the flash's model."""

import numpy as np
import pytest

from edgekit import catalog, emulate
from edgekit.agent.candidates import device_cost
from edgekit.agent.device_firmware import firmware
from edgekit.agent.footprint import flash_total, memory
from edgekit.agent.simulator import Boot, DeviceSimulator
from edgekit.emulate.selftest import DIGEST_BYTES
from edgekit.packages.flash_layout import SECTOR
from edgekit.packages.package import sign_package
from tests.emulate.bearings import ENVELOPE, strikes


@pytest.mark.parametrize("cpu", ["cortex-m0plus", "cortex-m33", "rv32imc"])
def test_the_shipped_program_runs_and_is_counted_on_other_cores(releases, signer, cpu):
    release, keys = releases[0], [signer.public]
    app = firmware(release, keys, cpu)
    core = DeviceSimulator(app, release.device())
    package = sign_package(release.unsigned(1), signer)
    assert core.install(package) == ""
    assert core.reset() == Boot(0, trial=True, healthy=True)

    parts = app.parts
    assert all(figure.value > 0 for figure in parts.values())
    program = sum(parts[p].value for p in ("network", "features", "agent", "cryptography"))
    assert program == app.flash.value
    area = parts["weights"].value + parts["slots"].value
    assert area == 6 * SECTOR  # an image of some hundred bytes: one each; log and keys: two each
    assert flash_total(app).value == program + area == sum(f.value for f in parts.values())

    x = strikes(1, seed=3)[0]
    counted = emulate.profile(app, x, core.core)
    assert counted.instructions.value > 10_000
    ram = memory(core, package, counted.stack)
    # the model of the flash, six sectors and what it knows of them, is no RAM
    assert app.ram.value - 7 * SECTOR < ram.value < app.ram.value
    assert core.restart() == Boot(0, trial=False)


def test_the_slot_costs_no_instruction_that_the_profile_does_not_show(releases, signer):
    release = releases[0]
    app = firmware(release, [signer.public])
    core = DeviceSimulator(app, release.device())
    core.install(sign_package(release.unsigned(1), signer))
    core.reset()
    X = strikes(3, seed=5)[0]
    counted = emulate.profile(app, X[:1], core.core)
    plain = emulate.build(
        release.source, app.cpu, features=ENVELOPE, sensitivity=release.sensitivity
    )
    once = {layer.name: layer.instructions for layer in emulate.profile(plain, X[:1]).layers}
    assert {layer.name: layer.instructions for layer in counted.layers}["features"] == once[
        "features"
    ]
    core.classify(X)  # what ran before is counted like what runs first
    again = emulate.profile(app, X[:1], core.core)
    assert again.instructions.value == counted.instructions.value > 10_000
    assert counted.output[0].tolist() == emulate.classify(app, X[:1], core.core)[1].tolist()
    assert ENVELOPE(X).shape[0] == len(np.asarray(core.classify(X)))


def test_a_candidate_costs_what_chapter_05_will_measure(releases, signer):
    """Search and ledger build what ships; only the key in it is another one."""
    release, x = releases[0], strikes(1, seed=3)[0]
    board = catalog.board(release.board)
    found = device_cost(release.tflite, ENVELOPE, release.sensitivity, board, x)
    app = firmware(release, [signer.public])
    core = DeviceSimulator(app, release.device())
    package = sign_package(release.unsigned(1), signer)
    core.install(package)
    core.reset()
    counted = emulate.profile(app, x, core.core)
    assert found["flash_bytes"].value == flash_total(app).value
    assert found["ram_bytes"].value == memory(core, package, counted.stack).value
    assert found["instructions"].value == counted.instructions.value
    assert found["latency_ms"] == emulate.latency_on(board, app, counted)
    program = {name: app.parts[name].value for name in ("network", "features", "weights")}
    slot = program["weights"] - DIGEST_BYTES  # the answer to the self-test is the agent's
    assert found["network_bytes"].value == program["network"] + slot
    assert found["app_flash_bytes"].value == program["network"] + program["features"] + slot
