"""What the wheel is made of: whatever the library reads is in it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_all_that_is_kept_of_the_package_is_built_into_it(tmp_path):
    command = [sys.executable, "setup.py", "-q", "egg_info", "-e", tmp_path, "build_py"]
    subprocess.run([*command, "-d", tmp_path], cwd=ROOT, check=True, capture_output=True)
    listed = [
        "git",
        "ls-files",
        "edgekit",
        "notebooks",
        "data/*.toml",
        "docs/*.md",
        "docs/*.txt",
        ":!docs/site",
    ]
    kept = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    names = [n for n in kept.split("\n") if (ROOT / n).is_file()]
    inside = {n: n if n.startswith("edgekit/") else f"edgekit/_share/{n}" for n in names}
    assert len(inside) > 300
    assert [n for n, place in inside.items() if not (tmp_path / place).is_file()] == []
