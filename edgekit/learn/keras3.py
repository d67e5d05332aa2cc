"""A Keras 3 model as the same network in legacy Keras, which pruning and quantization-aware training need."""

from __future__ import annotations

from inspect import signature
from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError

TOLERANCE = 1e-4  # of the largest output: both sum in float32, not always in the same order


def to_legacy(model: Any) -> Any:
    """`model` in legacy Keras, with the same weights and the same outputs; a legacy one as it is.

    A graph of ordinary layers is rebuilt, each of the same name. A softmax at its end is left out: training
    here starts from logits, and the largest output is the same. The two are run side by side.

    Raises EdgekitError for what is no Keras model, has several inputs or outputs, uses a layer that legacy
    Keras does not have or one layer twice, or does not come to the same outputs.
    """
    from edgekit.learn import legacy

    keras = legacy.keras
    if not hasattr(model, "layers") or not hasattr(model, "get_weights"):
        raise EdgekitError(f"a Keras model is needed, not {type(model).__name__}")
    if any(
        isinstance(side, (list, dict)) and len(side) != 1 for side in (model.inputs, model.outputs)
    ):
        raise EdgekitError("a model with one input and one output is needed")
    if not isinstance(model, keras.Model):
        model = _rebuild(model, keras)
    return _from_logits(model, keras)


def _rebuild(model: Any, keras: Any) -> Any:
    made = {id(model.inputs[0]): keras.layers.Input(model.inputs[0].shape[1:])}
    given = next(iter(made.values()))
    copies = []
    for layer in model.layers:
        if type(layer).__name__ == "InputLayer":
            continue
        copy = _layer(layer, keras)
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        try:
            values = [made[id(tensor)] for tensor in inputs]
        except KeyError:
            raise EdgekitError(
                f"layer {layer.name!r} reads what no layer wrote, or one that is used twice: such a model "
                "cannot be rebuilt, build it with tf_keras"
            ) from None
        made[id(layer.output)] = copy(values if len(values) > 1 else values[0])
        copies.append((layer, copy))
    rebuilt = keras.Model(given, made[id(model.outputs[0])], name=model.name)
    for layer, copy in copies:
        copy.set_weights(layer.get_weights())
    x = np.random.default_rng(0).normal(size=(4, *rebuilt.input_shape[1:])).astype(np.float32)
    wanted, got = np.asarray(model(x, training=False)), np.asarray(rebuilt(x, training=False))
    if not np.allclose(wanted, got, atol=TOLERANCE * max(1.0, float(np.abs(wanted).max()))):
        raise EdgekitError(
            "in legacy Keras the model comes to other outputs: build it with tf_keras"
        )
    return rebuilt


def _layer(layer: Any, keras: Any) -> Any:
    kind = type(layer).__name__
    if type(layer).__module__.split(".")[0] != "keras" or not hasattr(keras.layers, kind):
        raise EdgekitError(f"layer {layer.name!r} is a {kind}, which legacy Keras does not have")
    known = getattr(keras.layers, kind)
    words = {word for of in known.__mro__ for word in signature(of.__init__).parameters} - {"dtype"}
    # weights are copied, so how they begin does not matter; if something else that legacy Keras does not know
    # did, the outputs would differ
    config = {
        k: v for k, v in layer.get_config().items() if k in words and not k.endswith("_initializer")
    }
    try:
        return known.from_config(config | {"name": layer.name})
    except (TypeError, ValueError) as error:
        raise EdgekitError(
            f"layer {layer.name!r} ({kind}) is not the same in legacy Keras: {error}"
        ) from None


def _from_logits(model: Any, keras: Any) -> Any:
    """The model up to a softmax at its end; its own weights where there is none."""
    last = model.layers[-1]
    activation = getattr(last, "activation", None)
    if activation is keras.activations.sigmoid:
        raise EdgekitError(
            "the model ends with a sigmoid; give it one output per class, two for yes and no"
        )
    if isinstance(last, keras.layers.Softmax):
        return keras.Model(model.input, last.input, name=model.name)
    if activation is keras.activations.softmax:
        copy = type(last).from_config(last.get_config() | {"activation": "linear"})
        logits = keras.Model(model.input, copy(last.input), name=model.name)
        copy.set_weights(last.get_weights())
        return logits
    return model
