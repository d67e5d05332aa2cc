"""Nobody here has a Windows: the kit is run on this system, told that it is one and left without POSIX's own.

The other half are the types, `mypy --platform win32` in `tests.everything`: no name that Windows lacks is
asked for without asking for the system first.
"""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edgekit.core import escape

ROOT = Path(__file__).resolve().parents[2]
LACKING = """
import builtins, os, signal, socket, sys, time, types

MODULES = set("fcntl grp posix pty pwd resource syslog termios tty".split())
NAMES = set('''AF_UNIX CLOCK_MONOTONIC MSG_DONTWAIT O_CLOEXEC O_DIRECTORY O_NOFOLLOW O_NONBLOCK SIGALRM
    SIGCHLD SIGHUP SIGKILL SIGPIPE SIGQUIT SIGUSR1 SIGUSR2 SO_REUSEPORT WNOHANG alarm chown
    chroot clock_gettime fchmod fchown fdatasync fork forkpty getegid geteuid getgid
    getloadavg getpgid getpgrp getsid getuid initgroups killpg lchown mkfifo nice openpty
    pause posix_fadvise posix_fallocate pread pthread_kill pwrite register_at_fork
    sched_getaffinity sched_setaffinity setgid setitimer setpgid setsid setuid sigwait
    statvfs sync sysconf tzset uname wait wait3 wait4 waitid'''.split())

class Lacking(types.ModuleType):
    def __init__(self, real, **other):
        vars(self).update(vars(types.ModuleType(real.__name__)), _real=real, **other)
    def __getattr__(self, name):
        if name in NAMES:
            raise AttributeError(f"Windows has no {self.__name__}.{name}")
        return getattr(self._real, name)
    def __setattr__(self, name, value):
        setattr(self._real, name, value)

PUT = {"os": Lacking(os, name="nt"), "sys": Lacking(sys, platform="win32"),
       **{m.__name__: Lacking(m) for m in (signal, socket, time)}}
real = builtins.__import__

def asked(name, globals=None, locals=None, fromlist=(), level=0):
    if str((globals or {}).get("__name__")).split(".")[0] == "edgekit" and not level:
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        if name in PUT:
            return PUT[name]
    return real(name, globals, locals, fromlist, level)

builtins.__import__ = asked
"""
WORK = """
import sys
from pathlib import Path

from edgekit.cli import run_device
from edgekit.cli.commands import main
from tests.emulate.bearings import model
from tests.updates_fixtures import release_of

def edgekit(*words):
    code = main(list(words))
    assert code == 0, f"edgekit {words}: {code}"

edgekit("doctor")
edgekit("start")
edgekit("run", "activity", "--offline", "--through", "design")
run_device.release_of = lambda *_: release_of(model())
edgekit("ota", "key", "release.pem")
edgekit("ota", "build", "runs", "--sequence", "1", "--out", "1.suit", "--vendor", "acme.example")
edgekit("ota", "sign", "1.suit", "--key", "release.pem")
edgekit("ota", "install", "1.suit", "runs", "--trust", "release.pub.pem", "--vendor", "acme.example")
"""


@pytest.fixture
def windows(tmp_path):
    """Runs Python there, in an empty folder, with a console of the code page 1252."""
    (tmp_path / "lacking").mkdir()
    (tmp_path / "lacking" / "sitecustomize.py").write_text(LACKING, encoding="utf-8")
    (tmp_path / "my files").mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("EDGEKIT", "LC_"))} | {
        "PYTHONPATH": os.pathsep.join([str(tmp_path / "lacking"), str(ROOT)]),
        "PYTHONIOENCODING": "cp1252",
        "EDGEKIT_KEY_PASSPHRASE": "four words of battery",
    }

    def run(*words):
        return subprocess.run(
            [sys.executable, *words], cwd=tmp_path / "my files", env=environment,
            capture_output=True, encoding="cp1252", timeout=300,
        )  # fmt: skip

    return run


def test_the_kit_does_its_work_where_there_is_no_posix(windows):
    done = windows("-c", WORK)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "confirmed in slot A" in done.stdout
    assert "? " in done.stdout  # doctor's ticks, which that console has not


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("import fcntl", "No module named 'fcntl'"),
        ("import os; os.killpg(0, 0)", "Windows has no os.killpg"),
        ("from signal import SIGKILL", "cannot import name 'SIGKILL'"),
        ("import os, sys; assert (os.name, sys.platform) != ('nt', 'win32')", "AssertionError"),
    ],
)
def test_only_the_kit_finds_that_it_lacks_something(windows, wrong, said):
    done = windows("-c", f"{wrong}\nexec({wrong!r}, {{'__name__': 'edgekit.x'}})")
    assert said in done.stderr.splitlines()[-1]
    assert "line 2, in <module>" in done.stderr


def test_a_path_with_a_space_can_be_pasted(monkeypatch):
    monkeypatch.setattr(os, "name", "nt")
    assert escape.shell(r"C:\Users\me\my files") == r'"C:\Users\me\my files"'
    assert escape.shell(r"C:\edge-kit\a.b") == r"C:\edge-kit\a.b"


def without_encoding(source: str) -> list[str]:
    """Calls that read or write text as this system happens to do it, `line: call` each."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func).rpartition(".")[2]
        given = {k.arg for k in node.keywords}
        modes = [a.value for a in node.args if isinstance(a, ast.Constant)]
        modes = [m for m in modes if isinstance(m, str) and re.fullmatch("[rwax+bt]{1,3}", m)]
        text = (
            (name == "read_text" and not node.args)
            or (name == "write_text" and len(node.args) < 2)
            or (name == "open" and any("b" not in m for m in modes))
            or bool({"text", "universal_newlines"} & given)
        )
        if text and "encoding" not in given:
            found.append(f"{node.lineno}: {name}")
    return found


def test_text_is_utf8_wherever_it_is_read_or_written():
    files = sorted((ROOT / "edgekit").rglob("*.py"))
    assert len(files) > 500
    found = {p.name: lines for p in files if (lines := without_encoding(p.read_text("utf-8")))}
    assert not found


@pytest.mark.parametrize(
    ("source", "bad"),
    [
        ("path.read_text()", 1),
        ("path.write_text(x)", 1),
        ("open(path, 'w')", 1),
        ("subprocess.run(words, text=True)", 1),
        ("path.read_text('utf-8') + path.write_text(x, encoding='utf-8')", 0),
        ("open(path, 'rb'), zipfile.ZipFile(path).open(entry)", 0),
        ("subprocess.run(words, text=True, encoding='utf-8')", 0),
    ],
)
def test_the_check_bites(source, bad):
    assert len(without_encoding(source)) == bad
