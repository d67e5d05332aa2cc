"""The extras of a course are enough for chapters 00 to 05: nothing that they import comes with another."""

import ast
import json
import subprocess
import sys
from pathlib import Path

from edgekit.bundle import PLATFORMS, here, lock
from tests.bundle.test_lock import requirements

ROOT = Path(__file__).resolve().parents[2]
COURSE = ("train", "device", "notebooks")
WITHOUT = """
import re, sys
from importlib.abc import MetaPathFinder
from importlib.metadata import packages_distributions

class Without(MetaPathFinder):
    there, homes = set({there!r}), packages_distributions()
    def find_spec(self, name, path=None, target=None):
        homes = [re.sub(r"[-_.]+", "-", d).lower() for d in self.homes.get(name.split(".")[0], ())]
        if homes and not self.there & set(homes):
            raise ModuleNotFoundError(f"{{name}} comes with no extra of the course", name=name)

sys.meta_path.insert(0, Without())
"""


def imports() -> list[str]:
    """What chapters 00 to 05 and `edgekit run` import, but for TensorFlow, which takes seconds."""
    lines = {
        "import edgekit.pipeline.execute",
        "import edgekit.pipeline.review",
        "import edgekit.view.report",
    }
    for path in sorted((ROOT / "notebooks").glob("0[0-5]_*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "code":
                for node in ast.walk(ast.parse("".join(cell["source"]))):
                    if isinstance(node, (ast.Import, ast.ImportFrom)):
                        lines.add(ast.unparse(node))
    return sorted(line for line in lines if "tensorflow" not in line and "tf_keras" not in line)


def run(lines: list[str]) -> subprocess.CompletedProcess:
    platform = PLATFORMS[here() or "linux-x86_64"]
    python = "{}.{}".format(*sys.version_info)
    pins = lock.needed(lock.read(lock.text()), requirements(), COURSE, platform, python)
    there = sorted({"edgekit", *(p.name for p in pins)})
    code = WITHOUT.format(there=there) + "\n".join(lines)
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)


def test_nothing_of_a_course_needs_another_extra():
    lines = imports()
    assert len(lines) > 10
    done = run(lines)
    assert done.returncode == 0, done.stderr


def test_the_check_bites():
    assert "sqlalchemy comes with no extra" in run(["import edgekit.view.label_queue"]).stderr
