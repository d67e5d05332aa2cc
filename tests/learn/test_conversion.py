import numpy as np
import pytest

from edgekit import learn
from edgekit.core.errors import EdgekitError
from edgekit.learn import litert

from .conftest import spectrum

pytest.importorskip("tensorflow")


def test_any_keras_model_becomes_int8_and_classes_as_before(world, student):
    keras3 = pytest.importorskip("keras")
    x = spectrum(world[0].X)
    given = keras3.layers.Input((1, 24, 1))
    y = keras3.layers.Conv2D(4, (1, 5), strides=(1, 2), activation="relu")(given)
    other = keras3.Model(given, keras3.layers.Dense(3)(keras3.layers.Flatten()(y)))
    other.set_weights(student.get_weights())
    for model in (student, other):
        tflite = learn.quantize(model, x[:100])
        assert litert.kind(tflite) == "int8"
        facts = learn.quantization(tflite)
        assert facts["input_dtype"] == facts["output_dtype"] == "int8"
        predicted = learn.predict(tflite, x)[0].argmax(axis=1)
        assert np.mean(predicted == model(x).numpy().argmax(axis=1)) > 0.98


def test_a_model_that_knows_its_ranges_needs_no_calibration(world, student):
    from edgekit.learn import legacy

    aware = legacy.quantization_aware(student, spectrum(world[0].X[:50]))
    assert litert.kind(learn.quantize(aware)) == "int8"
    with pytest.raises(EdgekitError, match="needs a calibration set"):
        learn.quantize(student)


def test_what_cannot_be_quantized_is_one_line(world, student):
    x = spectrum(world[0].X[:20])
    with pytest.raises(EdgekitError, match=r"the model takes \(n, 1, 24, 1\)"):
        learn.quantize(student, x[..., 0])
    with pytest.raises(EdgekitError, match="the model takes"):
        learn.quantize(student, x[:0])
    with pytest.raises(EdgekitError, match="NaN"):
        learn.quantize(student, np.where(np.arange(24)[:, None] == 3, np.nan, x))
    with pytest.raises(EdgekitError, match="one input"):
        learn.quantize(object(), x)
