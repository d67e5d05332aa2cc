"""What the kit compiles for the computer that it runs on is C for the others too; nobody runs it there.

Compiled only: zig makes minutes of a first link for another system. Linked by hand, it went through for all.
"""

from dataclasses import replace

import pytest

from edgekit.assurance import fuzz_delta, keyset_device
from edgekit.core.errors import EdgekitError
from edgekit.emulate import build_host, toolchain
from edgekit.export import generate, read
from edgekit.firmware import c_sources
from tests.emulate.bearings import model

TARGETS = {  # zig's name -> how an object file begins there
    "x86_64-windows-gnu": b"\x64\x86",
    "aarch64-macos": b"\xcf\xfa\xed\xfe",
    "aarch64-linux-gnu": b"\x7fELF",
}
DELTA = c_sources("delta") | {"driver.c": fuzz_delta.DRIVER}
KEYS = keyset_device._sources("fuzz_keyset.c")
MADE = {
    "the network": lambda: build_host(generate(read(model()))),
    "a fuzzed decoder": lambda: toolchain.compile_host(DELTA, ("-O1",)),
    "the verifier and what it stands on": lambda: toolchain.compile_host(
        KEYS, ("-O2", "-DNOR_SECTORS=4")
    ),
}


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("what", MADE)
def test_it_is_c_for_other_computers(what, target, monkeypatch, tmp_path):
    made = []
    monkeypatch.setattr(toolchain._Program, "build", lambda self, *_: made.append(self))
    MADE[what]()
    program = replace(made[0], command=(*made[0].command, "-target", target))
    objects = [program._object(n, tmp_path) for n in program.files if n.endswith(".c")]
    assert all(o.startswith(TARGETS[target]) for o in objects)


def test_what_windows_lacks_is_noticed(monkeypatch, tmp_path):
    MADE["POSIX"] = lambda: toolchain.compile_host({"a.c": "#include <sys/mman.h>\n"}, ("-O2",))
    with pytest.raises(EdgekitError, match=r"sys/mman\.h"):
        test_it_is_c_for_other_computers("POSIX", "x86_64-windows-gnu", monkeypatch, tmp_path)
