"""A few lines of C on an emulated core: what do they answer, and how many instructions do they take?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, emulated
from edgekit.emulate.cores import core
from edgekit.emulate.elf import parse
from edgekit.emulate.emulator import RAM, SIZE, Emulator
from edgekit.emulate.toolchain import FLAGS, level_flags, link_program, runtime_source

CALLED = "\n__attribute__((used)) void snippet_call(void) {{ {function}(); }}\n"


@dataclass(frozen=True)
class Answer:
    """`memory`: the program's variables afterwards, their bytes by name; `instructions` of the one call."""

    memory: Mapping[str, bytes]
    instructions: Figure

    def __getitem__(self, name: str) -> np.ndarray:
        """The variable `name` as int32 numbers, (n,)."""
        return np.frombuffer(self.memory[name], "<i4")


def running(
    files: Mapping[str, str], invoked: str, cpu: str, opt: str = "-Os", compiler: str = "zig"
) -> Emulator:
    """A core that waits with the program of C `files` (texts by name), one of which has `void invoked(void)`.

    cpu: a core of `CORES`; opt, compiler: as `build` takes them. Raises EdgekitError with the compiler's
    first error.
    """
    whole = {
        **files,
        "edgekit_startup.c": runtime_source("startup.c"),
        "link.ld": runtime_source("link.ld"),
    }
    flags = (*level_flags(opt, compiler), *FLAGS, f"-DEDGEKIT_INVOKE={invoked}")
    return Emulator(parse(link_program(whole, core(cpu), compiler, flags)), core(cpu))


def snippet(
    text: str,
    function: str,
    given: Mapping[str, np.ndarray],
    cpu: str = "cortex-m4",
    opt: str = "-Os",
    compiler: str = "zig",
) -> Answer:
    """Compile `text`, put arrays (n,) `given` into its globals by name, call `void function(void)` once.

    cpu, opt, compiler: as `running`, which may raise; so do, with EdgekitError, a variable that there is not
    and an array that does not have its variable's size.
    """
    files = {"snippet.c": text + CALLED.format(function=function)}
    machine = running(files, "snippet_call", cpu, opt, compiler)
    for name, values in given.items():
        data = np.ascontiguousarray(values).tobytes()
        if name not in machine.symbols or machine.size(name) != len(data):
            size = machine.size(name) if name in machine.symbols else "no"
            raise EdgekitError(f"{name!r}: {size} bytes in the program, {len(data)} given")
        machine.write(name, data)
    count, _ = machine.counted(lambda: machine.call("snippet_call"))
    here = {n: s for n, s in machine.symbols.items() if s.size and RAM <= s.address < RAM + SIZE}
    where = f"{cpu}, {compiler} {opt}, one call and its return"
    return Answer({n: machine.read(n) for n in here}, emulated(count, "instructions", where))
