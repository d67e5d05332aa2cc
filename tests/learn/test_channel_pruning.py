import numpy as np
import pytest

from edgekit.core.errors import EdgekitError

pytest.importorskip("tensorflow")
from edgekit.learn import channel_pruning, legacy, models

BUILD = {
    "flat": lambda: models.student((1, 40, 2), 3, 8, 0),
    "signal": lambda: models.teacher((1, 256, 1), 3, 8, 0),
    "picture": lambda: models.image_student((48, 48, 1), 2, 8, 0),
}
every_network = pytest.mark.parametrize("name", BUILD)


def separable():
    keras = legacy.keras
    layers = [
        keras.layers.Conv2D(8, (1, 3), padding="same"),
        keras.layers.DepthwiseConv2D((1, 3), padding="same"),
        keras.layers.BatchNormalization(),
        keras.layers.ReLU(),
        keras.layers.Conv2D(6, 1),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="relu"),
        keras.layers.Dense(3),
    ]
    return keras.Sequential([keras.layers.Input((1, 12, 2)), *layers])


BUILD["separable"] = separable


def noise(model, seed=0):
    return np.random.default_rng(seed).normal(size=(5, *model.input_shape[1:])).astype(np.float32)


@every_network
@pytest.mark.parametrize("share", [0.5, 0.75])
def test_the_wanted_share_of_weights_is_gone(name, share):
    model = BUILD[name]()
    small = channel_pruning.prune_channels(model, share)
    left = channel_pruning.weights(small) / channel_pruning.weights(model)
    assert left <= 1 - share
    assert left > 0.4 * (1 - share)  # and not much more than asked for
    assert small.output_shape == model.output_shape
    assert channel_pruning.weights(model) == channel_pruning.weights(
        BUILD[name]()
    )  # left as it was


@every_network
def test_channels_that_say_nothing_leave_without_a_trace(name):
    """Half of each layer's channels are silenced; taking channels away takes those, and no answer moves."""
    model, rng = BUILD[name](), np.random.default_rng(0)
    chain = [x for x in model.layers if type(x).__name__ in ("Conv2D", "Dense")][:-1]
    for layer in chain:
        w = layer.get_weights()
        silent = rng.permutation(w[0].shape[-1])[: w[0].shape[-1] // 2]
        w[0][..., silent] = 0
        layer.set_weights(w)
    truth = legacy.logits(model, noise(model))
    small = channel_pruning.prune_channels(model, 0.5)
    assert channel_pruning.weights(small) < channel_pruning.weights(model)
    np.testing.assert_allclose(legacy.logits(small, noise(model)), truth, rtol=1e-4, atol=1e-5)


def test_what_is_no_chain_is_refused():
    keras = legacy.keras
    given = keras.layers.Input((1, 8, 2))
    a = keras.layers.Conv2D(4, 1)(given)
    both = keras.layers.Add()([a, keras.layers.Conv2D(4, 1)(given)])
    model = keras.Model(given, keras.layers.Dense(2)(keras.layers.Flatten()(both)))
    with pytest.raises(EdgekitError, match="chains only"):
        channel_pruning.prune_channels(model)


@pytest.mark.parametrize("share", [0, 1, -1, 2])
def test_a_share_is_a_share(share):
    with pytest.raises(EdgekitError, match="between 0 and 1"):
        channel_pruning.prune_channels(BUILD["flat"](), share)


def test_the_last_channel_stays():
    with pytest.raises(EdgekitError, match="no channels left"):
        channel_pruning.prune_channels(models.student((1, 40, 2), 3, 1, 0), 0.5)
