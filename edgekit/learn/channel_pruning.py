"""Structured pruning: whole channels leave, so the network that stays is an ordinary, smaller one.

Nothing on the device has to know about it: fewer weights, fewer multiplications, a smaller arena.
"""

from __future__ import annotations

import itertools

import numpy as np

from edgekit.core.errors import EdgekitError

PASSING = (
    "ReLU",
    "Activation",
    "Dropout",
    "AveragePooling2D",
    "MaxPooling2D",
    "GlobalAveragePooling2D",
)


def prune_channels(model, weights: float = 0.5):
    """A copy of `model` without its least important channels: at least the share `weights` of weights gone.

    Every convolution and hidden dense layer loses the same share of its channels, those whose filters
    have the smallest L1 norm, batch normalization's factor included (Li et al., "Pruning Filters for
    Efficient ConvNets", 2017). At least one stays. The copy is to be trained on; `model` is left as it
    is. Raises EdgekitError for a share outside 0…1 and for networks that are no chain of layers.
    """
    if not 0 < weights < 1:
        raise EdgekitError(f"a share of {weights} weights to take away must lie between 0 and 1")
    chain = _chain(model)
    whole = _size(chain, 1.0)
    for share in np.linspace(1, 0, 201):
        if _size(chain, share) <= (1 - weights) * whole:
            return _cut(model, chain, share)
    raise EdgekitError(
        f"no channels left to take: one of each layer is more than {1 - weights:.0%} of {whole:,} weights"
    )


def weights(model) -> int:
    """Weights of kernels, the numbers that are multiplied; biases and statistics do not count."""
    return sum(int(np.prod(v.shape)) for v in model.trainable_variables if len(v.shape) > 1)


def _chain(model) -> list:
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    for before, layer in itertools.pairwise(layers):
        if layer.input is not before.output:
            raise EdgekitError(
                f"{layer.name} does not follow {before.name}: channels are taken from chains only"
            )
    return layers


def _size(chain: list, share: float) -> int:
    """Weights that stay if each layer keeps `share` of its channels."""
    total, kept, there = 0, None, None  # channels that stay and that were
    for index, layer in enumerate(chain):
        kind = type(layer).__name__
        if kind in ("Conv2D", "Dense"):
            *window, into, out = layer.kernel.shape
            stay = out if index == len(chain) - 1 else _stay(out, share)
            into_stays = into if kept is None else into * kept // there
            total += int(np.prod(window)) * into_stays * stay
            kept, there = stay, out
        elif kind == "DepthwiseConv2D":
            total += int(np.prod(layer.depthwise_kernel.shape)) * (kept or 1) // (there or 1)
    return total


def _stay(channels: int, share: float) -> int:
    return max(1, round(share * channels))


def _cut(model, chain: list, share: float):
    from edgekit.learn.legacy import keras

    x = given = keras.layers.Input(model.input_shape[1:])
    kept, loaded = None, []  # indices of the channels that stay; layers and their weights
    for index, layer in enumerate(chain):
        kind, w, config = type(layer).__name__, layer.get_weights(), layer.get_config()
        if kind in ("Conv2D", "Dense"):
            last = index == len(chain) - 1
            if kept is not None:
                w[0] = w[0][..., kept, :]
            out = w[0].shape[-1]
            kept = np.arange(out) if last else _important(w[0], chain[index + 1], _stay(out, share))
            w = [v[..., kept] for v in w]
            config["filters" if kind == "Conv2D" else "units"] = len(kept)
        elif kind == "DepthwiseConv2D" and config["depth_multiplier"] == 1:
            w = [w[0][..., kept, :], *(v[kept] for v in w[1:])] if kept is not None else w
        elif kind == "BatchNormalization":
            w = [v[kept] for v in w] if kept is not None else w
        elif kind == "Flatten":
            shape = layer.input_shape[1:]
            if kept is not None:
                kept = np.arange(np.prod(shape)).reshape(shape)[..., kept].ravel()
        elif kind not in PASSING:
            raise EdgekitError(f"channels cannot be taken through {layer.name}, a {kind}")
        config.pop("batch_input_shape", None)
        fresh = type(layer).from_config(config)
        x = fresh(x)
        loaded.append((fresh, w))
    small = keras.Model(given, x, name=model.name)
    for layer, w in loaded:
        layer.set_weights(w)
    return small


def _important(kernel: np.ndarray, follower, count: int) -> np.ndarray:
    """Ascending indices of the `count` channels with the largest norm."""
    norm = np.abs(kernel).reshape(-1, kernel.shape[-1]).sum(axis=0)
    if type(follower).__name__ == "BatchNormalization":
        gamma = follower.gamma.numpy() if follower.scale else 1.0
        norm = norm * np.abs(gamma) / np.sqrt(follower.moving_variance.numpy() + follower.epsilon)
    return np.sort(np.argsort(-norm, kind="stable")[:count])
