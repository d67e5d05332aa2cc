"""Networks for features and spectra of any sensor: what `edgekit new` starts with."""

from __future__ import annotations

from edgekit.learn.models import MOMENTUM


def perceptron(input_shape: tuple[int, int, int], classes: int, width: int, seed: int):
    """One hidden layer of 4·`width` units over all features. (n, 1, lines, channel) -> (n, classes).

    The layer is a convolution as wide as its input, because quantization-aware training folds the
    batch normalization of a convolution away, and features of all sizes need one.
    """
    from edgekit.learn.legacy import keras, seed_everything

    seed_everything(seed)
    layers = keras.layers
    given = layers.Input(input_shape)
    x = layers.Conv2D(4 * width, input_shape[:2], use_bias=False)(given)
    x = layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))
    return keras.Model(given, layers.Dense(classes)(layers.Flatten()(x)), name="student")


def spectrum_teacher(input_shape: tuple[int, int, int], classes: int, width: int, seed: int):
    """Convolutions over the frequency of a fine spectrum, its moments in time as channels.

    (n, 1, lines, moments) -> logits (n, classes); 4·`width` to 8·`width` channels, which halve the lines
    twice, then one hidden layer: where in the spectrum something stands does matter.
    """
    from edgekit.learn.legacy import keras, seed_everything

    seed_everything(seed)
    layers = keras.layers

    def block(x, channels, kernel, stride):
        x = layers.Conv2D(channels, (1, kernel), (1, stride), padding="same", use_bias=False)(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))

    given = layers.Input(input_shape)
    x = block(given, 4 * width, 5, 1)
    x = block(x, 8 * width, 5, 2)
    x = block(x, 8 * width, 5, 2)
    x = layers.Dropout(0.2)(layers.Flatten()(x))
    x = layers.Dense(8 * width, activation="relu")(x)
    return keras.Model(given, layers.Dense(classes)(x), name="teacher")
