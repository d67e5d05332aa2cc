"""Code whose last layer can be replaced on its own: the same answers, from the slot or elsewhere."""

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.emulate import Machine, build
from edgekit.emulate.parity import run_host
from edgekit.export import generate
from edgekit.export.slot import head_region, image
from edgekit.operators import OPERATORS
from tests.federate.networks import FORMS, network, windows


@pytest.mark.parametrize("form", FORMS)
def test_only_the_last_layer_is_read_from_the_head(form):
    graph = network(**FORMS[form])
    X, _ = windows(graph, 4)
    plain, source = (
        generate(graph, "model", slot=True),
        generate(graph, "model", slot=True, head=True),
    )
    assert image(source) == image(plain)
    begin, end = head_region(graph, source.layers)
    whole = Machine(build(plain))
    program = '#include "model.h"\nint32_t head_at(void) { return (int32_t)model_head_input(); }\n'
    kept = '__attribute__((used, section(".vectors"))) int32_t (*const kept)(void) = head_at;\n'
    machine = Machine(build(source, extra_files={"top.c": program + kept}))
    at = int.from_bytes(machine.read("model_head"), "little")
    assert at == int.from_bytes(machine.read("model_slot"), "little") + begin
    for x in X:
        assert (machine.infer((x[None],))[0] == whole.infer((x[None],))[0]).all()
    assert (run_host(source, X).outputs == run_host(plain, X).outputs).all()
    last = source.layers[-1].inputs[0]
    assert machine.call("head_at") == machine.arena + source.offset(last)
    machine.uc.mem_write(at, bytes(end - begin))  # no weights: whatever comes in, the same goes out
    first, other = (machine.infer((x[None],))[0].copy() for x in X[:2])
    assert (first == other).all()
    assert 0 < begin < end
    assert not any(image(source)[end:])


def test_a_network_that_ends_without_weights_has_no_head():
    graph = OPERATORS["MAX_POOL_2D"].examples[0](np.random.default_rng(0))
    with pytest.raises(EdgekitError, match="MAX_POOL_2D, cannot be replaced on its own") as err:
        generate(graph, "model", slot=True, head=True)
    assert "\n" not in str(err.value)
