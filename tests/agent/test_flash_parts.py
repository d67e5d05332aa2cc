"""What the budget judges is the whole device: parts that add up, and memory without the flash's model."""

import numpy as np
import pytest

from edgekit import emulate
from edgekit.agent.device_firmware import firmware
from edgekit.agent.flash_parts import flash_parts, flash_total, memory
from edgekit.agent.simulator import Boot, DeviceSimulator
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

    parts = flash_parts(app)
    assert all(figure.value > 0 for figure in parts.values())
    program = sum(parts[p].value for p in ("network", "features", "agent", "cryptography"))
    assert program == app.flash.value
    area = parts["weights"].value + parts["slots"].value
    assert area == 6 * SECTOR  # an image of some hundred bytes: one each; log and keys: two each
    assert flash_total(parts).value == program + area

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
