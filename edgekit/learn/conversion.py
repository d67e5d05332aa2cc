"""From a Keras model to the int8 `.tflite` that a device runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from edgekit.core.errors import EdgekitError


def quantize(model: Any, calibration: np.ndarray | None = None) -> bytes:
    """A Keras model (2 or 3) as a `.tflite` of batch 1 that is int8 throughout, input and output included.

    `model` takes (n, …) float32. `calibration` (n, …): representative inputs, as the model sees them; the
    ranges of all activations are read off them (post-training quantization; Jacob et al., "Quantization and
    Training of Neural Networks for Efficient Integer-Arithmetic-Only Inference", 2018). A model that was
    trained through the rounding (`legacy.quantization_aware`) brings its ranges and needs none.

    Raises EdgekitError for a model without exactly one input of a known shape or with a loop over time, and
    for a calibration set that is missing, empty, of another shape or not finite.
    """
    from edgekit.learn import legacy

    shape = _input_shape(model)
    check_unrolled(model)
    if calibration is None:
        if not _quantization_aware(model):
            raise EdgekitError(
                "quantize needs a calibration set: some hundred inputs of the model, as it sees them"
            )
        return legacy.convert(model, int8=True)
    calibration = np.asarray(calibration, np.float32)
    if calibration.shape[1:] != shape or not len(calibration):
        raise EdgekitError(
            f"the calibration set is {calibration.shape}, the model takes (n, {', '.join(map(str, shape))})"
        )
    if not np.isfinite(calibration).all():
        raise EdgekitError("the calibration set holds NaN or infinity; leave these inputs out")
    return legacy.convert(model, calibration)


def _input_shape(model) -> tuple[int, ...]:
    """Of one input, the batch left out."""
    shape = getattr(model, "input_shape", None)
    if not isinstance(shape, tuple) or None in shape[1:] or isinstance(shape[0], tuple):
        raise EdgekitError(
            f"a model with one input of a known shape can be quantized; this one takes {shape}"
        )
    return tuple(int(n) for n in shape[1:])


def check_unrolled(model) -> None:
    """Raises EdgekitError for a recurrent layer that loops: TensorFlow's calibrator does not survive one."""
    if loops := _loops(model):
        raise EdgekitError(
            f"layer {loops[0]!r} loops over time, which the generated C does not: give it unroll=True"
        )


def _loops(layer) -> list[str]:
    if hasattr(layer, "cell") and not getattr(layer, "unroll", True):
        return [layer.name]
    wrapped = (getattr(layer, name, None) for name in ("layer", "forward_layer"))
    inner = [*getattr(layer, "layers", ()), *(w for w in wrapped if w is not None)]
    return [name for one in inner for name in _loops(one)]


def _quantization_aware(model) -> bool:
    from tensorflow_model_optimization.python.core.quantization.keras import quantize_wrapper

    wrapper = quantize_wrapper.QuantizeWrapper
    return any(isinstance(layer, wrapper) for layer in model.layers)
