"""Two networks: a teacher of the raw signal, a student of its features.

Signals are images of height 1, (1, time, channel), because quantization-aware training knows Conv2D
but not Conv1D. Both return logits, and begin with the same weights for the same `seed`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from edgekit.core.errors import EdgekitError

MOMENTUM = 0.9  # of batch statistics: a few hundred steps must be enough to know them


def teacher(input_shape: tuple[int, int, int], classes: int, width: int, seed: int):
    """A convolutional network on the raw window. (n, 1, time, channel) -> logits (n, classes).

    Four convolutions that look at ever longer stretches, `width` to 4·`width` channels, then the
    mean over time: it does not matter when in the window something happens.
    """
    from edgekit.learn.legacy import keras, seed_everything

    seed_everything(seed)
    layers = keras.layers

    def block(x, channels, kernel, stride):
        x = layers.Conv2D(
            channels, (1, kernel), strides=(1, stride), padding="same", use_bias=False
        )(x)
        return layers.ReLU()(layers.BatchNormalization()(x))

    given = layers.Input(input_shape)
    x = layers.AveragePooling2D((1, 4))(block(given, width, 32, 4))
    x = block(x, 2 * width, 16, 2)
    x = block(x, 2 * width, 9, 2)
    x = block(x, 4 * width, 9, 2)
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(given, layers.Dense(classes)(x), name="teacher")


def student(input_shape: tuple[int, int, int], classes: int, width: int, seed: int):
    """One convolution over the features, one dense layer. (n, 1, lines, channel) -> (n, classes).

    The convolution finds peaks, `width` kinds of them; the dense layer knows where they belong.
    """
    from edgekit.learn.legacy import keras, seed_everything

    seed_everything(seed)
    layers = keras.layers
    given = layers.Input(input_shape)
    x = layers.Conv2D(width, (1, 5), strides=(1, 2), activation="relu")(given)
    return keras.Model(given, layers.Dense(classes)(layers.Flatten()(x)), name="student")


def image_teacher(input_shape: tuple[int, int, int], classes: int, width: int, seed: int):
    """A convolutional network on a picture. (n, height, width, 1) -> logits (n, classes).

    Five ordinary convolutions, each with a stride of 2: `width` to 8·`width` channels, and the mean over
    the picture at the end, because it does not matter where somebody stands.
    """
    from edgekit.learn.legacy import keras, seed_everything

    seed_everything(seed)
    layers = keras.layers
    x = given = layers.Input(input_shape)
    for channels in (width, 2 * width, 4 * width, 8 * width, 8 * width):
        x = layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(given, layers.Dense(classes)(x), name="teacher")


def image_student(input_shape: tuple[int, int, int], classes: int, width: int, seed: int):
    """A small one. (n, height, width, 1) -> logits (n, classes).

    Four convolutions, each with a stride of 2: `width` to 4·`width` channels. (Depthwise separable ones
    would have a quarter of the weights; on a few hundred pictures they learned less, in more layers.)
    """
    from edgekit.learn.legacy import keras, seed_everything

    seed_everything(seed)
    layers = keras.layers
    x = given = layers.Input(input_shape)
    for channels in (width, 2 * width, 3 * width, 4 * width):
        x = layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization(momentum=MOMENTUM)(x))
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(given, layers.Dense(classes)(x), name="student")


def predict_classes(model, preprocess: Callable, X: np.ndarray) -> np.ndarray:
    """The class index, (n,), that `model` gives to each raw window of `X` (n, time, channel)."""
    from edgekit.learn import legacy

    return legacy.logits(model, preprocess(X)).argmax(axis=1)


def save(model, path) -> None:
    """The whole model as one HDF5 file, whatever the path is called."""
    from edgekit.learn import legacy

    legacy.save(model, path)


def load(path):
    """A model that `save` wrote. Raises EdgekitError if the file is none."""
    from edgekit.learn import legacy

    try:
        return legacy.load(path)
    except (OSError, ValueError) as error:
        raise EdgekitError(
            f"{path} holds no model ({type(error).__name__}); run 03_train"
        ) from None
