"""Graph → C99: a header, the layers, their constants, and the kernels they call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from functools import partial

from edgekit import firmware
from edgekit.core import naming
from edgekit.core.errors import EdgekitError
from edgekit.export.buffer_names import buffer_names, index_suffix, offset_macros
from edgekit.export.constant_arrays import C_TYPES, head_of, weights
from edgekit.export.dead import NOTHING, difference, without_dead_channels
from edgekit.export.lower import lower
from edgekit.export.padding import fold_padding
from edgekit.export.plan import plan, root
from edgekit.export.slot import image_size
from edgekit.export.source import Source
from edgekit.operators import OPERATORS
from edgekit.operators.graph import Graph
from edgekit.operators.layer import Layer, literal

KERNELS = "edgekit_kernels"  # their folder: no name of a model can meet one of theirs
# NAME.h must not stand before a header of the C library or of a compiler
_C = """assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg
stdatomic stdbool stddef stdint stdio stdlib stdnoreturn string strings tgmath threads time uchar unistd wchar
wctype arm_acle arm_mve arm_neon"""
RESERVED = frozenset(_C.split())

SWITCHES = ("EK_ANY_CLAMPS", "EK_ANY_EXACT", "EK_ANY_FOUR")  # of ek_requantize.h


def emit(graph: Graph, name: str = "model", seed: int = 0) -> dict[str, str]:
    """The C sources of a graph: {file name: text}. `name` prefixes every symbol and names the files."""
    return generate(graph, name, seed).files


def generate(
    graph: Graph, name: str = "model", seed: int = 0, slot: bool = False, head: bool = False
) -> Source:
    """Like `emit`, and keeps the layers and the memory plan.

    Channels that are provably constant leave the program; `Source.dead` says how much they were. With `slot`
    they stay: an update may bring them to life, and the program must not change for that.

    With `slot`, constants are no part of the program: `{name}_slot` points to the `image` of a model,
    which an update can replace while the program stays. With `head`, too, those of the last layer are read
    from `{name}_head`, which the program points into the slot or to what it has learnt; what that layer is
    given stays readable behind an inference. Raises EdgekitError for a name that is no C identifier, for
    a head without a slot or as `head_region` does, and for whatever `lower` refuses.
    """
    source = lay_out(graph, name, seed, slot, head)
    found = kernels(source.layers)
    files = {
        f"{name}.h": header(source),
        f"{name}.c": f'#include "{name}.h"\n\n{preamble(source.layers, found)}{body(source)}',
        f"{name}_weights.h": weights(source),
    }
    return replace(source, files=files | found)


def lay_out(
    graph: Graph, name: str, seed: int = 0, slot: bool = False, head: bool = False, of: str = ""
) -> Source:
    """The layers and where their values lie; no file yet. `of`: what the names of layers begin with, so that
    those of several networks differ. Otherwise as `generate`."""
    check_name(name)
    layers, alias = lower(graph)
    if (folded := fold_padding(graph)) is not graph:
        graph, (layers, alias) = folded, lower(folded)
    lean = graph if slot else without_dead_channels(graph, layers)
    dead = NOTHING
    if lean is not graph:
        whole, (layers, alias) = layers, lower(lean)
        dead, graph = difference(graph, whole, lean, layers), lean
    if head and not slot:
        raise EdgekitError("a last layer that can be replaced needs code that reads from a slot")
    touched = {i for layer in layers for i in (*layer.inputs, *layer.outputs)}
    for t in (graph.tensors[i] for i in sorted(touched | {*graph.inputs, *graph.outputs})):
        if t.data is None and str(t.dtype) not in C_TYPES:
            raise EdgekitError(f"{t.name!r} has type {t.dtype}, for which there is no code")
    sizes = {t.index: t.nbytes for t in graph.tensors if t.data is None}
    for i in graph.outputs:
        if graph.tensors[i].data is not None:
            raise EdgekitError(f"the model's output {graph.tensors[i].name!r} is a constant")
    memory = plan(layers, sizes, alias, graph.inputs, graph.outputs, seed)
    for i in graph.outputs:
        if root(alias, i) not in memory.offsets:
            raise EdgekitError(f"the model's output {graph.tensors[i].name!r} is a state")
    named = tuple(replace(layer, of=of) for layer in layers)
    return Source(name, {}, named, memory, graph, alias, slot, head, dead)


def check_name(name: str) -> None:
    """Raises EdgekitError for what C, or a folder of C files, cannot be called."""
    naming.check_c_name(name)
    if name in RESERVED or name == "ek" or name.startswith(("ek_", "edgekit")):
        whose = "the C library" if name in RESERVED else "edgekit's own code"
        raise EdgekitError(f"{name!r} is a name of {whose}: {name}.h would hide it; take another")


def kernels(layers: Iterable[Layer]) -> dict[str, str]:
    """The kernel headers of these layers and those they include, in their folder."""
    wanted = (h for layer in layers for h in layer.headers)
    brought = {name: text for kind in OPERATORS.values() for name, text in kind.kernels.items()}
    found = firmware.with_includes(
        wanted, lambda h: brought[h] if h in brought else firmware.text("kernels", h)
    )
    return {f"{KERNELS}/{header}": text for header, text in found.items()}


def header(source: Source) -> str:
    """NAME.h: sizes, scales and what is called."""
    graph, name, layers, slot = source.graph, source.name, source.layers, source.slot
    region = head_of(source)
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
        f"#define {up}_ARENA_BYTES {source.plan.size}",
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
    if any(region):
        lines += [
            f"#define {up}_HEAD_AT {region[0]} /* in the image: the last layer's constants */",
            f"#define {up}_HEAD_BYTES {region[1] - region[0]}",
        ]
        calls += [
            f"extern const uint8_t *{name}_head; /* those constants, on a multiple of 4 */",
            f"const int8_t *{name}_head_input(void); /* what the last layer was given */",
        ]
    if source.stateful:
        calls.append(f"void {name}_reset(void); /* forget all earlier inferences */")
    end = ["#if defined(__cplusplus)", "}", "#endif", "", "#endif", ""]
    return "\n".join([*lines, "", *calls, "", *end])


def _signed(value: int) -> str:
    return f"({value})" if value < 0 else str(value)


def preamble(layers: Sequence[Layer], found: Collection[str]) -> str:
    """The kernels that these layers call, of those `found`, and what they may leave out."""
    parts = []
    if f"{KERNELS}/ek_requantize.h" in found:
        used = {name for layer in layers for name in layer.switches}
        text = ", ".join(f"{name} = {int(name in used)}" for name in SWITCHES)
        parts += ["/* What the kernels may leave out here. */", f"enum {{ {text} }};\n"]
    headers = sorted({h for layer in layers for h in layer.headers})
    return "\n".join([*parts, *(f'#include "{KERNELS}/{h}"' for h in headers), "\n"])


def body(source: Source) -> str:
    """Constants, arena, layers and the functions of NAME.h, behind a `preamble`."""
    graph, name, layers, slot = source.graph, source.name, source.layers, source.slot
    names = buffer_names(graph, name, layers, source.plan, partial(root, source.alias))

    def arena_address(key) -> str:
        return f"{name}_arena + {names[root(source.alias, key)][0]}"

    arena = f"static uint8_t {name}_arena[{source.plan.size}] __attribute__((aligned(8)));\n"
    if source.program:
        arena = f"#define {name}_arena ({source.arena_symbol} + {source.base})\n"
    parts = [
        *([f"const uint8_t *{name}_slot;\n"] if slot else []),
        *([f"const uint8_t *{name}_head;\n"] if source.head else []),
        f'#include "{name}_weights.h"\n',
        "/* Every activation, placed by lifetime; a layer's output may lie over its input. */",
        arena,
        offset_macros(source.plan, names),
    ]
    for n, layer in enumerate(layers):
        parts.append(_layer(graph, n, layer, arena_address, slot))
    calls = "\n".join(f"  {layer.name}();" for layer in layers)
    parts.append(f"void {name}_invoke(void) {{\n{calls}\n}}\n")
    if source.head:
        given = arena_address(layers[-1].inputs[0])
        parts.append(
            f"const int8_t *{name}_head_input(void) {{ return (const int8_t *)({given}); }}\n"
        )
    states = [
        f"  for (int32_t i = 0; i < {layer.state}; i++) ({arena_address(('state', n))})[i] = 0;"
        for n, layer in enumerate(layers)
        if layer.state
    ]
    if states:
        parts.append("\n".join([f"void {name}_reset(void) {{", *states, "}\n"]))
    for kind, indices in (("input", graph.inputs), ("output", graph.outputs)):
        for n, i in enumerate(indices):
            c = ("const " if kind == "output" else "") + C_TYPES[str(graph.tensors[i].dtype)]
            parts.append(
                f"{c} *{name}_{kind}{index_suffix(indices, n)}(void) {{ return ({c} "
                f"*)({arena_address(i)}); }}"
            )
    return "\n".join(parts) + "\n"


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
        return f"{prefix}_{value[1:]}" if value[0] == "@" else value
    if isinstance(value, (list, tuple)):
        return "{" + ", ".join(_value(v, prefix, indent) for v in value) + "}"
    if isinstance(value, float):
        return literal(value)
    return str(int(value))
