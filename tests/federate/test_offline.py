"""Nothing of a federation looks for the outside: run in a network namespace that has a loopback only."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("flwr")
ROOT = Path(__file__).parents[2]
NAMESPACE = ["unshare", "--user", "--map-root-user", "--net", "--"]
SCRIPT = """
import os, socket, sys
asked = []
sys.addaudithook(lambda event, args: asked.append((event, args[-1])) if event in
                 ("socket.connect", "socket.getaddrinfo", "subprocess.Popen") else None)
assert [name for _, name in socket.if_nameindex()] == ["lo"], socket.if_nameindex()
from benchmarks.bars import Bars
from benchmarks.federate.overhead import bars
bars(found := Bars("offline"), smoke=True)
assert found.met and not asked, asked
assert not os.listdir(os.environ["HOME"]), os.listdir(os.environ["HOME"])
"""


def test_in_process_asks_nobody_and_leaves_nothing_behind(tmp_path):
    if (
        not shutil.which("unshare")
        or subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode
    ):
        pytest.skip("no network namespaces here")
    done = subprocess.run(
        [*NAMESPACE, sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True,
        timeout=120, env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT),
                          "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def test_no_chapter_imports_flower_before_it_was_told_to_keep_quiet():
    """It reads its variables as it is imported: `edgekit.federate.flower` sets them first."""
    for path in sorted((ROOT / "notebooks").rglob("*.ipynb")):
        code = [c for c in json.loads(path.read_text("utf-8"))["cells"] if c["cell_type"] == "code"]
        lines = [line for cell in code for line in "".join(cell["source"]).splitlines()]
        assert not [x for x in lines if re.match(r"\s*(from|import) flwr\b", x)], path.name
