"""Several networks in one program: each answers as it does alone, and the self-test says which does not."""

import re
from dataclasses import replace

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.emulate import build, profile
from edgekit.emulate.machine import Machine
from edgekit.emulate.several import build_several, combine, duty_cycle
from edgekit.export import generate, read
from tests.export import tiny

KINDS = ("CONV_2D", "SVDF", "FULLY_CONNECTED")  # SVDF remembers earlier inferences


@pytest.fixture(scope="module")
def graphs():
    rng = np.random.default_rng(5)
    return {f"net{n}": read(tiny.OPERATORS[kind](rng)) for n, kind in enumerate(KINDS)}


@pytest.fixture(scope="module")
def program(graphs):
    return combine(graphs, "cascade")


def in_turn(machines, graphs, order):
    """Answers of an own sample each time, the networks in this order; of several, one core with all."""
    rng = np.random.default_rng(1)
    return [machines[n].infer(tiny.samples(graphs[n], 1, rng)[0]) for n in order]


@pytest.mark.parametrize("cpu", ["cortex-m4", "rv32imc"])
def test_each_answers_as_it_does_alone_whatever_ran_before(program, graphs, cpu):
    built = build_several(program, cpu)
    together = {n: Machine(f) for n, f in built.networks.items()}
    core = next(iter(together.values())).uc
    for machine in together.values():
        machine.uc = core  # one device
    alone = {n: Machine(build(generate(g, n), cpu)) for n, g in graphs.items()}
    order = [list(graphs)[i] for i in np.random.default_rng(2).integers(3, size=24)]
    for mine, wanted in zip(
        in_turn(together, graphs, order), in_turn(alone, graphs, order), strict=True
    ):
        for a, b in zip(mine, wanted, strict=True):
            np.testing.assert_array_equal(a, b)


def test_they_share_an_arena_but_for_what_one_remembers(program, graphs):
    alone = {n: generate(g, n).plan.size for n, g in graphs.items()}
    assert program.networks["net1"].stateful
    assert program.networks["net1"].base >= max(alone["net0"], alone["net2"])
    assert program.arena <= max(alone["net0"], alone["net2"]) + alone["net1"] + 8
    assert program.arena < sum(alone.values())


def test_the_self_test_says_which_network_answers_something_else(program):
    assert build_several(program).self_test() == 0
    for number, name in enumerate(program.networks, 1):
        header = program.files[f"{name}_weights.h"]
        begin, end = header.index("= {") + 3, header.index("};")  # its first constants
        turned = re.sub(r"-?\d+", lambda m: str(-1 - int(m[0])), header[begin:end])
        broken = header[:begin] + turned + header[end:]
        assert broken != header
        wrong = replace(program, files=program.files | {f"{name}_weights.h": broken})
        assert build_several(wrong).self_test() == number


def test_what_a_window_takes_is_what_runs_in_it(program, graphs):
    built = build_several(program)
    rng = np.random.default_rng(0)
    counted = {
        n: profile(f, tiny.samples(graphs[n], 1, rng)[0][0]) for n, f in built.networks.items()
    }
    always, rarely = counted["net0"].instructions.value, counted["net2"].instructions.value
    share = {"net0": 1.0, "net1": 0.0, "net2": 0.1}
    assert duty_cycle(counted, share).value == pytest.approx(always + rarely / 10)
    with pytest.raises(EdgekitError, match="a share from 0 to 1"):
        duty_cycle(counted, {"net0": 1.0})


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["wake"], "two or more"),
        (["wake", "wake_word"], "begins another name"),
        (["cascade", "wake"], "begins another name"),
        (["wake", "stdint"], "the C library"),
    ],
)
def test_names_that_would_meet_in_c_are_refused(graphs, names, why):
    with pytest.raises(EdgekitError, match=why):
        combine(dict.fromkeys(names, graphs["net0"]), "cascade")
