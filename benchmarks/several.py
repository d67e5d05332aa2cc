"""Two networks in one firmware, a part of `python -m benchmarks.device`: what sharing saves, and costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from edgekit.emulate import build, build_several, combine, profile, run
from edgekit.export import generate, read, strip_float_io
from tests.export import tiny

PAIRS = (("micro_speech", "person_detect"), ("kws", "vww"), ("keyword_svdf", "person_detect"))
CODE = 1.2  # of the larger one's alone


def check(bar: Callable, models: Mapping[str, bytes]) -> None:
    """For each pair that is there: the same answers as alone, flash, and the instructions of each."""
    for pair in PAIRS:
        if not all(name in models for name in pair):
            continue
        graphs = {name: strip_float_io(read(models[name])) for name in pair}
        together = build_several(combine(graphs, "cascade"))
        alone = {name: build(generate(graph, name)) for name, graph in graphs.items()}
        what, slower = " + ".join(pair), []
        wrong = together.self_test()
        for name, graph in graphs.items():
            rng = np.random.default_rng(0)
            x = np.concatenate([sample[0] for sample in tiny.samples(graph, 4, rng)])
            both = [run(firmware[name], x) for firmware in (together.networks, alone)]
            wrong += int((both[0] != both[1]).sum())
            counts = [
                profile(firmware[name], x[:1]).instructions.value
                for firmware in (together.networks, alone)
            ]
            slower.append(f"{name} {counts[0] / counts[1]:.2f}x")
        bar(f"{what}: wrong values, self-test", "0", str(wrong), wrong == 0)
        code = max(firmware.code.value for firmware in alone.values())
        goal = together.weights.value + CODE * code
        flash = together.flash.value
        apart = sum(firmware.flash.value for firmware in alone.values())
        bar(
            f"{what}: flash; instructions of each against alone",
            f"<= {goal:,.0f} B",
            f"{flash:,} B (apart {apart:,}); {', '.join(slower)}",
            flash <= goal,
        )
