"""A program that reads its constants from a slot: another image, another model, the same program."""

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.emulate import build
from edgekit.emulate.machine import Machine
from edgekit.export import generate, image, image_regions, read
from edgekit.operators import OPERATORS, supported
from edgekit.testing.operator import together
from edgekit.testing.tflite_file import to_tflite
from tests.export import tiny, variants


def both(data: bytes, cpu="cortex-m4"):
    graph = read(data)
    samples = tiny.samples(graph, 3, np.random.default_rng(0))
    machines = [Machine(build(generate(graph, slot=slot), cpu)) for slot in (False, True)]
    return [[m.infer(sample) for sample in samples] for m in machines]


def test_constants_from_a_slot_give_the_same_bytes():
    """Of every operator: all side by side in one model, which is one program to build."""
    kinds = [OPERATORS[name] for name in supported()]
    whole = together([kind.examples[0](np.random.default_rng(7)) for kind in kinds])
    compiled_in, from_slot = both(to_tflite(whole))
    for one, other in zip(compiled_in, from_slot, strict=True):
        for i, a, b in zip(whole.outputs, one, other, strict=True):
            writer = next(op.name for op in whole.operators if i in op.outputs)
            np.testing.assert_array_equal(a, b, err_msg=f"of a {writer}")


@pytest.mark.parametrize("name", list(variants.VARIANTS)[:6])
def test_rarer_forms_too(name):
    compiled_in, from_slot = both(variants.VARIANTS[name](np.random.default_rng(3)), "rv32imc")
    for one, other in zip(compiled_in, from_slot, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_an_image_makes_another_model_of_the_same_program():
    data = tiny.fully_connected(np.random.default_rng(0))
    old, new = read(data), read(tiny.retrained(data))
    programs = [generate(g, slot=True) for g in (old, new)]
    assert programs[0].files == programs[1].files
    assert image(programs[0]) != image(programs[1])
    machine = Machine(build(programs[0], "cortex-m4"))
    (sample,) = tiny.samples(old, 1, np.random.default_rng(1))
    before = machine.infer(sample)
    machine.fill_slot(image(programs[1]))
    after = machine.infer(sample)
    wanted = Machine(build(generate(new), "cortex-m4")).infer(sample)
    np.testing.assert_array_equal(after[0], wanted[0])
    assert (after[0] != before[0]).any()


def test_an_image_of_megabytes_fits_and_one_of_the_whole_flash_is_refused():
    """A float teacher has more constants than a device's slot; the emulated flash holds 16 MB."""
    machine = Machine(
        build(generate(read(tiny.fully_connected(np.random.default_rng(0))), slot=True))
    )
    own = image(machine.source)
    (sample,) = tiny.samples(machine.graph, 1, np.random.default_rng(1))
    before = machine.infer(sample)
    machine.fill_slot(own + bytes(3 << 20))
    np.testing.assert_array_equal(machine.infer(sample)[0], before[0])
    with pytest.raises(EdgekitError, match="do not fit the emulated flash"):
        machine.fill_slot(own + bytes(16 << 20))


def test_regions_lie_in_the_image_one_behind_the_other():
    source = generate(read(tiny.convolution(np.random.default_rng(4))), slot=True)
    at = 0
    for offset, kind, count, _ in image_regions(source):
        assert offset >= at
        assert kind in ("int8", "int32", "bytes")
        at = offset + count * {"int8": 1, "int32": 4, "bytes": 1}[kind]
    assert at <= len(image(source)) < at + 8
    assert len(image(source)) % 8 == 0
