"""The cores that the kit compiles for and emulates: one record each, from which everything else derives.

A core of your own is one more entry of `CORES`; `edgekit.testing.core` says whether it holds.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.emulate.timing import M4, M7, Timing

SOFT, HARD = "thumb-freestanding-eabi", "thumb-freestanding-eabihf"
RISCV = "riscv32-freestanding-none"


@dataclass(frozen=True)
class Core:
    """A core, as the tools call it.

    target, cpu: of zig's compiler. macros: what the compiler must then define; without the FPU's name,
    +dsp or +mve it switches such a unit off silently. gcc: flags of arm-none-eabi-gcc, empty where it does
    not know the core. model: unicorn's name of the core that is emulated, this one or one that runs its
    whole instruction set; empty where there is none and the core only builds. fpu: a floating-point unit
    that is off after a reset. qemu: the machine of QEMU that has the core. timing: None where nobody
    published one, then instructions are counted but cycles are not.

    For estimates before there is a binary: `slower`, instructions for each multiply-accumulate over those of
    a core with DSP instructions, and `least_cycles` that an instruction takes over a whole network.
    """

    name: str
    target: str
    cpu: str
    macros: tuple[str, ...] = ()
    gcc: str = ""
    model: str = ""
    fpu: bool = False
    qemu: str = ""
    timing: Timing | None = None
    slower: float = 1.0
    least_cycles: float = 1.0

    @property
    def thumb(self) -> bool:
        """Whether its instructions are Thumb's; else they are RISC-V's."""
        return self.target.startswith("thumb")

    @property
    def emulated(self) -> bool:
        """Whether its programs can be run and counted."""
        return bool(self.model)


_SOFTFP = "-mthumb -mfloat-abi=softfp"
_DSP = ("__ARM_FEATURE_DSP",)

# slower: MLPerf Tiny's keyword spotter takes 5.0, 3.5 and 2.6 instructions for each MAC on M0+, RV32 and M3,
# 1.45 on the others (emulated). least_cycles: the fastest published binary of an M7, which issues two
# instructions at a time, took 0.73 (benchmarks/latency.csv); on the other cores none took less than 1.
_RECORDS = (
    Core(
        "cortex-m0plus", SOFT, "cortex_m0plus", gcc="-mcpu=cortex-m0plus -mthumb",
        model="ARM_CORTEX_M0", timing=M4, slower=3.4,
    ),
    Core(
        "cortex-m3", SOFT, "cortex_m3", gcc="-mcpu=cortex-m3 -mthumb",
        model="ARM_CORTEX_M3", timing=M4, slower=1.8,
    ),
    Core(
        "cortex-m4", HARD, "cortex_m4+vfp4d16sp", _DSP, f"-mcpu=cortex-m4 -mfpu=fpv4-sp-d16 {_SOFTFP}",
        model="ARM_CORTEX_M4", fpu=True, timing=M4,
    ),
    Core(
        "cortex-m7", HARD, "cortex_m7+fp_armv8d16", _DSP, f"-mcpu=cortex-m7 -mfpu=fpv5-d16 {_SOFTFP}",
        model="ARM_CORTEX_M7", fpu=True, timing=M7, least_cycles=0.7,
    ),
    Core(
        "cortex-m33", HARD, "cortex_m33+dsp+fp_armv8d16sp", _DSP, f"-mcpu=cortex-m33 {_SOFTFP}",
        model="ARM_CORTEX_M33", fpu=True, timing=M4,
    ),
    Core(
        "cortex-m55", HARD, "cortex_m55+dsp+mve", (*_DSP, "__ARM_FEATURE_MVE"),
        f"-mcpu=cortex-m55 {_SOFTFP}", fpu=True, qemu="mps3-an547", timing=M4,
    ),
    Core("rv32imc", RISCV, "generic_rv32+m+c", model="RISCV32_ANY", slower=2.4),
)  # fmt: skip

CORES: dict[str, Core] = {core.name: core for core in _RECORDS}
STAND_IN = "cortex-m4"  # counted for cores that cannot be: Xtensa, M55, application processors


def core(name: str) -> Core:
    """The record of a core. Raises EdgekitError, with the nearest name, for one that is not known."""
    if name not in CORES:
        raise EdgekitError(f"unknown core {name!r}.{did_you_mean(name, CORES)}")
    return CORES[name]


def timing_of(name: str) -> Timing:
    """The published timing of a core. Raises EdgekitError where there is none."""
    if (known := core(name).timing) is None:
        raise EdgekitError(f"no timing model for {name}: only instructions are counted")
    return known
