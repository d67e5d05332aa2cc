"""What a device compares before it accepts a model changes whenever the model's needs do."""

import io
import zipfile

import numpy as np

from edgekit.export.codegen import generate
from edgekit.export.contract import bundle, compatibility
from edgekit.export.reader import read
from tests.export import tiny

FEATURES = {"a.h": "#define A 1\n"}


def contract(features=None):
    graph = read(tiny.fully_connected(np.random.default_rng(0)))
    return compatibility(generate(graph, "net", slot=True), features or FEATURES)


def test_the_contract_names_what_the_model_needs():
    fields = contract()
    assert set(fields) == {"abi", "arena_bytes", "operators", "inputs", "outputs", "features"}
    assert fields["operators"] == {"FULLY_CONNECTED": 9}  # of schema.fbs
    assert fields["inputs"][0].startswith("int8[")
    assert "scale" in fields["inputs"][0]


def test_another_feature_pipeline_is_another_contract():
    assert contract()["features"] == contract()["features"]
    assert contract({"a.h": "#define A 2\n"})["features"] != contract()["features"]


def test_retrained_weights_keep_the_abi_and_another_structure_does_not():
    def fields(data):
        graph = read(data)
        return compatibility(generate(graph, "net", slot=True), FEATURES)

    data, other = (tiny.fully_connected(np.random.default_rng(seed)) for seed in (0, 1))
    assert fields(tiny.retrained(data)) == fields(data)
    assert fields(other)["abi"] != fields(data)["abi"]


def test_a_bundle_holds_its_files_and_is_the_same_every_time(tmp_path):
    files = {"b.c": "int b;\n", "a.h": "int a;\n"}
    data = bundle(files)
    assert data == bundle(dict(reversed(files.items())))
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert bundle(tmp_path) == data
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {n: archive.read(n).decode() for n in archive.namelist()} == files
