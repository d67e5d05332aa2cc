"""A network around a last layer that learns on a device: what it is given, and the network that it makes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgekit.emulate.parity import run_host
from edgekit.export.codegen import generate
from edgekit.export.plan import root
from edgekit.federate.device_plan import FRACTION
from edgekit.federate.last_layer import LastLayer
from edgekit.operators.graph import Graph, Tensor


def features_of(graph: Graph, X: np.ndarray) -> np.ndarray:
    """What the last layer is given of int8 inputs X (n, …), by the generated C here: (n, inputs) int8."""
    source = generate(graph, "model", slot=True)
    wanted = root(source.alias, source.layers[-1].inputs[0])  # a RESHAPE before it is no layer
    if not any(wanted in layer.outputs for layer in source.layers):
        return np.asarray(X).reshape(len(X), -1)  # the only layer: its features are the inputs
    trace = run_host(source, X, trace=True).tensors
    return np.array([seen[wanted].reshape(-1) for seen in trace])


def learned_graph(graph: Graph, layer: LastLayer) -> Graph:
    """`graph` with what its last layer has learnt, as if it had been trained and quantized to that."""
    plan, head = layer.plan, layer.head()
    more, weights = plan.doubled(head)[:, None], plan.unpack(head)
    op = next(o for o in graph.operators if o.outputs == graph.outputs)
    old = graph.tensors[op.inputs[1]]
    scale = old.scale if len(old.scale) == 1 else old.scale * np.float32(2.0) ** more[:, 0]
    rows = (weights[:, :-1] >> FRACTION + more).astype(np.int8)
    bias = (weights[:, -1:] >> FRACTION - plan.bias_shift + more)[:, 0].astype(np.int32)
    at = op.inputs[2] if len(op.inputs) > 2 and op.inputs[2] >= 0 else len(graph.tensors)
    units = np.float32(plan.input_scale) * np.resize(scale, len(rows)).astype(np.float32)
    new = Tensor(
        at, "learnt", bias.shape, bias.dtype, units, np.zeros(len(bias), np.int64), 0, bias
    )
    tensors = dict(enumerate(graph.tensors))
    tensors |= {at: new, old.index: replace(old, scale=scale.astype(np.float32), data=rows)}
    ops = tuple(replace(o, inputs=(*o.inputs[:2], at)) if o is op else o for o in graph.operators)
    return replace(graph, tensors=tuple(tensors.values()), operators=ops)
