"""A core of 8 bits whose int has 16 and whose double has 32: what simavr says of the generated C."""

import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest

from edgekit.export import generate, read
from edgekit.export.projects import write
from edgekit.signal import BandEnergies, to_int8
from tests.export import tiny
from tests.export.projects.fixture_project import GOLDEN, SOURCE, expected
from tests.export.variants import dense_near_halves

pytestmark = [
    pytest.mark.skipif(not shutil.which("avr-gcc"), reason="avr-gcc is not installed"),
    pytest.mark.skipif(not shutil.which("simavr"), reason="simavr is not installed"),
]
STRICT = "-std=gnu99 -Os -Wall -Wextra -Wconversion -Wsign-conversion -Werror -Wno-unused-function"
PRINT = """
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>
#include <stdio.h>
static int put(char c, FILE *f) {
  (void)f;
  loop_until_bit_is_set(UCSR0A, UDRE0);
  UDR0 = (uint8_t)c;
  return 0;
}
static void open_console(void) {
  static FILE console = FDEV_SETUP_STREAM(put, NULL, _FDEV_SETUP_WRITE);
  UCSR0B = 1 << TXEN0;
  stdout = &console;
}
static void stop(void) { /* asleep without interrupts: the simulator ends */
  loop_until_bit_is_set(UCSR0A, UDRE0);
  cli();
  for (;;) sleep_mode();
}
"""
SELFTEST = (
    PRINT
    + """
#include "m_selftest.h"
int main(void) {
  open_console();
  printf("%d differ\\n", m_selftest());
  stop();
}
"""
)


def run(folder, main: str, chip: str) -> str:
    """Compile a project's sources with `main`, and what the chip then printed."""
    (folder / "main.c").write_text(main)
    sources = sorted((folder / "src").glob("*.c"))
    command = [
        "avr-gcc",
        f"-mmcu={chip}",
        *STRICT.split(),
        "-I",
        folder / "src",
        "-fno-strict-aliasing",
    ]
    link = [*sources, "main.c", "-o", "main.elf"]
    done = subprocess.run([*command, *link], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    simulate = ["simavr", "-m", chip, "-f", "16000000", "main.elf"]
    done = subprocess.run(simulate, cwd=folder, capture_output=True, text=True, timeout=60)
    return done.stdout + done.stderr


def test_the_self_test_passes_on_an_atmega328p(tmp_path):
    folder = write(SOURCE, tmp_path / "m", "cmake", GOLDEN)
    assert "0 differ" in run(folder, SELFTEST, "atmega328p")


STREAM = (
    PRINT
    + """
#include "m_task.h"
static const int16_t counts[] = {%s};
static volatile uint16_t fed;
ISR(TIMER1_COMPA_vect) {
  if (fed < sizeof counts / sizeof counts[0]) m_on_sample(counts[fed++]);
}
int main(void) {
  open_console();
  OCR1A = 4000; /* 4,000 samples a second at 16 MHz */
  TCCR1B = 1 << WGM12 | 1 << CS10;
  TIMSK1 = 1 << OCIE1A;
  sei();
  struct m_result result = {0};
  while (fed < sizeof counts / sizeof counts[0] || m_waiting()) {
    if (!m_poll() || !m_latest(&result)) continue;
    printf("window %%lu:", (unsigned long)result.number);
    for (int i = 0; i < M_TASK_OUTPUTS; i++) printf(" %%d", result.output[i]);
    printf(" end\\n");
  }
  printf("%%lu overruns end\\n", (unsigned long)m_overruns());
  stop();
}
"""
)


def test_samples_from_an_interrupt_become_what_python_computes(tmp_path):
    """Features in float, the network in int8, each result dated by the window it is of."""
    bands = BandEnergies(rate=1000, window=64, frame=32, hop=32, edges=tuple(range(0, 288, 32)))
    files = bands.c("m", quantization=(0.25, 3), sensitivity=0.001)
    folder = write(SOURCE, tmp_path / "m", "cmake", GOLDEN, features=files, sample_scale=0.001)
    counts = np.random.default_rng(4).integers(-3000, 3000, 5 * 64)
    printed = run(folder, STREAM % ", ".join(map(str, counts)), "atmega2560")
    X = (counts * np.float32(0.001)).astype(np.float32).reshape(5, 64, 1)
    right = expected(to_int8(bands(X), 0.25, 3).reshape(5, -1))
    lines = re.findall(r"window (\d+):((?: -?\d+)+) end", printed)
    assert lines
    for number, output in lines:
        assert list(map(int, output.split())) == right[int(number) - 1].tolist()
    overruns = int(re.search(r"(\d+) overruns end", printed)[1])
    assert len(lines) + overruns == 5


def single(data: bytes) -> bool:
    graph = read(data)
    ends = [graph.tensors[i] for i in (*graph.inputs, *graph.outputs)]
    return len(ends) == 2 and all(t.dtype == np.int8 for t in ends)


def seeded(make):
    """The first of its models that a project takes: one int8 input, one int8 output, small."""
    return next(
        data for s in range(1, 40) if single(data := make(np.random.default_rng(s)))
        and generate(read(data)).plan.size < 2000
    )  # fmt: skip


MODELS = {
    name: tiny.OPERATORS[name]
    for name in (
        *("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "MEAN", "ADD", "MUL"),
        *("AVERAGE_POOL_2D", "MAX_POOL_2D", "SOFTMAX", "TANH", "PAD", "TRANSPOSE"),
    )
} | {"dense near halves": dense_near_halves}


@pytest.mark.parametrize("name", MODELS)
def test_each_operator_gives_tflms_bytes_where_int_has_16_bits(tmp_path, name):
    oracle = pytest.importorskip("edgekit.emulate.parity")
    pytest.importorskip("tflite_micro", reason="the oracle has a wheel for Linux x86-64 only")
    data = seeded(MODELS[name])
    graph, rng = read(data), np.random.default_rng(3)
    samples = tiny.samples(graph, 4, rng)
    truth = np.stack([y for (y,) in oracle.raw_tflm(data, graph, samples)])
    golden = np.stack([x for (x,) in samples]).reshape(4, -1), truth.reshape(4, -1).astype(np.int8)
    folder = write(generate(graph, "m"), tmp_path / "m", "cmake", golden)
    assert "0 differ" in run(folder, SELFTEST, "atmega2560")


ARDUINO = Path("/usr/share/arduino/hardware/arduino/avr")


@pytest.mark.skipif(not ARDUINO.is_dir(), reason="arduino-core-avr is not installed")
def test_the_arduino_sketch_runs_on_arduinos_own_core(tmp_path):
    """The library and its example, unchanged, with the core that the Arduino IDE compiles for this board."""
    with zipfile.ZipFile(write(SOURCE, tmp_path / "w", "arduino", GOLDEN)) as z:
        z.extractall(tmp_path)
    chip, variant = "atmega328p", "standard"  # an Uno
    src, core = tmp_path / "m/src", ARDUINO / "cores/arduino"
    defines = ["-DF_CPU=16000000L", "-DARDUINO=10819", "-DARDUINO_ARCH_AVR", f"-mmcu={chip}"]
    defines += [
        "-DDECIMAL_DIG=9"
    ]  # which this compiler's <float.h> lacks and the core's String wants
    include = ["-I", core, "-I", ARDUINO / "variants" / variant, "-I", src]
    common = ["-Os", "-w", "-ffunction-sections", "-fdata-sections", *defines, *include]
    sketch = tmp_path / "sketch.cpp"
    sketch.write_text(
        "#include <Arduino.h>\n" + (tmp_path / "m/examples/Stream/Stream.ino").read_text()
    )
    files = [*core.glob("*.c"), *core.glob("*.S"), *src.glob("*.c")]
    plus = [*core.glob("*.cpp"), sketch]
    subprocess.run(["avr-gcc", *common, "-c", *files], cwd=tmp_path, check=True)
    flags = ["-std=gnu++11", "-fno-exceptions", "-fno-threadsafe-statics"]
    subprocess.run(["avr-g++", *common, *flags, "-c", *plus], cwd=tmp_path, check=True)
    objects = [p.name for p in tmp_path.glob("*.o")]
    link = ["-Wl,--gc-sections", f"-mmcu={chip}", *objects, "-o", "sketch.elf"]
    subprocess.run(["avr-gcc", *link], cwd=tmp_path, check=True)
    simulate = ["timeout", "30", "simavr", "-m", chip, "-f", "16000000", "sketch.elf"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(simulate, cwd=tmp_path, **pipes) as board:
        said = next((line for line in board.stdout if "golden vectors" in line), "nothing")
        board.terminate()  # a sketch has no end
    assert "m: 0 of 8 golden vectors differ" in said
