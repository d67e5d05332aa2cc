"""What chapter 05 judged is what chapter 06 signs for: it goes through a file, nothing is made again."""

import io
import json
import zipfile

import numpy as np
import pytest

from edgekit import export
from edgekit.agent import firmware_file
from edgekit.agent.device_firmware import firmware
from edgekit.agent.simulator import Boot, DeviceSimulator
from edgekit.core.errors import EdgekitError
from edgekit.emulate import layer_parity
from edgekit.export import contract
from edgekit.packages.package import sign_package
from tests.emulate.bearings import ENVELOPE, strikes


@pytest.fixture(scope="module")
def made(releases, signer):
    return firmware(releases[0], [signer.public])


def edited(data: bytes, name: str, change) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = {n: archive.read(n) for n in archive.namelist()}
    return contract.bundle(files | {name: change(files[name])})


def test_a_firmware_comes_back_whole_and_nothing_is_generated_or_built_again(
    made, releases, signer, monkeypatch
):
    data = firmware_file.to_bytes(made)
    assert firmware_file.to_bytes(made) == data
    before = sign_package(made.release.unsigned(1, expires=0), signer)

    def never(*_, **__):
        raise AssertionError("made a second time")

    for module in (
        "export.codegen.generate",
        "emulate.firmware.build",
        "emulate.selftest.slot_image",
    ):
        monkeypatch.setattr(f"edgekit.{module}", never)
    monkeypatch.setattr("edgekit.packages.release.slot_image", never)
    monkeypatch.setattr("edgekit.emulate.toolchain._made", never)
    back = firmware_file.from_bytes(data).with_features(ENVELOPE)
    assert (back.elf, back.cpu, back.flags) == (made.elf, made.cpu, made.flags)
    assert back.flash == made.flash
    assert back.parts == made.parts
    assert back.keys == made.keys
    assert back.release.requirements == made.release.requirements
    assert back.release.regions == made.release.regions
    assert sign_package(back.release.unsigned(1, expires=0), signer) == before
    device = DeviceSimulator(back, back.release.device())
    assert device.install(before) == ""
    assert device.reset() == Boot(0, trial=True, healthy=True)
    X = strikes(3, seed=4)[0]
    other = DeviceSimulator(made, made.release.device())
    other.install(before)
    other.reset()
    assert np.array_equal(device.classify(X), other.classify(X))


def test_the_program_that_ships_is_the_one_that_is_compared_layer_by_layer(made):
    pytest.importorskip("tflite_micro")
    x = np.random.default_rng(0).integers(-128, 128, (3, 40)).astype(np.int8)
    table = layer_parity(made.release.tflite, x, firmware=made)
    assert table.attrs["exact"]
    assert table["values"].sum() == 9 // 3


def test_other_features_and_damaged_files_are_one_line(made):
    from dataclasses import replace

    data = firmware_file.to_bytes(made)
    with pytest.raises(EdgekitError, match="other features"):
        firmware_file.from_bytes(data).with_features(replace(ENVELOPE, low=1000))
    old = edited(
        data, "firmware.json", lambda t: json.dumps(json.loads(t) | {"schema": 0}).encode()
    )
    with pytest.raises(EdgekitError, match="another version of edgekit"):
        firmware_file.from_bytes(old)
    for name in ("program.elf", "source.json", "firmware.json", "model.tflite"):
        for change in (lambda b: b[: len(b) // 2], lambda b: b""):
            with pytest.raises(EdgekitError):
                firmware_file.from_bytes(edited(data, name, change))
    with pytest.raises(EdgekitError, match="damaged"):
        firmware_file.from_bytes(data[:-100])
    with pytest.raises(EdgekitError, match="another one"):
        firmware_file.from_bytes(edited(data, "program.elf", lambda b: b[:-1] + b"\xff"))


def test_a_contract_is_of_code_with_a_slot(releases):
    source = export.generate(releases[0].source.graph, "bearing")
    with pytest.raises(EdgekitError, match="from a slot"):
        export.compatibility(source, {})
