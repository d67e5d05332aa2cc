"""A script without `if __name__ == "__main__":` may simulate, search and sweep."""

import subprocess
import sys

SCRIPT = """
from pathlib import Path

from edgekit.core.lock import locked
from edgekit.fleet.trainer import Trainer
from edgekit.search.executor import executor

print("begun", flush=True)

def twice(number):
    return 2 * number

with locked(Path("world.lock")), Trainer() as train, executor(2, "", Path.cwd()) as crew:
    print(train(abs, -1), sorted(crew.map(twice, {"a": (1,), "b": (2,)})))
"""


def test_children_do_not_run_the_script_that_waits_for_them(tmp_path):
    script = tmp_path / "plain.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == ["begun", "1 [('a', 2), ('b', 4)]"], done.stderr
