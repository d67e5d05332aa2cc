"""A federation on microcontrollers: what each client sends is what its core's last-layer training gives.

    clients = feature_clients(graph, windows, inputs)     what the last layer is given of each one's windows
    network = DeviceNetwork(graph, rate=0.03)
    found, _ = federation(network, clients, classes, Plan(rate=0.03, scaled=False, balance=0.0))
    network.graph_of(found.arrays)                        the released network with what all have learnt

In bulk by the twin in Python, whose bits are the core's; one training in `every` runs on the core, too.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.data.windows import Windows
from edgekit.export.codegen import generate
from edgekit.federate.clients import Client, by_group
from edgekit.federate.device_cost import CoreLayer
from edgekit.federate.device_model import features_of, learned_graph
from edgekit.federate.device_plan import Plan, head_of
from edgekit.federate.last_layer import LastLayer, change_of
from edgekit.operators.graph import Graph


class DeviceNetwork:
    """The int8 `graph` as clients train it on their devices, in the place of `network.Network`.

    Its one array is the last layer's change since the release, (outputs, inputs + 1) in real numbers. A round
    goes down as the constants that the network runs with, int8, and up as the device's message.
    """

    normalization: tuple[int, ...] = ()

    def __init__(self, graph: Graph, rate: float, every: int = 0, cpu: str = "cortex-m4"):
        """rate: what devices are shipped with; every: 0, and nothing runs on the core `cpu`.

        Raises EdgekitError for a last layer that cannot learn, as `device_plan.Plan.of` does.
        """
        source = generate(graph, "model", slot=True, head=True)
        self.graph, self.rate = graph, rate
        self.plan, self.released = Plan.of(source, rate), head_of(source)
        self.every, self.trainings, self.on_core = every, 0, 0
        self.core = CoreLayer(graph, rate, cpu) if every else None
        ones = np.ones((self.plan.outputs, self.plan.inputs + 1), np.int64)
        self._unit = self.plan.real(ones)

    def arrays(self) -> list[np.ndarray]:
        """No change: the release."""
        return [np.zeros(self._unit.shape, np.float32)]

    def head(self, arrays: Sequence[np.ndarray]) -> bytes:
        """The last layer's constants of `arrays`, as a round sends them down."""
        change = np.rint(np.float64(arrays[0]) / self._unit).astype(np.int64)
        limits = self.plan.limits
        weights = np.clip(self.plan.unpack(self.released) + change, -limits, limits)
        return self.plan.pack(weights, self.released)

    def graph_of(self, arrays: Sequence[np.ndarray]) -> Graph:
        """The released network with the last layer of `arrays`."""
        return learned_graph(self.graph, LastLayer(self.plan, self.released, self.head(arrays)))

    def train(
        self, arrays: Sequence[np.ndarray], X: np.ndarray, y: np.ndarray, weights: np.ndarray, *,
        epochs: int, batch: int, rate: float, seed: int | Sequence[int], mu: float = 0.0,
    ) -> tuple[list[np.ndarray], float]:  # fmt: skip
        """What a device makes of `arrays` in `epochs` over int8 features `X` (n, inputs), as float32, of
        classes `y` (n,), a window at a time; loss 0, as no core reckons it.

        Raises EdgekitError for what the core has not: another `rate` than it was shipped with, a pull `mu`,
        `weights` of classes; and where core and Python do not agree, to the bit.
        """
        if mu or rate != self.rate or np.ptp(weights[np.unique(y)]) > 0:
            raise EdgekitError(
                f"a device learns at the rate {self.rate:g} that it was shipped with, without a pull and "
                "weights of classes: take FedAvg, this rate, no decay, balance 0"
            )
        order = np.random.default_rng(seed).permutation(len(y))
        F, labels = X[order].astype(np.int8), y[order]
        head = self.head(arrays)
        layer = LastLayer(self.plan, head).fit(F, labels, epochs)
        if self.core and self.trainings % self.every == 0:
            self._same_on_core(self.core, head, F, labels, epochs, layer)
        self.trainings += 1
        before = self.plan.real(self.plan.unpack(head) - self.plan.unpack(self.released))
        return [(before + change_of(self.plan, layer.message())).astype(np.float32)], 0.0

    def _same_on_core(
        self,
        core: CoreLayer,
        head: bytes,
        F: np.ndarray,
        y: np.ndarray,
        epochs: int,
        twin: LastLayer,
    ) -> None:
        core.fill(head)
        for _ in range(epochs):
            for x, label in zip(F, y, strict=True):
                core.learn_from(x, int(label))
        if (core.weights() != twin.weights).any() or core.message() != twin.message():
            raise EdgekitError("what the core learnt in a round is not what Python learns")
        self.on_core += 1


def feature_clients(graph: Graph, windows: Windows, inputs: np.ndarray) -> tuple[Client, ...]:
    """Each group of `windows` with what the last layer of `graph` is given of its int8 `inputs` (n, …):
    features (n, inputs) as float32."""
    features = features_of(graph, inputs)
    return by_group(windows, lambda _: features)
