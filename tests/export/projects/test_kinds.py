"""The kinds of project: every file that a tool looks for, and C that compiles against the SDKs' names."""

import itertools
import json
import re
import subprocess
import zipfile

import pytest

from edgekit.export.projects import KINDS, RTOS, write
from tests.export.projects.fixture_project import GOLDEN, SOURCE, ZIG, compile_
from tests.export.projects.stubs import stubs


@pytest.mark.parametrize(
    ("kind", "rtos"), [(kind, rtos) for kind, systems in KINDS.items() for rtos in systems]
)
def test_all_c_compiles_against_the_sdks_names(tmp_path, kind, rtos):
    folder = tmp_path / "m"
    path = write(SOURCE, folder, kind, GOLDEN, rtos=rtos)
    if kind == "arduino":
        with zipfile.ZipFile(path) as z:
            z.extractall(tmp_path / "unzipped")
        folder = tmp_path / "unzipped/m"
    include = ["-I", folder / "src", "-isystem", stubs(tmp_path / "stubs")]
    checks = ["-c", "-Wall", "-Wextra", "-Werror", "-Wno-unused-function"]
    sources = [p for p in folder.rglob("*.c") if p.name != "device.c"]
    assert len(sources) >= 4
    compile_("cc", "-std=gnu99", *checks, *include, *sources, cwd=tmp_path)
    sketches = [p for p in folder.rglob("*") if p.suffix in (".ino", ".cpp")]
    assert bool(sketches) == (kind in ("arduino", "platformio"))
    cores = ["ESP32"] if rtos == "freertos" else ["AVR", "MBED", "ESP32"]
    for sketch, core in itertools.product(sketches, cores):
        before = [f"-DARDUINO_ARCH_{core}", "-include", tmp_path / "stubs/Arduino.h", "-x", "c++"]
        compile_("c++", *checks, *include, *before, sketch, cwd=tmp_path)
        text = (
            sketch.read_text()
        )  # no interrupt reads a converter: its driver may wait, or take a lock
        interrupts = re.findall(r"void (?:IRAM_ATTR )?onDataReady\(\) \{(.*?)\n?\}\n", text, re.S)
        assert len(interrupts) == (1 if rtos == "freertos" else 3)
        assert not any("read" in body.lower() for body in interrupts)


REQUIRED = {
    "cmake": ["CMakeLists.txt", "toolchain-zig-cortex-m4.cmake", "selftest/link.ld"],
    "zephyr": [
        "zephyr/module.yml",
        "CMakeLists.txt",
        "Kconfig",
        "sample/prj.conf",
        "sample/src/main.c",
    ],
    "esp-idf": ["idf_component.yml", "CMakeLists.txt", "example/main/main.c"],
    "arduino": ["m.zip"],
    "platformio": ["library.json", "example/platformio.ini", "example/src/main.cpp"],
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_its_tool_looks_for_is_there_and_parses(tmp_path, kind):
    yaml = pytest.importorskip("yaml")
    folder = tmp_path / "m"
    write(SOURCE, folder, kind, GOLDEN, model=b"\x1c\0\0\0TFL3")
    files = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file()}
    if kind == "arduino":
        with zipfile.ZipFile(files["m.zip"]) as z:
            names, properties = z.namelist(), z.read("m/library.properties").decode()
        assert {"m/src/m.c", "m/src/m_task.h", "m/examples/Stream/Stream.ino"} <= set(names)
        given_ = dict(s.split("=", 1) for s in properties.splitlines() if not s.startswith("#"))
        needed = "name version author maintainer sentence paragraph category url architectures"
        assert set(needed.split()) <= set(given_)
        assert given_["name"] == "m"
        assert (tmp_path / "m/README.md").read_text().count("\n1. ") == 1
        return
    assert {"README.md", "edgekit.json", "m.tflite", "src/m.c", *REQUIRED[kind]} <= set(files)
    for name, path in files.items():
        text = path.read_bytes().decode("utf-8", "replace")
        assert "@" not in text.replace("@param", ""), name  # nothing is left to fill in
        if path.suffix in (".yml", ".yaml"):
            assert yaml.safe_load(text)
        if path.suffix == ".json":
            assert json.loads(text)
    readme = files["README.md"].read_text()
    assert all(f"\n{n}. **" in readme for n in (1, 2, 3))
    assert kind == "cmake" or "**not**" in readme.replace("has\n**not**", "has **not**")
    if kind in ("zephyr", "esp-idf"):  # every source is in the list of what to compile
        listed = files["CMakeLists.txt"].read_text()
        assert all(f"src/{p.name}" in listed for p in (folder / "src").glob("*.c"))


ZEPHYR = """
config CPU_HAS_FPU
	bool
	default {has}
config MULTITHREADING
	def_bool y
config FPU
	bool "Floating point"
	depends on CPU_HAS_FPU
config FPU_SHARING
	bool "Every thread may use it"
	depends on FPU && MULTITHREADING
source "{module}/Kconfig"
"""


@pytest.mark.parametrize("has", ["y", "n"])
def test_the_zephyr_module_takes_the_fpu_where_there_is_one(tmp_path, has):
    """Zephyr's own rules for these symbols: assigning one whose conditions do not hold ends the build."""
    kconfiglib = pytest.importorskip("kconfiglib")
    module = write(SOURCE, tmp_path / "m", "zephyr", GOLDEN)
    (tmp_path / "Kconfig").write_text(ZEPHYR.format(has=has, module=module))

    def configured(*lines):
        config = kconfiglib.Kconfig(str(tmp_path / "Kconfig"), warn_to_stderr=False)
        config.warn_assign_undef = True
        text = (module / "sample/prj.conf").read_text() + "".join(f"{line}\n" for line in lines)
        (tmp_path / "conf").write_text(text)
        config.load_config(str(tmp_path / "conf"))
        assert config.warnings == []
        for symbol in config.unique_defined_syms:  # what was asked for is what came out
            asked = symbol.user_value
            assert asked is None or symbol.str_value == ("nmy"[asked] if symbol.type else asked)
        return {n: config.syms[n].str_value for n in ("M", "FPU", "FPU_SHARING", "M_STACK_SIZE")}

    assert configured() == {"M": "y", "FPU": has, "FPU_SHARING": has, "M_STACK_SIZE": "2048"}
    assert configured("CONFIG_FPU=n")["FPU"] == "n"  # a wish, which the application may refuse


def test_the_component_managers_own_check_takes_the_manifest(tmp_path):
    manager = pytest.importorskip("idf_component_tools.manager")
    folder = write(SOURCE, tmp_path / "m", "esp-idf", GOLDEN)

    def errors():
        return manager.ManifestManager(str(folder), "m").validate().validation_errors

    assert errors() == []
    path = folder / "idf_component.yml"
    path.write_text(path.read_text().replace('">=5.0"', '"at least five"'))
    assert "at least five" in "".join(errors())


@pytest.mark.parametrize(
    "setting", ["configSUPPORT_STATIC_ALLOCATION", "configUSE_TASK_NOTIFICATIONS"]
)
def test_a_freertos_without_what_the_task_needs_ends_the_build_in_one_line(tmp_path, setting):
    folder = write(SOURCE, tmp_path / "m", "cmake", GOLDEN, rtos="freertos")
    header = stubs(tmp_path / "stubs") / "FreeRTOS.h"
    header.write_text(header.read_text().replace(f"{setting} 1", f"{setting} 0"))
    command = ["cc", "-fsyntax-only", "-I", folder / "src", "-isystem", tmp_path / "stubs"]
    done = subprocess.run(
        [*ZIG, *map(str, command), str(folder / "src/m_rtos.c")], capture_output=True, text=True
    )
    assert done.returncode != 0
    errors = [line for line in done.stderr.splitlines() if "error:" in line]
    assert len(errors) == 1
    assert setting in errors[0]


@pytest.mark.parametrize("rtos", RTOS)
def test_header_and_readme_say_which_interrupt_may_sample(tmp_path, rtos):
    kind = next(k for k, systems in KINDS.items() if rtos in systems)
    folder = write(SOURCE, tmp_path / "m", kind, GOLDEN, rtos=rtos)
    word = {"freertos": "configMAX_SYSCALL_INTERRUPT_PRIORITY", "threadx": "TX_PORT_BASEPRI",
            "zephyr": "IRQ_ZERO_LATENCY", "bare": "any"}[rtos]  # fmt: skip
    assert word in (folder / "src/m_rtos.h").read_text()
    assert word in (folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("target", "cpu"),
    [
        ("thumb-freestanding-eabi", "cortex_m0plus"),
        ("thumb-freestanding-eabihf", "cortex_m4"),
        ("riscv32-freestanding-none", "generic_rv32+m+c"),
        ("riscv32-freestanding-none", "generic_rv32+m+c+zicsr"),
    ],
)
def test_the_bare_loop_looks_for_a_window_between_masking_and_sleeping(tmp_path, target, cpu):
    folder = write(SOURCE, tmp_path / "m", "cmake", GOLDEN)
    flags = ["-target", target, f"-mcpu={cpu}", "-Os", "-S", "-fno-sanitize=all"]
    compile_("cc", *flags, "-I", folder / "src", folder / "src/m_rtos.c", "-o", tmp_path / "m.s")
    steps = re.findall(r"cpsid|wfi|cpsie|csrr?ci|csrr?si|m_waiting", (tmp_path / "m.s").read_text())
    if "wfi" in steps:
        assert steps[0] in ("cpsid", "csrrci", "csrci")
        assert steps.index("m_waiting") < steps.index("wfi") < len(steps) - 1
    else:
        assert cpu.endswith("+c")  # no way to mask: it polls
