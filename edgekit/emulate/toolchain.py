"""The compilers: C to a program for a core, or to one for this machine, with zig from pip.

What was compiled before is taken from the user's cache folder, object by object: of a program with an
update agent, all but a few files are the same for every model.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from importlib import metadata
from pathlib import Path

from edgekit import firmware
from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.extras import missing
from edgekit.core.programs import SAID
from edgekit.emulate.cores import Core

COMPILERS = ("zig", "gcc")
LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os", "-Oz")
QUICK = ".O2.c"  # how the names of files end that are compiled at -O2 whatever the program's level
FLAGS = (
    "-std=c99", "-g", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fomit-frame-pointer",
    "-fno-unwind-tables", "-fno-asynchronous-unwind-tables", "-ffunction-sections", "-fdata-sections",
    "-fno-strict-aliasing",
)  # fmt: skip
HOST_FLAGS = (
    "-std=c99", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function", "-fno-strict-aliasing",
)  # fmt: skip
# whatever the sanitizers find ends the program: a test must not go on from there
CHECKED = ("-fno-omit-frame-pointer", "-fno-sanitize-recover=all")
SANITIZERS = {"address": "-fsanitize=address,undefined", "undefined": "-fsanitize=undefined"}
LINKING = ("-shared", "-s", "-nostdlib")  # words that say nothing to a compiler
CHECK_FILE = "edgekit_features.c"  # stops the build where an extension of the core is off


def runtime_source(name: str) -> str:
    """A file of firmware/runtime/: start-up code, the linker script, the counters."""
    return firmware.text("runtime", name)


def cache_folder() -> Path:
    """Where finished builds lie."""
    base = (
        os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or Path.home() / ".cache"
    )
    return Path(base) / "edgekit" / "builds"


def link_program(
    files: dict[str, str],
    core: Core,
    compiler: str = "zig",
    flags: Sequence[str] = (),
    folder: str | Path | None = None,
) -> bytes:
    """The ELF of complete sources for a core, with their own start-up code and linker script `link.ld`.

    files: C files and headers by name. flags: of the compiler, beside the core's. folder: where finished
    builds lie, the user's cache unless given. Raises EdgekitError for a compiler that is missing or does
    not know the core, or with its first error.
    """
    command, version = compiler_of(core, compiler)
    check = "".join(
        f"#ifndef {m}\n#error {m} is off for {core.name}\n#endif\n" for m in core.macros
    )
    files = {**files, CHECK_FILE: f"{check}typedef int edgekit_features;\n"}
    libraries = () if compiler == "zig" else ("-nostartfiles", "-nodefaultlibs", "-lgcc")
    script = ("-Wl,--gc-sections", "-Wl,-T,link.ld")
    program = _Program(files, (*command, *flags), (*script, *libraries), core.name, version)
    return program.build(Path(folder) if folder else cache_folder(), ".elf").read_bytes()


def compiler_of(core: Core, compiler: str) -> tuple[tuple[str, ...], str]:
    """The command that compiles for a core, and the compiler's version. Raises EdgekitError as above."""
    if compiler == "zig":
        command = (*_zig(), "-target", core.target, f"-mcpu={core.cpu}", "-fno-sanitize=all")
        return command, metadata.version("ziglang")
    if compiler == "gcc":
        gcc = shutil.which("arm-none-eabi-gcc")
        if not gcc or not core.gcc:
            raise EdgekitError(
                f"arm-none-eabi-gcc is not installed, or does not know {core.name}; use zig"
            )
        return (gcc, *core.gcc.split()), _version(gcc)
    raise EdgekitError(f"unknown compiler {compiler!r}.{did_you_mean(compiler, COMPILERS)}")


def level_flags(opt: str, compiler: str) -> tuple[str, ...]:
    """Flags of a `compiler` ("zig", "gcc") for `opt`, one of LEVELS. Raises EdgekitError for another.

    zig knows three: it takes -O1 and -O3 for -O2, and -Oz for -Os. The rest is said to clang behind its back.
    """
    if opt not in LEVELS:
        raise EdgekitError(f"unknown optimization {opt!r}.{did_you_mean(opt, LEVELS)}")
    if (opt, compiler) == ("-Oz", "gcc"):
        raise EdgekitError("gcc makes the same of -Oz as of -Os: use -Os, or zig")
    return (opt, "-Xclang", opt) if compiler == "zig" and opt in ("-O1", "-O3", "-Oz") else (opt,)


def host_library(
    files: dict[str, str], opt: str, compiler: str = "zig", defines: Iterable[str] = (), cache=None
) -> Path:
    """Compile C files into a shared library for this machine and return its path."""
    flags = (opt, "-shared", "-fPIC", "-ffp-contract=off", *(f"-D{d}" for d in defines))
    return compile_host(files, flags, compiler=compiler, folder=cache)


def compile_host(
    files: dict[str, str],
    flags: tuple[str, ...],
    sanitize: str = "",
    compiler: str = "zig",
    folder=None,
) -> Path:
    """Compile C for this machine, once; the result's path.

    files: sources and headers by name. flags: what kind of program. sanitize: "address" (and undefined
    behaviour, by the system's compiler) or "undefined" (by zig), whose finds end the program. compiler:
    "zig", or "cc" for the system's. folder: as for `link_program`. Raises EdgekitError with the compiler's
    first error.
    """
    system = compiler != "zig" or sanitize == "address"
    command = (shutil.which("cc") or "cc",) if system else _zig()
    if sanitize:
        kind: tuple[str, ...] = (SANITIZERS[sanitize], *CHECKED)
    else:
        kind = ("-s",) if system else ("-fno-sanitize=all", "-s")
    version = "" if system else metadata.version("ziglang")
    program = _Program(files, (*command, *HOST_FLAGS, *flags, *kind), (), "this machine", version)
    return program.build(Path(folder) if folder else cache_folder(), ".program")


def compile_sanitized(
    files: dict[str, str], flags: tuple[str, ...] = (), folder=None
) -> tuple[Path, str]:
    """Compile a program for this machine that ends at what sanitizers find; its path, and which they are.

    Both kinds where the system's compiler has them, else zig's for undefined behaviour. files, flags, folder
    and errors: as for `compile_host`.
    """
    try:
        return compile_host(files, flags, "address", folder=folder), "address, undefined"
    except EdgekitError:
        return compile_host(files, flags, "undefined", folder=folder), "undefined"


@dataclass(frozen=True)
class _Program:
    """What is compiled file by file with `command`, and linked with it and the `link` words."""

    files: dict[str, str]
    command: tuple[str, ...]
    link: tuple[str, ...]
    target: str
    version: str

    def build(self, folder: Path, suffix: str) -> Path:
        """The program's path; what lies there already is not made again."""
        names = [n for n in self.files if n.endswith(".c")]
        names.sort(key=lambda n: n.removeprefix("edgekit_"))  # firmware.MAIN_FILE behind startup.c
        keys = [self._key(n) for n in names]
        script = self.files.get("link.ld", "")
        whole = folder / f"{_hash(keys, script, self.command, self.link)}{suffix}"
        if not whole.is_file():
            with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
                made = list(pool.map(partial(self._object, folder=folder), names))
            objects = {f"{n}.o": data for n, data in zip(names, made, strict=True)}
            command = [*self.command, *objects, *self.link]
            linked = _made({**self.files, **objects}, command, self.target)
            atomic_write_bytes(whole, linked, mode=0o777)  # this machine's are run
        return whole

    def _key(self, name: str) -> str:
        return _hash(name, included(name, self.files), self._compiling(name), self.version)

    def _object(self, name: str, folder: Path) -> bytes:
        path = folder / f"{self._key(name)}.o"
        if not path.is_file():
            files = included(name, self.files)
            atomic_write_bytes(
                path, _made(files, [*self._compiling(name), "-c", name], self.target)
            )
        return path.read_bytes()

    def _compiling(self, name: str) -> list[str]:
        """The command for one file: nothing in it that only a linker takes."""
        words = [w for w in self.command if w not in LINKING and not w.startswith("-Wl,")]
        if name.endswith(QUICK):
            words = [*(w for w in words if w not in (*LEVELS, "-Xclang")), "-O2"]
        return words


def included(name: str, files: dict[str, str]) -> dict[str, str]:
    """A file and all that it includes, where they are among `files`."""
    found, work = {}, [name]
    while work:
        path = work.pop()
        if path not in found and path in files:
            found[path] = files[path]
            beside = path.rpartition("/")[0]
            for header in re.findall(r'^\s*#\s*include\s*"([^"]+)"', files[path], re.MULTILINE):
                work += [header, f"{beside}/{header}"]
    return dict(sorted(found.items()))


def _zig() -> tuple[str, ...]:
    try:
        metadata.version("ziglang")
    except metadata.PackageNotFoundError:
        raise missing("compiling needs", "ziglang") from None
    return (sys.executable, "-m", "ziglang", "cc")


@cache
def _version(gcc: str) -> str:
    done = subprocess.run([gcc, "-dumpversion"], check=False, **SAID)
    return done.stdout.strip()


def _hash(*what) -> str:
    return hashlib.sha256(repr(what).encode()).hexdigest()[:32]


def _made(files: dict, command: Sequence[str], target: str) -> bytes:
    """What a compiler makes of files in a folder of their own."""
    with tempfile.TemporaryDirectory(prefix="edgekit-") as folder:
        for name, content in files.items():
            path = Path(folder) / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        # no path of this machine in the debug information: the same sources give the same bytes
        command = [*command, f"-ffile-prefix-map={folder}=.", "-o", "made.out"]
        try:
            done = subprocess.run(command, cwd=folder, timeout=300, **SAID)
        except FileNotFoundError:
            raise EdgekitError(f"there is no C compiler {command[0]!r} here") from None
        if done.returncode:
            errors = [s for s in done.stderr.splitlines() if "error" in s] or [done.stderr[-300:]]
            raise EdgekitError(f"compiling for {target} failed: {errors[0].strip()}")
        return (Path(folder) / "made.out").read_bytes()
