"""Several networks in one program, built and run: each one's answers and cost, and what the whole takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, emulated, measured
from edgekit.core.html_table import TABLE
from edgekit.emulate.cores import core
from edgekit.emulate.emulator import Emulator
from edgekit.emulate.firmware import Firmware, of_elf
from edgekit.emulate.profiling import Profile
from edgekit.emulate.selftest import self_test_outputs
from edgekit.emulate.toolchain import FLAGS, compiler_of, level_flags, link_program, runtime_source
from edgekit.export.codegen import generate
from edgekit.export.several import Several, fnv1a, generate_several
from edgekit.operators.graph import Graph

# Nothing of this is called but by the emulator, or the linker would leave it out
CALLS = """\
#include "{name}.h"
void edgekit_several(void) {{
{calls}  (void){name}_selftest();
}}
"""


@dataclass(frozen=True, eq=False)
class SeveralFirmware:
    """A linked program of several networks. `networks`: each as a `Firmware` of its own name, in this same
    program: `emulate.run`, `profile` and the rest take it, its `flash` and `ram` are the whole program's.
    `weights`: all their constants; `code`: the rest of the flash."""

    program: Several
    networks: dict[str, Firmware]
    code: Figure
    weights: Figure
    flash: Figure
    ram: Figure

    def self_test(self) -> int:
        """What `NAME_selftest()` says on the emulated core: 0, or which network failed, from 1 on."""
        first = next(iter(self.networks.values()))
        machine = Emulator(first.image(), core(first.cpu), 10**10)
        return machine.call(f"{self.program.name}_selftest")

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{k}</td><td>{getattr(self, k)._repr_html_()}</td></tr>"
            for k in ("code", "weights", "flash", "ram")
        )
        return f"<p><b>{escape(self.program.name)}</b></p>{TABLE}{rows}</table>"


def combine(graphs: Mapping[str, Graph], name: str = "networks", cpu: str = "cortex-m4") -> Several:
    """The C of the networks `graphs`, by their names, as one program that begins with `name`.

    What its self-test expects is what each alone, compiled for `cpu`, answers there. Raises EdgekitError as
    `generate_several` does, and for networks with inputs that a self-test cannot write (no integers).
    """
    expected = {}
    for of, graph in graphs.items():
        outputs = self_test_outputs(generate(graph, of), cpu)
        expected[of] = fnv1a(b"".join(o.tobytes() for o in outputs))
    return generate_several(graphs, name, expected)


def build_several(
    program: Several, cpu: str = "cortex-m4", opt: str = "-Os", compiler: str = "zig"
) -> SeveralFirmware:
    """Compile and link `program` for a core; `cpu`, `opt`, `compiler` and errors as of `build`."""
    calls = "".join(f"  {of}_invoke();\n" for of in program.networks)
    files = {
        **program.files,
        "edgekit_calls.c": CALLS.format(name=program.name, calls=calls),
        "edgekit_startup.c": runtime_source("startup.c"),
        "link.ld": runtime_source("link.ld"),
    }
    flags = (*level_flags(opt, compiler), *FLAGS, "-DEDGEKIT_INVOKE=edgekit_several")
    if program.stateful:
        flags += (f"-DEDGEKIT_RESET={program.name}_reset",)
    data = link_program(files, core(cpu), compiler, flags)
    version = f"{compiler} {compiler_of(core(cpu), compiler)[1]}"
    networks = {
        n: of_elf(data, s, cpu, flags, version, None, None, {}) for n, s in program.networks.items()
    }
    one = next(iter(networks.values()))
    weights = sum(f.weights.value for f in networks.values())
    where = one.flash.source
    return SeveralFirmware(
        program,
        networks,
        code=measured(one.flash.value - weights, "B", where),
        weights=measured(weights, "B", where),
        flash=one.flash,
        ram=one.ram,
    )


def duty_cycle(profiles: Mapping[str, Profile], share: Mapping[str, float]) -> Figure:
    """Instructions a window of the whole, where each network, counted in `profiles`, runs in a `share` (0
    to 1) of the windows.

    Raises EdgekitError where a network has no share, or one that is none.
    """
    if set(share) != set(profiles) or not all(0 <= s <= 1 for s in share.values()):
        raise EdgekitError(
            f"a share from 0 to 1 of the windows for each of {', '.join(profiles)}, not {dict(share)}"
        )
    total = sum(profiles[n].instructions.value * s for n, s in share.items())
    parts = ", ".join(f"{n} in {s:.2%}" for n, s in share.items())
    where = next(iter(profiles.values())).instructions.source
    return emulated(total, "instructions", f"{where}; {parts} of the windows")
