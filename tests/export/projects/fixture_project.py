"""A project's model of one layer and its golden vectors, and what compiles and runs the project."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest

from edgekit.export import generate
from edgekit.operators import fixed_point as q
from edgekit.operators.graph import Graph, Operator, Tensor

ziglang = pytest.importorskip("ziglang")
ZIG = [sys.executable, "-m", "ziglang"]
M4 = ["-target", "thumb-freestanding-eabihf", "-mcpu=cortex_m4+vfp4d16sp", "-fno-sanitize=all"]
INPUTS, OUTPUTS = 16, 3

rng = np.random.default_rng(7)
WEIGHTS = rng.integers(-127, 128, (OUTPUTS, INPUTS)).astype(np.int8)
BIAS = rng.integers(-500, 500, OUTPUTS).astype(np.int32)
X = rng.integers(-128, 128, (20, INPUTS)).astype(np.int8)


def tensor(index, name, shape, dtype, scale, zero=0, data=None):
    scale = np.array([scale], np.float32)
    return Tensor(index, name, shape, np.dtype(dtype), scale, np.array([zero]), 0, data)


def model() -> Graph:
    """One fully connected layer."""
    tensors = (
        tensor(0, "x", (1, INPUTS), "int8", 0.25, 3),
        tensor(1, "w", WEIGHTS.shape, "int8", 0.01, 0, WEIGHTS),
        tensor(2, "b", BIAS.shape, "int32", 0.0025, 0, BIAS),
        tensor(3, "y", (1, OUTPUTS), "int8", 0.5, -4),
    )
    options = {"activation": "none", "weights_format": 0, "keep_num_dims": False}
    fc = Operator(0, "FULLY_CONNECTED", (0, 1, 2), (3,), options)
    return Graph(tensors, (fc,), (0,), (3,), hashlib.sha256(WEIGHTS.tobytes()).hexdigest(), 500)


def expected(X=X) -> np.ndarray:
    """The layer in numpy, rounded as TFLM does."""
    sums = (X.astype(np.int64) - 3) @ WEIGHTS.T.astype(np.int64) + BIAS
    y = q.multiply_by_quantized(sums.astype(object), *q.quantize_multiplier(
        float(np.float32(0.25)) * float(np.float32(0.01)) / 0.5))  # fmt: skip
    return np.clip(y - 4, -128, 127).astype(np.int8)


SOURCE, GOLDEN = generate(model(), "m"), (X, expected())


def compile_(*arguments, cwd=None):
    done = subprocess.run([*ZIG, *map(str, arguments)], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Core:
    """A Cortex-M4 with a program in its flash."""

    def __init__(self, path):
        unicorn = pytest.importorskip("unicorn")
        from unicorn import arm_const as arm

        from edgekit.emulate import elf

        self.image, self.arm = elf.parse(path.read_bytes()), arm
        self.uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB | unicorn.UC_MODE_MCLASS)
        self.uc.ctl_set_cpu_model(arm.UC_CPU_ARM_CORTEX_M4)
        for base, size in ((0x0800_0000, 1 << 20), (0x2000_0000, 1 << 18), (0xE000_E000, 0x1000)):
            self.uc.mem_map(base, size)
        for address, data in self.image.segments:
            self.uc.mem_write(address, data)
        self.uc.reg_write(arm.UC_ARM_REG_FPEXC, 0x4000_0000)
        self.uc.reg_write(arm.UC_ARM_REG_SP, 0x2003_0000)

    def at(self, symbol):
        return self.image.symbols[symbol].address

    def read(self, symbol, kind=np.uint32, count=1):
        raw = self.uc.mem_read(self.at(symbol), count * np.dtype(kind).itemsize)
        return np.frombuffer(bytes(raw), kind)

    def call(self, function, argument=0, interrupt_after=None, interrupt=None):
        """Call a function of one argument; after so many instructions, run `interrupt` in between."""
        uc, arm, back = self.uc, self.arm, self.at("m_wait")
        uc.reg_write(arm.UC_ARM_REG_R0, argument)
        uc.reg_write(arm.UC_ARM_REG_LR, back | 1)
        start = self.at(function)
        if interrupt_after:
            uc.emu_start(start | 1, back, count=interrupt_after)
            start = uc.reg_read(arm.UC_ARM_REG_PC)
            state = uc.context_save()
            interrupt()
            uc.context_restore(state)
        if start != back:
            uc.emu_start(start | 1, back, timeout=5_000_000)
        assert uc.reg_read(arm.UC_ARM_REG_PC) & ~1 == back, "it did not return"
        return uc.reg_read(arm.UC_ARM_REG_R0)


def selftest_on_core(path) -> int:
    """From reset to m_wait; how many golden vectors differed."""
    core = Core(path)
    start = int.from_bytes(core.uc.mem_read(0x0800_0004, 4), "little")
    core.uc.mem_write(core.at("m_result"), b"\xff\xff\xff\xff")
    core.uc.emu_start(start | 1, core.at("m_wait"), timeout=10_000_000)
    assert core.uc.reg_read(core.arm.UC_ARM_REG_PC) & ~1 == core.at("m_wait")
    return int(core.read("m_result")[0])


def cross(folder, path):
    """The CMake project's sources and flags, by zig alone."""
    sources = [*sorted((folder / "src").glob("*.c")), folder / "selftest/device.c"]
    script = f"-Wl,-T,{folder / 'selftest/link.ld'}"
    flags = [
        "-Os",
        "-g",
        "-ffunction-sections",
        "-fno-strict-aliasing",
        "-Wl,--gc-sections",
        "-Wl,-e,m_reset",
        script,
    ]
    compile_("cc", *M4, *flags, "-I", folder / "src", *sources, "-o", path)
