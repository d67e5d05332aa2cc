"""Graph → C99: a header, the layers, their constants, and the kernels they call."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from pathlib import Path

import numpy as np

from edgekit import firmware
from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError
from edgekit.export.buffer_names import buffer_names, index_suffix, offset_macros
from edgekit.export.graph import Graph
from edgekit.export.layer import Layer
from edgekit.export.lower import lower
from edgekit.export.lower_float import literal
from edgekit.export.plan import Plan, plan
from edgekit.export.slot import constant_offsets, constants, image_size

KERNELS = "edgekit_kernels"  # their folder: no name of a model can meet one of theirs
# NAME.h must not stand before a header of the C library or of a compiler
_C = """assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg
stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar unistd wchar
wctype arm_acle arm_mve arm_neon"""
RESERVED = frozenset(_C.split())

C_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "int32": "int32_t",
    "float32": "float",
}


@dataclass(frozen=True, eq=False)
class Source:
    """Generated C: `files` by name, with the plan and the layers they came from."""

    name: str
    files: dict[str, str]
    layers: tuple[Layer, ...]
    plan: Plan
    graph: Graph
    alias: dict[int, int]  # tensors that only rename another
    slot: bool = False  # constants are not compiled in but read from a slot, see `image`

    def offset(self, tensor: int) -> int:
        """Where in the arena a tensor lives."""
        while tensor in self.alias:
            tensor = self.alias[tensor]
        return self.plan.offsets[tensor]

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def stateful(self) -> bool:
        """Whether an inference depends on those before it; then the C has a `*_reset()`."""
        return any(layer.state for layer in self.layers)

    @property
    def weight_bytes(self) -> int:
        """Bytes of all generated constants: weights, biases, multipliers, tables."""
        return sum(a.nbytes for layer in self.layers for a in layer.constants.values())

    def write(self, folder: str | Path) -> Path:
        """Write the files into `folder`, which is made if need be, and return it; older ones are replaced."""
        for name, text in self.files.items():
            atomic_write_bytes(Path(folder) / name, text.encode())
        return Path(folder)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(f)}</td><td>{len(t.splitlines()):,} lines</td></tr>"
            for f, t in self.files.items()
        )
        return (
            f"<p><b>{escape(self.name)}</b>: {len(self.layers)} layers, {self.macs:,} MAC, arena "
            f"{self.plan.size:,} B, constants {self.weight_bytes:,} B</p><table>{rows}</table>"
        )


def emit(graph: Graph, name: str = "model", seed: int = 0) -> dict[str, str]:
    """The C sources of a graph: {file name: text}. `name` prefixes every symbol and names the files."""
    return generate(graph, name, seed).files


def generate(graph: Graph, name: str = "model", seed: int = 0, slot: bool = False) -> Source:
    """Like `emit`, and keeps the layers and the memory plan.

    With `slot`, constants are no part of the program: `{name}_slot` points to the `image` of a model,
    which an update can replace while the program stays. Raises EdgekitError for a name that is no C
    identifier and for whatever `lower` refuses.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,30}", name):
        raise EdgekitError(f"{name!r} is no name for C code: use lower-case letters, digits and _")
    if name in RESERVED or name == "ek" or name.startswith(("ek_", "edgekit")):
        whose = "the C library" if name in RESERVED else "edgekit's own code"
        raise EdgekitError(f"{name!r} is a name of {whose}: {name}.h would hide it; take another")
    layers, alias = lower(graph)
    sizes = {t.index: t.nbytes for t in graph.tensors if t.data is None}
    for i in graph.outputs:
        if graph.tensors[i].data is not None:
            raise EdgekitError(f"the model's output {graph.tensors[i].name!r} is a constant")
    memory = plan(layers, sizes, alias, graph.inputs, graph.outputs, seed)

    def root(i):
        while i in alias:
            i = alias[i]
        return i

    names = buffer_names(graph, name, layers, memory, root)

    def arena_address(key) -> str:
        return f"{name}_arena + {names[root(key)][0]}"

    files = {
        f"{name}.h": _header(graph, name, memory, layers, slot),
        f"{name}.c": _model(
            graph, name, layers, offset_macros(memory, names), memory.size, arena_address, slot
        ),
        f"{name}_weights.h": (_weights_in_slot if slot else _weights)(graph, name, layers),
    }
    wanted = {h for layer in layers for h in layer.headers}
    files |= kernels(wanted)
    return Source(name, files, tuple(layers), memory, graph, alias, slot)


def kernels(wanted) -> dict[str, str]:
    """The kernel headers and those they include, in their folder."""
    files, work = {}, sorted(wanted)
    while work:
        header = work.pop()
        path = f"{KERNELS}/{header}"
        if path not in files:
            files[path] = firmware.text("kernels", header)
            work += re.findall(r'#include "(\w+\.h)"', files[path])
    return dict(sorted(files.items()))


def _header(graph: Graph, name: str, memory: Plan, layers, slot: bool) -> str:
    up = name.upper()
    of = (
        "for every .tflite of this structure"
        if slot
        else f"from a .tflite with sha256 {graph.sha256[:16]}"
    )
    lines = [
        f"/* {name}: generated by edgekit {of}.",
        " * Write the input, call the function, read the output; the input is overwritten meanwhile.",
        " * real = scale * (value - zero_point) */",
        f"#ifndef {up}_H",
        f"#define {up}_H",
        "",
        "#include <stdint.h>",
        "",
        "#if defined(__cplusplus)",
        'extern "C" {',
        "#endif",
        "",
        f"#define {up}_ARENA_BYTES {memory.size}",
    ]
    calls = []
    for kind, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for n, i in enumerate(indices):
            t, suffix = graph.tensors[i], index_suffix(indices, n)
            macro = f"{up}_{kind.upper()}{suffix}"
            lines += [f"#define {macro}_SIZE {t.size} /* {list(t.shape)} */"]
            if len(t.scale):
                lines += [
                    f"#define {macro}_SCALE {literal(t.scale[0])}",
                    f"#define {macro}_ZERO_POINT {_signed(int(t.zero_point[0]))}",
                ]
            const = "const " if kind == "output" else ""
            calls.append(f"{const}{C_TYPES[str(t.dtype)]} *{name}_{kind}{suffix}(void);")
    calls.append(f"void {name}_invoke(void);")
    if slot:
        lines.append(f"#define {up}_IMAGE_BYTES {image_size(graph, layers)}")
        calls.append(f"extern const uint8_t *{name}_slot; /* the image, on a multiple of 8 */")
    if any(layer.state for layer in layers):
        calls.append(f"void {name}_reset(void); /* forget all earlier inferences */")
    end = ["#if defined(__cplusplus)", "}", "#endif", "", "#endif", ""]
    return "\n".join([*lines, "", *calls, "", *end])


def _signed(value: int) -> str:
    return f"({value})" if value < 0 else str(value)


def _model(
    graph: Graph, name: str, layers, offsets: str, size: int, arena_address, slot: bool
) -> str:
    headers = sorted({h for layer in layers for h in layer.headers})
    parts = [
        f'#include "{name}.h"\n',
        *_needs(layers),
        *(f'#include "{KERNELS}/{h}"' for h in headers),
        f'\n#include "{name}_weights.h"\n',
        "/* Every activation, placed by lifetime; a layer's output may lie over its input. */",
        f"static uint8_t {name}_arena[{size}] __attribute__((aligned(8)));\n",
        offsets,
    ]
    if slot:
        parts.insert(-3, f"const uint8_t *{name}_slot;\n")
    for n, layer in enumerate(layers):
        parts.append(_layer(graph, n, layer, arena_address, slot))
    body = "\n".join(f"  {layer.name}();" for layer in layers)
    parts.append(f"void {name}_invoke(void) {{\n{body}\n}}\n")
    states = [
        f"  for (int32_t i = 0; i < {layer.state}; i++) ({arena_address(('state', n))})[i] = 0;"
        for n, layer in enumerate(layers)
        if layer.state
    ]
    if states:
        parts.append("\n".join([f"void {name}_reset(void) {{", *states, "}\n"]))
    for kind, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for n, i in enumerate(indices):
            t = graph.tensors[i]
            c = ("const " if kind == "output" else "") + C_TYPES[str(t.dtype)]
            parts.append(
                f"{c} *{name}_{kind}{index_suffix(indices, n)}(void) {{ return ({c} "
                f"*)({arena_address(i)}); }}"
            )
    return "\n".join(parts) + "\n"


def _needs(layers) -> list[str]:
    """Constants by which the kernels leave out what no layer of this model uses."""
    if f"{KERNELS}/ek_requantize.h" not in kernels(h for layer in layers for h in layer.headers):
        return []
    quants = [layer.fields["requant"] for layer in layers if "requant" in layer.fields]
    windows = [layer.fields for layer in layers if layer.struct == "depthwise_s8"]
    channels = {"conv_s8": "out_ch", "fully_connected_s8": "out_size"}  # struct -> how many it has
    most = max((v.fields[channels[v.struct]] for v in layers if v.struct in channels), default=0)
    kernel_options = {
        "EK_ANY_CLAMPS": any(r["clamps"] for r in quants),
        "EK_ANY_EXACT": any(r["exact"] for r in quants),
        "EK_ANY_FOUR": most > 2,
        "EK_ANY_WINDOW": any(not f["three"] or f["requant"]["exact"] for f in windows),
    }
    text = ", ".join(f"{key} = {int(value)}" for key, value in kernel_options.items())
    return ["/* What the kernels may leave out in this model. */", f"enum {{ {text} }};\n"]


def _layer(graph: Graph, n: int, layer: Layer, arena_address, slot: bool) -> str:
    """The layer's constant parameters and its function."""
    names = {key: f"{layer.name}_{key}" for key in layer.constants}
    values = {key: names[key] for key in names}
    for kind, indices in (("in", layer.inputs), ("out", layer.outputs)):
        for k, i in enumerate(indices):
            t = graph.tensors[i]
            if t.data is not None:
                values[f"{kind}{k}"] = f"{layer.name}_in{k}"
            else:
                const = "const " if kind == "in" else ""
                values[f"{kind}{k}"] = f"({const}{C_TYPES[str(t.dtype)]} *)({arena_address(i)})"
    if layer.scratch:
        values["scratch"] = arena_address(("scratch", n))
    if layer.state:
        values["state"] = arena_address(("state", n))
    values["params"] = f"{layer.name}"
    text = f"/* {layer.operator} {layer.comment} */\n"
    params = ""
    if layer.struct:
        several = isinstance(layer.fields, list)
        rows = layer.fields if several else [layer.fields]
        inner = [_initializer(r, layer.name) for r in rows]
        value = "{\n" + ",\n".join(inner) + "}" if several else inner[0]
        array = "[]" if several else ""
        params = f"const struct ek_{layer.struct} {layer.name}_params{array} = {value};\n"
        values["params"] = f"{layer.name}_params"
    if params and not slot:
        text += f"static {params}"
    text += f"EK_LAYER void {layer.name}(void) {{\n"
    if params and slot:  # where the slot lies is known at run time only
        text += f"  {params}"
    return text + "".join(map(_call, layer.call.format(**values).split("\n"))) + "}\n"


def _call(line: str) -> str:
    """A call, on several lines where it is long."""
    lines = [f"  {line.strip()}"]
    while len(lines[-1]) > 100 and (at := lines[-1].rfind(", ", 30, 100)) > 0:
        lines[-1:] = [lines[-1][: at + 1], " " * 6 + lines[-1][at + 2 :]]
    return "\n".join(lines) + "\n"


def _initializer(fields: dict, prefix: str, indent: str = "    ") -> str:
    items = []
    for key, value in fields.items():
        items.append(f".{key} = {_value(value, prefix, indent)}")
    lines, line = [], ""
    for item in items:  # as many on a line as fit, as one would write by hand
        if line and len(indent) + len(line) + len(item) > 98:
            lines.append(line)
            line = ""
        line += (" " if line else "") + item + ","
    lines.append(line)
    return "{\n" + "\n".join(indent + row for row in lines) + "\n" + indent[:-4] + "}"


def _value(value, prefix: str, indent: str) -> str:
    if isinstance(value, dict):
        return _initializer(value, prefix, indent + "    ")
    if isinstance(value, str):
        return f"{prefix}_{value[1:]}"
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(_value(v, prefix, indent) for v in value) + "}"
    if isinstance(value, float):
        return literal(value)
    return str(int(value))


def _weights(graph: Graph, name: str, layers) -> str:
    """Constant arrays. Small and equal arrays are not shared: a linker may, the reader should not have to."""
    parts = [
        f"/* Constants of {name}, in the order its kernels read them. Included by {name}.c only. */",
        "#include <stdint.h>\n",
    ]
    for array, flat in constants(graph, layers):
        parts.append(
            f"static const {C_TYPES[str(flat.dtype)]} {array}[{flat.size}] "
            f"__attribute__((aligned(4))) = {{\n{_numbers(flat)}\n}};"
        )
    return "\n".join(parts) + "\n"


def _weights_in_slot(graph: Graph, name: str, layers) -> str:
    """Where each constant lies in the slot."""
    parts = [
        f"/* Constants of {name} in its slot: offsets in the image. Included by {name}.c only. */",
        "#include <stdint.h>\n",
    ]
    for array, flat, at in constant_offsets(graph, layers):
        kind = C_TYPES[str(flat.dtype)]
        parts.append(f"#define {array} ((const {kind} *)({name}_slot + {at})) /* [{flat.size}] */")
    return "\n".join(parts) + "\n"


def _numbers(a: np.ndarray) -> str:
    if a.dtype == np.float32:
        words = [literal(v) for v in a]
    else:
        words = [str(v) for v in a.tolist()]
        words = ["INT32_MIN" if w == "-2147483648" else w for w in words]
    per_line = 24 if a.dtype == np.int8 else 8
    rows = [words[i : i + per_line] for i in range(0, len(words), per_line)]
    return ",\n".join("  " + ", ".join(r) for r in rows)
