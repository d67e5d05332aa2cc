"""Which runtime fits which core, and why."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from edgekit.catalog.hardware import Board

RUNTIMES = {
    "generated-c": (
        "generated C (this kit)",
        "the network becomes plain C for this core: no interpreter, no heap, RAM planned at build "
        "time; chapter 05 checks it byte for byte against TFLM",
    ),
    "tflm": (
        "TensorFlow Lite Micro with CMSIS-NN",
        "an interpreter for Cortex-M and RISC-V: more flash and RAM than generated C, any operator",
    ),
    "tflm-esp-nn": (
        "TensorFlow Lite Micro with ESP-NN",
        "ESP-NN holds Espressif's kernels for the vector instructions of the ESP32-S3, which "
        "portable C does not reach",
    ),
    "st-neural-art": (
        "ST Edge AI with the Neural-ART compiler",
        "the accelerator of the STM32N6 is ST's own, not an Arm Ethos-U: Vela does not compile "
        "for it, and ST's compiler places weights and activations in its memory pools",
    ),
    "edgetpu": (
        "Edge TPU compiler",
        "the Edge TPU runs only int8 models that Google's edgetpu_compiler has mapped; what it "
        "cannot map falls back to the host core",
    ),
    "tensorrt": (
        "TensorRT",
        "it builds an engine for this very GPU, in fp16 or int8, that does not move to another",
    ),
    "litert": (
        "LiteRT with XNNPACK",
        "on a Linux core the .tflite runs as it is; XNNPACK uses the Arm dot-product instructions",
    ),
    "litert-ethos-u": (
        "LiteRT with the Ethos-U delegate (Vela)",
        "Vela compiles the int8 .tflite for the Ethos-U NPU; the Linux cores run the rest",
    ),
    "onnxruntime": (
        "ONNX Runtime",
        "for a gateway that also serves models from other frameworks",
    ),
    "hls4ml": (
        "hls4ml",
        "the network becomes a circuit, for small models quantized with the fabric in mind; it "
        "targets AMD and Intel fabrics, a small iCE40 needs a circuit of one's own",
    ),
}


@dataclass(frozen=True)
class Runtime:
    """The runtime for a board, why, and what else would work."""

    key: str
    name: str
    why: str
    alternatives: tuple[str, ...]

    def _repr_html_(self) -> str:
        others = f" Or: {escape(', '.join(self.alternatives))}." if self.alternatives else ""
        return f"<b>{escape(self.name)}</b>: {escape(self.why)}.{others}"


def runtime(board: Board) -> Runtime:
    """The first of the board's runtimes, with the reason and the alternatives."""
    key, *others = board.runtimes
    name, why = RUNTIMES[key]
    return Runtime(key, name, why, tuple(RUNTIMES[other][0] for other in others))
