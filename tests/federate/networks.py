"""Small int8 networks whose last layer gives scores, of every form that the generator writes one in."""

import numpy as np

from edgekit.operators import example as e

OPTIONS = {"weights_format": 0, "keep_num_dims": False}


def network(
    seed=0, given=5, hidden=7, classes=3, *, rows=True, bias=True, zero=-128, largest=4000,
    activation="none", softmax=False, out_scale=0.2, renamed=False,
):  # fmt: skip
    """given -> hidden -> classes. rows: a scale for each class, or one for all; largest: of the biases;
    renamed: through a RESHAPE before the last layer, as behind a convolution."""
    rng = np.random.default_rng(seed)
    sx, sh = e.scale(rng), float(np.float32(rng.uniform(0.02, 0.05)))
    w1, w2 = (rng.uniform(0.004, 0.02, n).astype(np.float32) for n in (hidden, classes))
    w2 = w2 if rows else w2[:1]
    tensors = [
        e.tensor((1, given), scale=sx, zero=-3),
        e.tensor((hidden, given), scale=w1, data=rng.integers(-127, 128, (hidden, given))),
        e.tensor((hidden,), "int32", sx * w1, data=rng.integers(-900, 900, hidden)),
        e.tensor((1, hidden), scale=sh, zero=zero),
        e.tensor((classes, hidden), scale=w2, data=rng.integers(-127, 128, (classes, hidden))),
        e.tensor((classes,), "int32", sh * w2, data=rng.integers(-largest, largest, classes)),
        e.tensor((1, classes), scale=out_scale, zero=11),
        e.tensor((1, classes), scale=1 / 256, zero=-128),
        e.tensor((1, hidden), scale=sh, zero=zero),
        e.tensor((2,), "int32", data=[1, hidden]),
    ]
    last = 8 if renamed else 3
    ops = [
        e.operator("FULLY_CONNECTED", [0, 1, 2], [3], {"activation": "relu", **OPTIONS}),
        e.operator(
            "FULLY_CONNECTED",
            [last, 4, 5 if bias else -1],
            [6],
            {"activation": activation, **OPTIONS},
        ),
    ]
    if renamed:
        ops.insert(1, e.operator("RESHAPE", [3, 9], [8], {}))
    if softmax:
        ops.append(e.operator("SOFTMAX", [6], [7], {"beta": 1.0}))
    return e.model(tensors, ops, [0], [7 if softmax else 6])


FORMS = {
    "usual": {},
    "odd": {"hidden": 10, "classes": 5, "zero": 4},
    "one scale": {"rows": False, "classes": 4},
    "no room": {"hidden": 4, "classes": 2, "out_scale": 5e-4},
    "no bias": {"bias": False, "hidden": 1},
}


def windows(graph, n, seed=0, extreme=False):
    """int8 inputs (n, …) and labels (n,)."""
    rng = np.random.default_rng(seed)
    shape = (n, *graph.tensors[graph.inputs[0]].shape[1:])
    classes = graph.tensors[graph.outputs[0]].size
    values = rng.choice([-128, 127], shape) if extreme else rng.integers(-128, 128, shape)
    return values.astype(np.int8), rng.integers(0, classes, n)
