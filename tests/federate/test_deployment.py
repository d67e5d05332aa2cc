"""A SuperLink and three SuperNodes in a network namespace that has a loopback only; what a kill leaves."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("flwr")
from benchmarks.federate.deployed import SETTINGS
from benchmarks.federate.deployment import clients, with_folder
from edgekit.federate.deployment import certificates
from edgekit.federate.deployment.supernode import prepare

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
ROOT = Path(__file__).parents[2]
NAMESPACE = ["unshare", "--user", "--map-root-user", "--net", "--"]
ALONE = """
import os, subprocess, socket
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
assert [name for _, name in socket.if_nameindex()] == ["lo"], socket.if_nameindex()
"""
RUN = """
from benchmarks.bars import Bars
from benchmarks.federate.deployment import bars
bars(found := Bars("deployment"), smoke=True)
assert found.met
"""
SPY = """
import os, sys
def spy(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        host = args[1] if event == "socket.connect" else args[0]
        with open(os.environ["SPIED"], "a") as file:
            print(repr(host[0] if isinstance(host, tuple) else host), file=file)
sys.addaudithook(spy)
"""
JOIN = """
import sys, time
from pathlib import Path
from edgekit.federate.deployment.supernode import supernode
folder = Path(sys.argv[1])
with supernode(folder, "127.0.0.1:9", folder / "ca.pem", 0) as node:
    print("joined", flush=True)
    time.sleep(600)
"""


def alone() -> bool:
    """Whether this machine lets us have a network of our own."""
    able = shutil.which("unshare") and shutil.which("ip")
    return bool(able) and not subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode


def test_a_deployment_keeps_its_bars_with_no_network_but_its_own(tmp_path):
    """TLS, keys, the result of the run in process, no window on the wire, strangers refused, a kill."""
    apart, home, spied = alone(), tmp_path / "home", tmp_path / "spied"
    home.mkdir()
    (tmp_path / "sitecustomize.py").write_text(SPY)  # in all of its processes
    env = {
        "HOME": str(home), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SPIED": str(spied),
        "PYTHONPATH": f"{tmp_path}:{ROOT}",
    }  # fmt: skip
    done = subprocess.run(
        [*(NAMESPACE if apart else []), sys.executable, "-c", (ALONE if apart else "") + RUN],
        cwd=ROOT, capture_output=True, text=True, timeout=600, env=env,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr[-3000:]
    assert not [*home.iterdir()]
    asked = spied.read_text().splitlines()
    assert len(asked) > 50
    assert set(asked) <= {"'127.0.0.1'", "'localhost'", "'::1'", "None"}, set(asked)


def test_nothing_goes_on_for_a_helper_that_was_killed(tmp_path):
    certificates.certify(tmp_path)
    prepare(tmp_path, clients()[0], SETTINGS)
    helper = subprocess.Popen(
        [sys.executable, "-c", JOIN, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert helper.stdout is not None
    assert helper.stdout.readline() == b"joined\n"
    until = time.monotonic() + 60  # that Flower has started what it starts
    while len(with_folder(tmp_path)) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    assert len(with_folder(tmp_path)) >= 2
    helper.send_signal(signal.SIGKILL)
    helper.wait()
    until = time.monotonic() + 20
    while with_folder(tmp_path) and time.monotonic() < until:
        time.sleep(0.1)
    assert not with_folder(tmp_path)
