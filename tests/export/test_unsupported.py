"""A model that cannot be taken is told why: the cause, not the first thing that stumbled over it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from edgekit.core.errors import EdgekitError
from edgekit.export import generate, read, require_int8
from edgekit.packages import Release
from tests.export.tiny import Op, T, write

Q = {"scale": 0.1}
X = T((1, 4), **Q)
RELU = Op("RELU6", [0], [1])
DENSE = ("FullyConnectedOptions", [(0, "Int8", 0), (1, "Int8", 0), (2, "Bool", False)])


def error_message(data: bytes) -> str:
    with pytest.raises(EdgekitError) as caught:
        generate(read(data))
    message = str(caught.value)
    assert "\n" not in message
    return message


def one(*names: str, **more) -> bytes:
    tensors = [X] * (len(names) + 1)
    return write(tensors, [Op(n, [i], [i + 1]) for i, n in enumerate(names)], [0], [1], **more)


def dense(x: str, w: str, y: str) -> bytes:
    tensors = [T((1, 4), x), T((2, 4), w, 0.1, data=np.ones((2, 4))), T((1, 2), y)]
    for t in (tensors[0], tensors[2]):
        t.scale = None if t.dtype == "float32" else 0.1
    return write(tensors, [Op("FULLY_CONNECTED", [0, 1], [2], *DENSE)], [0], [2])


def unpacked(kind: str) -> bytes:
    """Constant weights that a DEQUANTIZE makes float32."""
    tensors = [T((1, 4), "float32"), T((2, 4), kind, 0.1, data=np.ones((2, 4)))]
    tensors += [T((2, 4), "float32"), T((1, 2), "float32")]
    ops = [Op("DEQUANTIZE", [1], [2]), Op("FULLY_CONNECTED", [0, 2], [3], *DENSE)]
    return write(tensors, ops, [0], [3])


@pytest.mark.parametrize(
    ("data", "cause", "hidden"),
    [
        (one("RELU6", "HASHTABLE_FIND", graphs=2), "HASHTABLE_FIND.*up in a table", "control flow"),
        (one("RELU6", "WHILE", "TOPK_V2", graphs=3), "WHILE.*control flow.*TOPK_V2", "signatures"),
        (one("RELU6", graphs=2, signatures=("serve", "train")), "2 signatures.*'serve', 'train'", "flow"),
        (one("RELU6", graphs=2), "2 graphs, and nothing", "control flow"),
        (one("CUSTOM TFLite_Detection_PostProcess"), "CUSTOM 'TFLite_Detection_PostProcess'", "number"),
        (one("CUSTOM a\n<b>\x1b[31m"), r"CUSTOM 'a\\n<b>\\x1b\[31m'", "\x1b"),
        (one("CUSTOM FlexErf"), "FlexErf.*TensorFlow's own kernels", "fixed batch"),
        (one("230"), "number 230, newer than the schema", "CUSTOM"),
        (one("TOPK_V2", "TOPK_V2", "CUMSUM"), r"TOPK_V2 \(2\), CUMSUM", "CUSTOM"),
        (unpacked("int8"), "weights only", "one scale"),
        (dense("float32", "int8", "float32"), "weights only", "one scale"),
        (unpacked("float16"), "float16 and computes in float32", "one scale"),
        (dense("int16", "int8", "int16"), "16-bit activations", "works on"),
        (write([X, T((1, 4), "string")], [RELU], [0], [1]), "type string: take text out", "int8"),
        (write([X, T((1, 4), "resource")], [RELU], [0], [1]), "keeps a table", "int8"),
        (write([X, T((1, 4), "int4")], [RELU], [0], [1]), "4-bit weights", "number 17"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull", "TFL3"),
        (b"PK\x03\x04" + bytes(60), "zip archive", "TFL3"),
        (b"<!DOCTYPE html><html>" + bytes(60), "web page", "TFL3"),
    ],
)  # fmt: skip
def test_the_cause_is_told(data, cause, hidden):
    message = error_message(data)
    assert hidden not in message
    assert re.search(cause, message), message


def test_what_updates_need_is_asked_of_the_model():
    require_int8(read(one("RELU6")))
    f = T((1, 4), "float32")
    with pytest.raises(EdgekitError, match="int8 inputs"):
        require_int8(read(write([f, f], [RELU], [0], [1])))
    with pytest.raises(EdgekitError, match="weights only"):
        require_int8(read(dense("float32", "int8", "float32")))
    released = Release(dense("float32", "int8", "float32"), None, None, "net", "board")
    with pytest.raises(EdgekitError, match="weights only"):
        _ = released.requirements
