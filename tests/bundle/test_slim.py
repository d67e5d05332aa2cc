"""`edgekit slim` lists what can leave, removes that alone, and lists nothing that a chapter loads."""

import json
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from edgekit.bundle import slim
from edgekit.cli.commands import main
from edgekit.core.errors import EdgekitError

FILES = {  # path -> whether it stays, on Linux
    "tensorflow/__init__.py": True,
    "tensorflow/include/a/b.h": False,
    "tensorflow/libtensorflow_cc.so.2": True,
    "tensorflow/__pycache__/__init__.cpython-311.pyc": False,
    "tensorflow-2.21.0.dist-info/RECORD": True,
    "clang/native/libclang.so": False,
    "unicorn/lib/libunicorn.a": False,
    "unicorn/lib/libunicorn.so.2": True,
    "ziglang/zig": True,
    "ziglang/lib/libc/include/any-linux-any/a.h": True,
    "ziglang/lib/libc/include/x86_64-linux-gnu/a.h": True,
    "ziglang/lib/libc/include/any-windows-any/a.h": False,
    "ziglang/lib/libc/include/any-darwin-any/a.h": False,
    "ziglang/lib/libc/mingw/a.c": False,
    "ziglang/lib/libc/musl/a.c": True,
    "scipy/stats/tests/test_a.py": False,
    "numpy/_core/tests/_natype.py": True,  # numpy.testing imports it
    "mine/tests/test_a.py": True,
}
LOADED = """
import json, sys
from pathlib import Path
import tensorflow, tf_keras, tensorflow_model_optimization, sklearn.ensemble, scipy.stats, pandas
import matplotlib.pyplot, numpy, numpy.testing, unicorn, capstone, tflite, jupyter_client, IPython
from edgekit.learn import legacy, litert
net = legacy.keras.Sequential([legacy.keras.layers.Input((4,)), legacy.keras.layers.Dense(2)])
litert.predict(legacy.convert(net), numpy.zeros((1, 4), "float32"))
maps = Path("/proc/self/maps")
mapped = [l.split()[-1] for l in maps.read_text().splitlines() if "/" in l] if maps.exists() else []
files = [getattr(m, "__file__", None) for m in list(sys.modules.values())]
print(json.dumps(sorted({*mapped, *filter(None, files)})))
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(bytes(5000))
    monkeypatch.setattr(slim.sys, "platform", "linux")
    monkeypatch.setattr(slim, "site_packages", lambda: tmp_path)
    return tmp_path


def left(site):
    return {p.relative_to(site).as_posix() for p in site.rglob("*") if p.is_file()}


def test_it_lists_first_and_removes_that_alone(site, capsys):
    assert main(["slim"]) == 0
    assert "edgekit slim --yes" in capsys.readouterr().out
    assert left(site) == {*FILES}
    assert main(["slim", "--yes"]) == 0
    assert left(site) == {name for name, stays in FILES.items() if stays}
    assert not [p for p in site.rglob("*") if p.is_dir() and not any(p.iterdir())]
    assert main(["slim", "--yes"]) == 0  # nothing is left to do


def test_on_another_system_its_own_headers_stay(site, monkeypatch):
    monkeypatch.setattr(slim.sys, "platform", "win32")
    gone = {p.relative_to(site).as_posix() for _, files, _ in slim.parts(site) for p in files}
    assert "ziglang/lib/libc/include/any-windows-any/a.h" not in gone
    assert "ziglang/lib/libc/mingw/a.c" not in gone
    assert "ziglang/lib/libc/include/any-linux-any/a.h" in gone


def test_a_link_out_of_the_environment_is_not_followed(site):
    outside = site.parent / "outside.h"
    outside.write_text("mine")
    (site / "tensorflow" / "include" / "link.h").symlink_to(outside)
    main(["slim", "--yes"])
    assert outside.read_text() == "mine"


def test_a_package_that_lies_elsewhere_is_let_alone(site):
    shared = site.parent / f"shared-{site.name}"
    (shared / "x" / "tests").mkdir(parents=True)
    (shared / "x" / "tests" / "t.py").write_text("theirs")
    (site / "h5py").symlink_to(shared)
    assert main(["slim", "--yes"]) == 0
    assert (shared / "x" / "tests" / "t.py").read_text() == "theirs"
    assert left(site) >= {name for name, stays in FILES.items() if stays}


def test_packages_that_other_programs_use_are_let_alone(monkeypatch):
    monkeypatch.setattr(slim.sys, "prefix", slim.sys.base_prefix)
    with pytest.raises(EdgekitError, match="only an environment that is nobody else's"):
        slim.site_packages()


def test_nothing_that_a_chapter_loads_is_on_the_list():
    pytest.importorskip("tensorflow")
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    site = Path(sysconfig.get_path("purelib")).resolve()
    loaded = {Path(name).resolve() for name in json.loads(done.stdout.splitlines()[-1])}
    listed = {
        p.resolve() for part, files, _ in slim.parts(site) if part.name != "bytecode" for p in files
    }
    assert len(loaded) > 1000
    assert len(listed) > 1000
    assert not loaded & listed
