"""Compile generated C for a microcontroller core, or for this machine, with zig from pip."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from html import escape
from importlib import metadata
from pathlib import Path

from edgekit import firmware
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.extras import missing
from edgekit.core.figures import Figure, measured
from edgekit.emulate import elf
from edgekit.export.codegen import Source

# core -> (zig target, zig -mcpu, gcc flags, macros that must be defined, macros that must not)
_M, _MF = "thumb-freestanding-eabi", "thumb-freestanding-eabihf"
CPUS = {
    "cortex-m0plus": (_M, "cortex_m0plus", "-mcpu=cortex-m0plus -mthumb", ()),
    "cortex-m3": (_M, "cortex_m3", "-mcpu=cortex-m3 -mthumb", ()),
    "cortex-m4": (_MF, "cortex_m4+vfp4d16sp", "-mcpu=cortex-m4 -mthumb -mfpu=fpv4-sp-d16 -mfloat-abi=softfp",
                  ("__ARM_FEATURE_DSP",)),
    "cortex-m7": (_MF, "cortex_m7+fp_armv8d16", "-mcpu=cortex-m7 -mthumb -mfpu=fpv5-d16 -mfloat-abi=softfp",
                  ("__ARM_FEATURE_DSP",)),
    # without +dsp, +mve or the FPU's name zig switches them off silently
    "cortex-m33": (_MF, "cortex_m33+dsp+fp_armv8d16sp", "-mcpu=cortex-m33 -mthumb -mfloat-abi=softfp",
                   ("__ARM_FEATURE_DSP",)),
    "cortex-m55": (_MF, "cortex_m55+dsp+mve", "-mcpu=cortex-m55 -mthumb -mfloat-abi=softfp",
                   ("__ARM_FEATURE_DSP", "__ARM_FEATURE_MVE")),
    "rv32imc": ("riscv32-freestanding-none", "generic_rv32+m+c", "", ()),
}  # fmt: skip

LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os", "-Oz")
QUICK = ".O2.c"  # how the names of files end that are compiled at -O2 whatever the program's level
FLAGS = (
    "-std=c99",
    "-g",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-ffreestanding",
    "-fomit-frame-pointer",
    "-fno-unwind-tables",
    "-fno-asynchronous-unwind-tables",
    "-ffunction-sections",
    "-fdata-sections",
    "-fno-strict-aliasing",
)


@dataclass(frozen=True, eq=False)
class Firmware:
    """A linked program. `flash` = code + constants + initialized data, `ram` = data + bss, without stack."""

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

    def image(self) -> elf.Elf:
        return elf.parse(self.elf)

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{k}</td><td>{getattr(self, k)._repr_html_()}</td></tr>"
            for k in ("code", "weights", "flash", "ram")
        )
        return (
            f"<p><b>{escape(self.source.name)}</b> for {self.cpu}, {escape(self.compiler)} "
            f"{escape(self.flags[0])}, sha256 {self.sha256[:12]}</p><table>{rows}</table>"
        )


def build(
    source: Source,
    cpu: str = "cortex-m4",
    opt: str = "-Os",
    compiler: str = "zig",
    extra_files: dict[str, str] | None = None,
    defines: tuple[str, ...] = (),
    cache: str | Path | None = None,
) -> Firmware:
    """Compile and link `source` (from `export.generate`) for a core.

    cpu: one of `CPUS`. opt: one of `LEVELS`, each of which is clang's own (gcc has no -Oz). compiler: "zig"
    or "gcc" (arm-none-eabi-gcc, when installed).
    extra_files: further C files and headers to compile in, by name; one that ends in ".O2.c" is compiled at
    -O2, whatever `opt`: what must be quick in a program that must be small. defines: e.g. ("NAME=1",).
    cache: a folder for finished builds; the user's cache folder unless given.
    Raises EdgekitError for an unknown core, a missing compiler, or with the compiler's first error.
    """
    if cpu not in CPUS:
        raise EdgekitError(f"unknown core {cpu!r}.{did_you_mean(cpu, CPUS)}")
    if opt not in LEVELS:
        raise EdgekitError(f"unknown optimization {opt!r}.{did_you_mean(opt, LEVELS)}")
    if (opt, compiler) == ("-Oz", "gcc"):
        raise EdgekitError("gcc makes the same of -Oz as of -Os: use -Os, or zig")
    shim = {"edgekit_startup.c": runtime_source("startup.c"), "link.ld": runtime_source("link.ld")}
    files = dict(source.files)
    for name, text in (extra_files or {}).items():
        if files.setdefault(name, text) != text:
            raise EdgekitError(f"two files would be called {name}: give the model another name")
    command, version = _compiler(cpu, compiler)
    flags = (
        *_level(opt, compiler),
        *FLAGS,
        f"-DEDGEKIT_INVOKE={source.name}_invoke",
        *(f"-D{d}" for d in defines),
    )
    if source.stateful:
        flags += (f"-DEDGEKIT_RESET={source.name}_reset",)
    link = _libraries(compiler)
    key = hashlib.sha256(
        repr((files, shim, cpu, flags, command, version, link)).encode()
    ).hexdigest()
    place = (Path(cache) if cache else cache_folder()) / f"{key[:32]}.elf"
    if place.is_file():
        data = place.read_bytes()
    else:
        data = _link(files | shim, (*command, *flags), link, cpu)
        _write_cache(place, data)
    return _report(source, cpu, flags, f"{compiler} {version}", data)


def build_host(
    source: Source,
    opt: str = "-O2",
    compiler: str = "zig",
    driver: str | None = None,
    defines: tuple[str, ...] = (),
    cache=None,
) -> Path:
    """Compile `source` into a shared library for this machine and return its path.

    driver: C that includes the model's .c file and is compiled in its place (to reach its static
    functions). Load the library in a process of its own, as `oracle.run_host` does: generated code for a
    hostile model must not share the caller's memory.
    """
    files = dict(source.files)
    if driver:
        files |= {f"{source.name}_model.h": files.pop(f"{source.name}.c")}
        files["edgekit_driver.c"] = driver.replace(f'"{source.name}.c"', f'"{source.name}_model.h"')
    return host_library(files, opt, compiler, defines, cache)


def host_library(files: dict[str, str], opt: str, compiler="zig", defines=(), cache=None) -> Path:
    """Compile C files into a shared library for this machine and return its path."""
    command = (sys.executable, "-m", "ziglang", "cc") if compiler == "zig" else ("cc",)
    flags = (
        opt,
        "-std=c99",
        "-shared",
        "-fPIC",
        "-Wall",
        "-Wextra",
        "-Werror",
    )
    flags += ("-fno-strict-aliasing", "-ffp-contract=off", *(f"-D{d}" for d in defines))
    if compiler == "zig":
        flags += ("-fno-sanitize=all", "-s")
    key = hashlib.sha256(repr((files, command, flags)).encode()).hexdigest()
    place = (Path(cache) if cache else cache_folder()) / f"{key[:32]}.so"
    if not place.is_file():
        _write_cache(place, _link(files, (*command, *flags), (), "this machine"))
    return place


def _level(opt: str, compiler: str) -> tuple[str, ...]:
    """Flags for an optimization level.

    zig knows three: it takes -O1 and -O3 for -O2, and -Oz for -Os. The rest is said to clang behind its back.
    """
    return (opt, "-Xclang", opt) if compiler == "zig" and opt in ("-O1", "-O3", "-Oz") else (opt,)


def runtime_source(name: str) -> str:
    return firmware.text("runtime", name)


def cache_folder() -> Path:
    base = (
        os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    )
    return Path(base) / "edgekit" / "builds"


def link_program(files: dict[str, str], cpu: str, compiler: str, flags) -> bytes:
    """The ELF of complete sources, with their own start-up code and linker script `link.ld`."""
    command, _ = _compiler(cpu, compiler)
    return _link(files, (*command, *flags), _libraries(compiler), cpu)


def _libraries(compiler: str) -> tuple[str, ...]:
    return () if compiler == "zig" else ("-nostartfiles", "-nodefaultlibs", "-lgcc")


def _compiler(cpu: str, compiler: str) -> tuple[tuple[str, ...], str]:
    target, mcpu, gcc_flags, _ = CPUS[cpu]
    if compiler == "zig":
        try:
            version = metadata.version("ziglang")
        except metadata.PackageNotFoundError:
            raise missing("compiling needs", "ziglang") from None
        command = (sys.executable, "-m", "ziglang", "cc", "-target", target, f"-mcpu={mcpu}")
        return (*command, "-fno-sanitize=all"), version
    if compiler == "gcc":
        gcc = shutil.which("arm-none-eabi-gcc")
        if not gcc or not gcc_flags:
            raise EdgekitError(
                f"arm-none-eabi-gcc is not installed, or does not know {cpu}; use zig"
            )
        version = subprocess.run(
            [gcc, "-dumpversion"], capture_output=True, text=True
        ).stdout.strip()
        return (gcc, *gcc_flags.split()), version
    raise EdgekitError(f"unknown compiler {compiler!r}.{did_you_mean(compiler, ['zig', 'gcc'])}")


def _link(files: dict[str, str], command, link, cpu: str) -> bytes:
    needed = CPUS[cpu][3] if cpu in CPUS else ()
    check = "".join(f"#ifndef {m}\n#error {m} is off for {cpu}\n#endif\n" for m in needed)
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        for name, text in files.items():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        (Path(folder) / "edgekit_features.c").write_text(check + "typedef int edgekit_features;\n")
        sources = [n for n in (*files, "edgekit_features.c") if n.endswith(".c")]
        sources.sort(key=lambda n: n.removeprefix("edgekit_"))  # MAIN_FILE stands behind startup.c
        script = ("-Wl,--gc-sections", "-Wl,-T,link.ld") if "link.ld" in files else ()
        # no path of this machine in the debug information: the same sources give the same bytes
        command = (*command, f"-ffile-prefix-map={folder}=.")
        quick = [w for w in command if w not in (*LEVELS, "-Xclang")] + ["-O2"]
        for name in [n for n in sources if n.endswith(QUICK)]:
            _run([*quick, "-c", name, "-o", f"{name}.o"], folder, cpu)
            sources[sources.index(name)] = f"{name}.o"
        _run([*command, *sources, *script, *link, "-o", "firmware.out"], folder, cpu)
        return (Path(folder) / "firmware.out").read_bytes()


def _run(command, folder: str, cpu: str) -> None:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    if result.returncode:
        lines = [s for s in result.stderr.splitlines() if "error" in s] or [result.stderr[-300:]]
        raise EdgekitError(f"compiling for {cpu} failed: {lines[0].strip()}")


def _write_cache(place: Path, data: bytes) -> None:
    """Write through a temporary name: two processes may build the same thing."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=place.parent, delete=False) as f:
        f.write(data)
    os.replace(f.name, place)


def _report(source: Source, cpu: str, flags, compiler: str, data: bytes) -> Firmware:
    image = elf.parse(data)
    size = image.sections
    flash = sum(size.get(s, 0) for s in (".text", ".rodata", ".data"))
    arrays = {f"{layer.name}_{c}" for layer in source.layers for c in layer.constants}
    arrays |= {f"{layer.name}_in{k}" for layer in source.layers for k in range(len(layer.inputs))}
    weights = sum(s.size for s in image.symbols.values() if s.name in arrays)
    where = f"ELF sections, {cpu}, {compiler} {flags[0]}"
    return Firmware(
        source,
        cpu,
        tuple(flags),
        compiler,
        data,
        hashlib.sha256(data).hexdigest(),
        measured(flash - weights, "B", where),
        measured(weights, "B", where),
        measured(flash, "B", where),
        measured(size.get(".data", 0) + size.get(".bss", 0), "B", where),
    )
