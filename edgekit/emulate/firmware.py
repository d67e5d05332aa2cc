"""A firmware: the program that is run, counted, judged and shipped.

A network alone, or with its features: samples of the sensor in, class out. A network's accuracy says little
while its input is computed elsewhere; here everything after the sensor is the binary's own work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, measured
from edgekit.core.html_table import TABLE
from edgekit.emulate.cores import core
from edgekit.emulate.elf import Elf, parse
from edgekit.emulate.samples import sample_dtype
from edgekit.emulate.toolchain import (
    FLAGS,
    compiler_of,
    host_library,
    level_flags,
    link_program,
    runtime_source,
)
from edgekit.export.source import Source
from edgekit.signal import FeatureCode
from edgekit.signal.step import Step

MAIN = """\
/* Samples in, class out: what a task does with each full window. */
#include "{name}.h"
#include "{name}_features.h"

{sample} {name}_samples[{up}_WINDOW * {up}_CHANNELS]; /* [time][channel], filled by the sensor */
{feature_values}
__attribute__((noinline)) void {name}_sense(void) {{
  {sense}
}}

__attribute__((noinline)) int32_t {name}_decide(void) {{
  const {output} *const score = {name}_output();
  int32_t best = 0;
  for (int32_t i = 1; i < {up}_OUTPUT_SIZE; i++) {{
    if (score[i] > score[best]) best = i;
  }}
  return best;
}}

int32_t {name}_classify(void) {{
  {name}_sense();
  {name}_invoke();
  return {name}_decide();
}}

/* Nothing calls it but the emulator: behind the two vectors that a core reads, the linker keeps it. */
__attribute__((used, section(".vectors"))) static int32_t (*const {name}_entry)(void) = {name}_classify;
"""
SUFFIX = {"float32": "", "int16": "_int16", "uint8": "_uint8"}  # of the function that takes them
MAIN_FILE = "window_to_class.c"  # is linked behind edgekit_startup.c, whose vectors come first
FEATURE_BUFFER = "float {name}_feature_values[{up}_FEATURES];\n"
FEATURES = "{name}_features{suffix}({name}_samples, {name}_feature_values);\n  "
INT8_INPUT = "{name}_quantize({name}_feature_values, {name}_input());"
FLOAT_INPUT = (
    "for (int32_t i = 0; i < {up}_FEATURES; i++) {name}_input()[i] = {name}_feature_values[i];"
)


@dataclass(frozen=True, eq=False)
class Firmware:
    """A linked program. `flash` = code + constants + initialized data, `ram` = data + bss, without stack.

    With `features`, a step of `edgekit.signal`, it takes samples of a sensor of this `sensitivity` (physical
    units per int16 count; None where samples arrive as float32), and `feature_files` is the C that computes
    them; a network alone takes its inputs.
    """

    source: Source
    cpu: str
    flags: tuple[str, ...]
    compiler: str
    elf: bytes
    sha256: str
    code: Figure
    weights: Figure
    flash: Figure
    ram: Figure
    features: Step | None = None
    sensitivity: float | None = None
    feature_files: Mapping[str, str] = field(default_factory=dict, repr=False)

    def image(self) -> Elf:
        """The ELF, parsed: segments, sections, symbols."""
        return parse(self.elf)

    @property
    def step(self) -> Step:
        """Its features. Raises EdgekitError where it has none here: it takes no windows."""
        if self.features is None:
            raise EdgekitError(
                "this program takes no windows of samples: build it with features, or read from a file, "
                "give it theirs (with_features)"
            )
        return self.features

    @property
    def described(self) -> str:
        """Core, compiler and level, as the sources of figures name them."""
        return f"{self.cpu}, {self.compiler} {self.flags[0]}"

    @property
    def compiler_name(self) -> str:
        """`"zig"` or `"gcc"`, as `build` takes it."""
        return self.compiler.split()[0]

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{k}</td><td>{getattr(self, k)._repr_html_()}</td></tr>"
            for k in ("code", "weights", "flash", "ram")
        )
        return (
            f"<p><b>{escape(self.source.name)}</b> for {escape(self.described)}, "
            f"sha256 {self.sha256[:12]}</p>{TABLE}{rows}</table>"
        )


def build(
    source: Source,
    cpu: str = "cortex-m4",
    opt: str = "-Os",
    compiler: str = "zig",
    *,
    features: Step | None = None,
    sensitivity: float | None = None,
    extra_files: Mapping[str, str] | None = None,
    defines: tuple[str, ...] = (),
    cache: str | Path | None = None,
) -> Firmware:
    """Compile and link `source` (from `export.generate`) for a core, with its features if they are given.

    cpu: a core of `cores.CORES`. opt: one of `toolchain.LEVELS`, each of which is clang's own (gcc has no
    -Oz). compiler: "zig" or "gcc" (arm-none-eabi-gcc, when installed).
    features: a step of `edgekit.signal`; the network's input scale and zero point quantize what it computes.
    sensitivity: physical units per count where the sensor delivers int16; without it, samples are float32.
    extra_files: further C files and headers to compile in, by name; one that ends in ".O2.c" is compiled at
    -O2, whatever `opt`: what must be quick in a program that must be small. defines: e.g. ("NAME=1",).
    cache: a folder for finished builds; the user's cache folder unless given.
    Raises EdgekitError for an unknown core or level, a missing compiler, features that do not fit the
    network's input, or with the compiler's first error.
    """
    record = core(cpu)
    level = level_flags(opt, compiler)
    own = {} if features is None else feature_c(source, features, sensitivity)
    files = dict(source.files)
    for name, text in {**own, **(extra_files or {})}.items():
        if files.setdefault(name, text) != text:
            raise EdgekitError(f"two files would be called {name}: give the model another name")
    files["edgekit_startup.c"] = runtime_source("startup.c")
    files["link.ld"] = runtime_source("link.ld")
    flags = (
        *level,
        *FLAGS,
        f"-DEDGEKIT_INVOKE={source.name}_invoke",
        *(f"-D{d}" for d in defines),
    )
    if source.stateful:
        flags += (f"-DEDGEKIT_RESET={source.name}_reset",)
    data = link_program(files, record, compiler, flags, cache)
    version = f"{compiler} {compiler_of(record, compiler)[1]}"
    return of_elf(data, source, cpu, flags, version, features, sensitivity, own)


def constant_names(source: Source) -> set[str]:
    """The symbols that hold a network's constants: what counts as its weights."""
    arrays = {f"{layer.name}_{c}" for layer in source.layers for c in layer.constants}
    return arrays | {
        f"{layer.name}_in{k}" for layer in source.layers for k in range(len(layer.inputs))
    }


def of_elf(
    data: bytes,
    source: Source,
    cpu: str,
    flags,
    compiler: str,
    features,
    sensitivity,
    feature_files,
) -> Firmware:
    """The Firmware of an ELF that was made of `source` and the rest; its sizes are read off it."""
    image = parse(data)
    size = {name: taken for name, (_, taken) in image.sections.items()}
    flash = sum(size.get(s, 0) for s in (".text", ".rodata", ".data"))
    arrays = constant_names(source)
    weights = sum(s.size for s in image.symbols.values() if s.name in arrays)
    where = f"ELF sections, {cpu}, {compiler} {flags[0]}"
    return Firmware(
        source,
        cpu,
        tuple(flags),
        compiler,
        data,
        hashlib.sha256(data).hexdigest(),
        code=measured(flash - weights, "B", where),
        weights=measured(weights, "B", where),
        flash=measured(flash, "B", where),
        ram=measured(size.get(".data", 0) + size.get(".bss", 0), "B", where),
        features=features,
        sensitivity=sensitivity,
        feature_files=feature_files,
    )


def build_host(
    source: Source,
    opt: str = "-O2",
    compiler: str = "zig",
    driver: str | None = None,
    defines: tuple[str, ...] = (),
    cache: str | Path | None = None,
) -> Path:
    """Compile `source` into a shared library for this machine and return its path.

    opt: optimization flag. compiler: "zig", or "cc" for the system's. defines: macros, as NAME or NAME=value.
    cache: where finished builds lie, the user's cache unless given. Raises EdgekitError with the compiler's
    first error.
    driver: C that includes the model's .c file and is compiled in its place (to reach its static
    functions). Load the library in a process of its own, as `parity.run_host` does: generated code for a
    hostile model must not share the caller's memory.
    """
    files = dict(source.files)
    if driver:
        files |= {f"{source.name}_model.h": files.pop(f"{source.name}.c")}
        files["edgekit_driver.c"] = driver.replace(f'"{source.name}.c"', f'"{source.name}_model.h"')
    return host_library(files, opt, compiler, defines, cache)


def feature_c(source: Source, features: Step, sensitivity: float | None) -> FeatureCode:
    """The C from a window of samples to a class, around `source`'s network.

    Raises EdgekitError where the features do not fit the network's input.
    """
    graph, name = source.graph, source.name
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise EdgekitError("features need a network with one input and one output")
    if not hasattr(features, "c"):
        raise EdgekitError(f"{features!r} has no C side: use a step of edgekit.signal")
    into, out = (graph.tensors[i] for i in (graph.inputs[0], graph.outputs[0]))
    size = int(np.prod(features.shape))
    if into.size != size or str(into.dtype) not in ("int8", "float32"):
        raise EdgekitError(f"{size} features do not fit the network's input {into}")
    quantized = str(into.dtype) == "int8"
    scale = (into.scale[0], int(into.zero_point[0])) if quantized else None
    files = features.c(name, quantization=scale, sensitivity=sensitivity)
    sample = sample_dtype(features, sensitivity)
    words = {"name": name, "up": name.upper(), "suffix": SUFFIX[sample]}
    direct = "input_uint8" in files.functions  # no floats on the way
    sense = FEATURES + (INT8_INPUT if quantized else FLOAT_INPUT)
    if direct:
        sense = "{name}_input_uint8({name}_samples, {name}_input());"
    files[MAIN_FILE] = MAIN.format(
        **words,
        sample={"float32": "float", "int16": "int16_t", "uint8": "uint8_t"}[sample],
        feature_values="" if direct else FEATURE_BUFFER.format(**words),
        sense=sense.format(**words),
        output={"int8": "int8_t", "uint8": "uint8_t", "float32": "float"}[str(out.dtype)],
    )
    return files
