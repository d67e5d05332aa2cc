"""PlatformIO itself builds the project's example, unchanged, on a small platform of the test's own.

The platform has the names of the example's own and this machine's compiler; its framework is a stand-in of
Arduino's that prints. Nothing is downloaded: the one tool that PlatformIO fetches, SCons, is installed.
"""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.export.projects import KINDS, write
from tests.export.projects.fixture_project import GOLDEN, SOURCE
from tests.export.projects.stubs import stubs

pytestmark = [
    pytest.mark.skipif(not shutil.which("g++"), reason="g++ is not installed"),
    pytest.mark.skipif(
        not all(importlib.util.find_spec(m) for m in ("platformio", "SCons")),
        reason="PlatformIO and SCons are not installed: pip install -r requirements.lock",
    ),
]
BUILDER = """
from SCons.Script import Default, DefaultEnvironment
env = DefaultEnvironment()
env.Replace(CC="gcc", CXX="g++", AR="ar", RANLIB="ranlib", LINK="g++", PROGSUFFIX="")
Default(env.BuildProgram())
"""
FRAMEWORK = """
import os
from SCons.Script import DefaultEnvironment
env = DefaultEnvironment()
core = os.path.join(env.PioPlatform().get_dir(), "core")
env.Append(CPPPATH=[core], CPPDEFINES=["ARDUINO=10819", *env.BoardConfig().get("build.defines")])
env.Prepend(LIBS=[env.BuildLibrary(os.path.join("$BUILD_DIR", "core"), core)])
"""
CORE = """
#include "Arduino.h"
#include <cstdio>
Console Serial;
void put(long v) { std::printf("%ld", v); }
void put(const char *v) { std::printf("%s", v); }
int analogRead(int) { return 0; }
int digitalPinToInterrupt(int pin) { return pin; }
void attachInterrupt(int, void (*)(), int) { std::puts("attached"); }
void delay(unsigned long) {}
void interrupts() {}
void noInterrupts() {}
void setup();
void loop();
int main() { setup(); for (int i = 0; i < 3; i++) loop(); }
"""
TASKS = """
#include "FreeRTOS.h"
#include "task.h"
#include <stdio.h>
static StaticTask_t *made;
TaskHandle_t xTaskCreateStatic(void (*f)(void *), const char *name, uint32_t n, void *a, UBaseType_t p,
                               StackType_t *stack, StaticTask_t *memory) {
  (void)f, (void)n, (void)a, (void)stack;
  printf("%s has priority %lu\\n", name, p);
  return (TaskHandle_t)(made = memory);
}
BaseType_t xTaskCreate(void (*f)(void *), const char *name, uint32_t n, void *a, UBaseType_t p,
                       TaskHandle_t *t) {
  (void)f, (void)n, (void)a;
  printf("%s has priority %lu\\n", name, p);
  *t = (TaskHandle_t)(void *)t;
  return pdPASS;
}
uint32_t ulTaskNotifyTake(BaseType_t c, TickType_t t) { (void)c, (void)t; return 0; }
void vTaskNotifyGiveFromISR(TaskHandle_t t, BaseType_t *w) { (void)t, (void)w; }
BaseType_t xTaskNotifyGive(TaskHandle_t t) { (void)t; return 1; }
void vTaskPrioritySet(TaskHandle_t t, UBaseType_t p) { (void)t; printf("loop has priority %lu\\n", p); }
"""
DEFINES = {"bare": ["ARDUINO_ARCH_AVR"], "freertos": ["ARDUINO_ARCH_ESP32", "ESP_PLATFORM"]}


def package(folder: Path, kind: str, manifest: dict) -> Path:
    """A package as PlatformIO would have installed it."""
    folder.mkdir(parents=True)
    name = "platform.json" if kind == "platform" else "package.json"
    (folder / name).write_text(json.dumps(manifest))
    spec = {
        "owner": "platformio",
        "id": 1,
        "name": manifest["name"],
        "requirements": None,
        "uri": None,
    }
    meta = {"type": kind, "name": manifest["name"], "version": manifest["version"], "spec": spec}
    (folder / ".piopm").write_text(json.dumps(meta))
    return folder


def home(folder: Path, platform: str, board: str, rtos: str) -> dict:
    """The environment of a PlatformIO that has all that it needs."""
    from platformio.dependencies import get_core_dependencies

    version = get_core_dependencies()["tool-scons"].lstrip("~")
    scons = package(
        folder / "packages/tool-scons", "tool", {"name": "tool-scons", "version": version}
    )
    (scons / "scons.py").write_text("from SCons.Script import main\nmain()\n")
    own = package(
        folder / "platforms" / platform,
        "platform",
        {
            "name": platform,
            "title": platform,
            "version": "1.0.0",
            "frameworks": {"arduino": {"script": "builder/arduino.py"}},
            "packages": {},
        },
    )
    for name in ("boards", "builder"):
        (own / name).mkdir()
    stubs(own / "core")
    (own / "builder/main.py").write_text(BUILDER)
    (own / "builder/arduino.py").write_text(FRAMEWORK)
    (own / f"boards/{board}.json").write_text(
        json.dumps({
            "name": board, "vendor": "test", "url": "https://example.org", "frameworks": ["arduino"],
            "build": {"mcu": "host", "f_cpu": "1000000L", "defines": DEFINES[rtos]},
            "upload": {"maximum_size": 1 << 20, "maximum_ram_size": 1 << 20},
        })
    )  # fmt: skip
    header = own / "core/Arduino.h"
    header.write_text(
        header.read_text()
        .replace("void begin(long); template <class T> void print(T); template <class T> void println(T);",
                 "void begin(long) {} template <class T> void print(T v) { put(v); }"
                 " template <class T> void println(T v) { put(v); put(\"\\n\"); }")
        .replace("struct Console", "void put(long); void put(const char *);\nstruct Console")
    )  # fmt: skip
    (own / "core/core.cpp").write_text(CORE)
    if rtos == "freertos":
        (own / "core/tasks.c").write_text(TASKS)
    else:
        for name in ("FreeRTOS.h", "task.h"):
            (own / "core" / name).unlink()
    return os.environ | {
        "PLATFORMIO_CORE_DIR": str(folder),
        "PLATFORMIO_SETTING_ENABLE_TELEMETRY": "no",
        "PLATFORMIO_SETTING_CHECK_PLATFORMIO_INTERVAL": "9999",
        "PLATFORMIO_NO_ANSI": "true",
        "HTTPS_PROXY": "http://127.0.0.1:9",  # whatever wants to download fails
    }


@pytest.mark.parametrize("rtos", KINDS["platformio"])
def test_platformio_builds_the_example_and_it_runs(tmp_path, rtos):
    folder = write(SOURCE, tmp_path / "m", "platformio", GOLDEN, rtos=rtos)
    platform, board = KINDS["platformio"][rtos].split("/")
    environment = home(tmp_path / "home", platform, board, rtos)
    command = [sys.executable, "-m", "platformio", "run", "-d", str(folder / "example")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "warning" not in done.stderr
    program = folder / "example/.pio/build" / board / "program"
    said = subprocess.run([program], capture_output=True, text=True).stdout
    assert "m: 0 of 8 golden vectors differ" in said
    assert "attached" in said
    if rtos == "freertos":  # sampling above the control loop, inference below it
        assert said.index("loop has priority 3") < said.index("m has priority 1")
        assert "sampling has priority 4" in said
