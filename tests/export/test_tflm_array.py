"""The C array holds the model, byte for byte, aligned, in read-only memory."""

import ctypes
import re
import shutil
import subprocess
import sys

import pytest

from edgekit.core.errors import EdgekitError
from edgekit.export.tflm_array import c_array, registration_method

MODEL = b"\x1c\0\0\0TFL3" + bytes(range(256)) * 3 + b"odd"


def test_the_compiled_array_is_the_model(tmp_path):
    for file, text in c_array(MODEL, "bearing", 900, ["CONV_2D"]).items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    library = tmp_path / "bearing.so"
    compiler = (
        [shutil.which("cc")] if shutil.which("cc") else [sys.executable, "-m", "ziglang", "cc"]
    )
    flags = ["-std=c99", "-Wall", "-Werror", "-shared", "-fPIC"]
    subprocess.run([*compiler, *flags, tmp_path / "bearing.c", "-o", library], check=True)
    array = (ctypes.c_uint8 * len(MODEL)).in_dll(ctypes.CDLL(str(library)), "bearing")
    assert bytes(array) == MODEL
    assert ctypes.addressof(array) % 16 == 0


def test_the_header_tells_size_and_arena():
    header = c_array(MODEL, "bearing", 900, [])["bearing.h"]
    assert f"BEARING_SIZE {len(MODEL)}" in header
    assert "BEARING_ARENA_BYTES 900" in header


def test_the_resolver_registers_each_operator_once():
    text = c_array(MODEL, "m", 1, ["CONV_2D", "RESHAPE", "CONV_2D"])["m_resolver.h"]
    assert re.findall(r" resolver\.(\w+)\(", text) == ["AddConv2D", "AddReshape"]
    assert "MicroMutableOpResolver<2>" in text


@pytest.mark.parametrize(
    ("operator", "method"),
    [
        ("DEPTHWISE_CONV_2D", "AddDepthwiseConv2D"),
        ("FULLY_CONNECTED", "AddFullyConnected"),
        ("PADV2", "AddPadV2"),
        ("RELU6", "AddRelu6"),
        ("HARD_SWISH", "AddHardSwish"),
    ],
)
def test_operators_are_registered_under_their_names_in_tflm(operator, method):
    assert registration_method(operator) == method


def test_what_is_no_model_or_no_name_is_refused():
    with pytest.raises(EdgekitError, match="TFL3"):
        c_array(b"not a model", "m", 1, [])
    with pytest.raises(EdgekitError, match="no name"):
        c_array(MODEL, "my model", 1, [])
