"""What training on a device costs: the C of `last_layer`, beside its network, run on an emulated core."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from edgekit.catalog import Board
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, emulated, estimated, measured
from edgekit.emulate import cost
from edgekit.emulate.count import Counting
from edgekit.emulate.firmware import Firmware, build
from edgekit.emulate.machine import Machine, as_batches
from edgekit.emulate.profiling import LayerCount, Profile, profile
from edgekit.emulate.target import latency_on
from edgekit.export.codegen import generate
from edgekit.export.slot import head_region, image
from edgekit.federate.device_plan import Plan, c_files, head_of
from edgekit.federate.last_layer import LastLayer
from edgekit.operators.graph import Graph

NAME = "model"
MAIN_FILE = "training.c"  # is linked behind edgekit_startup.c, whose vectors come first
RAM = ("own_weights", "own_errors", "own_head", "own_message")
PROGRAM = """\
#include "model.h"
#include "model_learn.h"
int32_t own_weights[MODEL_LEARN_OUTPUTS][MODEL_LEARN_INPUTS + 1];
int32_t own_errors[MODEL_LEARN_OUTPUTS];
uint8_t own_head[MODEL_HEAD_BYTES] __attribute__((aligned(4)));
uint8_t own_message[MODEL_LEARN_OUTPUTS * (MODEL_LEARN_INPUTS + 2)];
void code_begin(void) {
  model_head = model_slot + MODEL_HEAD_AT;
  learn_begin(&model_learn, model_head, own_weights[0]);
}
void code_step(uint32_t label) {
  learn_step(&model_learn, own_weights[0], own_errors, model_head_input(), label);
}
void code_end(void) {
  learn_end(&model_learn, own_weights[0], model_slot + MODEL_HEAD_AT, own_head);
  model_head = own_head;
}
void code_message(void) {
  learn_message(&model_learn, own_weights[0], model_slot + MODEL_HEAD_AT, own_message);
}
/* Nothing calls them but the emulator: behind the vectors, the linker keeps them. */
__attribute__((used, section(".vectors"))) static const void *const code_entries[] = {
    (const void *)code_begin, (const void *)code_step, (const void *)code_end, (const void *)code_message};
"""


class CoreLayer:
    """A network with a last layer that learns, on an emulated core; `LastLayer` is its twin."""

    def __init__(self, graph: Graph, rate: float, cpu: str = "cortex-m4", opt: str = "-Os"):
        """Raises EdgekitError for a last layer that cannot learn, as `Plan.of` says."""
        source = generate(graph, NAME, slot=True, head=True)
        self.plan = Plan.of(source, rate)
        files = {MAIN_FILE: PROGRAM, **c_files(NAME, self.plan)}
        self.firmware = build(source, cpu, opt, extra_files=files)
        self.released = head_of(source)
        self.machine = Machine(self.firmware)
        self.begin()

    def begin(self) -> None:
        """As released, weights and network."""
        self.machine.call("code_begin")

    def fill(self, head: bytes) -> None:
        """As if the network had been released with the last layer's constants `head`: what an update does."""
        source = self.firmware.source
        begin, end = head_region(source.graph, source.layers)
        whole = image(source)
        self.machine.fill_slot(whole[:begin] + head + whole[end:])
        self.begin()

    def infer(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """One window, int8 inputs (1, …): the last layer's int8 features (inputs,), and its scores."""
        (scores,) = self.machine.infer(as_batches(self.machine.graph, x)[0])
        return self.machine.tensor(self._features).reshape(-1).copy(), scores.reshape(-1)

    def step(self, label: int) -> None:
        """Learn the window of the last inference."""
        self.machine.call("code_step", label)

    def learn_from(self, features: np.ndarray, label: int) -> None:
        """A step with int8 features (inputs,) in place of the last inference's."""
        at = self.machine.arena + self.firmware.source.offset(self._features)
        self.machine.uc.mem_write(at, np.asarray(features, np.int8).tobytes())
        self.step(label)

    def head(self) -> bytes:
        """What was learnt, as the constants that the network now runs with."""
        self.machine.call("code_end")
        return self.machine.read("own_head")

    def message(self) -> bytes:
        """As `LastLayer.message`."""
        self.machine.call("code_message")
        return self.machine.read("own_message")

    def weights(self) -> np.ndarray:
        """(outputs, inputs + 1) int64, as they lie in the core's memory."""
        words = np.frombuffer(self.machine.read("own_weights"), "<i4").astype(np.int64)
        return words.reshape(self.plan.outputs, -1)

    def counted(self, name: str, run: Callable[[], object]) -> LayerCount:
        """What one call executes."""
        with Counting(self.machine, parts=1) as counting:
            run()
        blocks = counting.blocks[0]
        n = self.machine.instructions(blocks)
        return LayerCount(name, n, 0, dict(blocks), counting.taken[0])

    @property
    def _features(self) -> int:
        return self.firmware.source.layers[-1].inputs[0]


@dataclass(frozen=True, eq=False)
class TrainingCost:
    """Of training a last layer on a core. Instructions: `inference` of the network, `step` behind one,
    `begin`, `end` and `message` of a round; `ratio` of inference and step together to an inference alone.
    Bytes: `ram` of what training adds, deepest stack included, and `code`; `update` of what a round sends,
    `window` of a labelled window that is kept for another epoch."""

    inference: Figure
    step: Figure
    ratio: Figure
    begin: Figure
    end: Figure
    message: Figure
    ram: Figure
    code: Figure
    update: Figure
    window: Figure
    firmware: Firmware
    profile: Profile
    parts: dict[str, LayerCount]

    def round_energy(self, board: Board, windows: int, epochs: int = 1) -> Figure:
        """Millijoules of a round on `board`: `windows` labelled windows, each inferred once and learnt from
        `epochs` times, then what is kept and sent; sensing, features and radio are not in it.

        Raises EdgekitError for no windows or epochs, or where nobody published the board's active power.
        """
        if min(windows, epochs) < 1:
            raise EdgekitError("a round learns from one window or more, once or more")
        each = latency_on(board, self.firmware, self.profile)
        more = [
            _times(self.parts["step"], windows * epochs),
            *(self.parts[part] for part in ("begin", "end", "message")),
        ]
        layers = (*self.profile.layers, *more)
        whole = latency_on(board, self.firmware, replace(self.profile, layers=layers))
        ms = (
            (windows - 1) * getattr(each, k) + getattr(whole, k) for k in ("value", "low", "high")
        )
        value, low, high = ms
        time = estimated(
            value, "ms", f"{windows} windows, {epochs} epochs: {whole.source}", low, high
        )
        return cost.energy(time, board)


def training_cost(
    graph: Graph, inputs: np.ndarray, labels: Iterable[int], rate: float, cpu: str = "cortex-m4",
    opt: str = "-Os",
) -> TrainingCost:  # fmt: skip
    """Train on windows, int8 `inputs` (n, …) of `graph` with `labels` (n,), on a core, and count it.

    rate: of learning. cpu, opt: the core and the compiler's level. Raises EdgekitError where the core's
    weights, constants or message are not Python's, to the bit, or the last layer cannot learn.
    """
    device = CoreLayer(graph, rate, cpu, opt)
    where = f"unicorn, {device.firmware.described}"
    twin = LastLayer(device.plan, device.released)
    device.machine.paint_stack()
    parts = {"begin": device.counted("begin", device.begin)}
    deepest = device.machine.stack_used()
    for x, label in zip(inputs, labels, strict=True):
        features, _ = device.infer(x[None])
        device.machine.paint_stack()
        step = device.counted("step", partial(device.step, int(label)))
        parts["step"] = max(step, parts.get("step", step), key=lambda part: part.instructions)
        deepest = max(deepest, device.machine.stack_used())
        twin.step(features, int(label))
    if (device.weights() != twin.weights).any():
        raise EdgekitError(f"the weights that the {cpu} learns are not Python's")
    inference = profile(device.firmware, inputs[:1], device.machine)
    device.machine.paint_stack()
    parts["message"] = device.counted("message", device.message)
    parts["end"] = device.counted("end", device.head)
    deepest = max(deepest, device.machine.stack_used())
    read = device.machine.read
    if read("own_head") != twin.head() or read("own_message") != twin.message():
        raise EdgekitError(f"what the {cpu} learnt is written otherwise than in Python")

    symbols, plan = device.machine.symbols, device.plan
    code = sum(s.size for n, s in symbols.items() if n.startswith(("learn_", "code_")))
    code += sum(symbols[n].size for n in ("model_learn_row", "model_learn") if n in symbols)
    ram = sum(device.machine.size(n) for n in RAM) + deepest

    def instructions(part: LayerCount) -> Figure:
        return emulated(part.instructions, "instructions", where)

    network = inference.network.value
    return TrainingCost(
        inference=inference.network,
        step=instructions(parts["step"]),
        ratio=emulated(1 + parts["step"].instructions / network, "inferences", where),
        begin=instructions(parts["begin"]),
        end=instructions(parts["end"]),
        message=instructions(parts["message"]),
        ram=emulated(ram, "B", f"weights, errors, constants, message + painted stack, {where}"),
        code=measured(code, "B", f"ELF symbols, {device.firmware.described}"),
        update=measured(plan.message_bytes, "B", "int8 and one exponent a class"),
        window=measured(plan.inputs + 1, "B", "int8 features and a label"),
        firmware=device.firmware,
        profile=inference,
        parts=parts,
    )


def _times(part: LayerCount, n: int) -> LayerCount:
    blocks = {key: n * times for key, times in part.blocks.items()}
    return replace(part, instructions=n * part.instructions, blocks=blocks, taken=n * part.taken)
