"""CONTRIBUTING.md says where things are; they must be there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
CODE = "\n".join(
    p.read_text(encoding="utf-8")
    for folder in ("edgekit", "notebooks")
    for p in (ROOT / folder).rglob("*")
    if p.suffix in (".py", ".c", ".h", ".ipynb")
)
WORDS = {*re.findall(r"\w+", CODE), *(p.stem for p in (ROOT / "edgekit").rglob("*"))}


def test_the_names_of_today_exist():
    table = TEXT[TEXT.index("| then | now |") :]
    rows = re.findall(r"^\| .+ \| (.+) \|$", table, re.M)[1:]
    now = {name for row in rows for name in re.findall(r"`\.?([\w.]+)(?:\(\))?`", row)}
    assert len(rows) > 50
    missing = {n for n in now if not {*n.split(".")} - {"core"} <= WORDS}
    assert not missing


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(edgekit/[\w./]+)`", TEXT))))
def test_the_places_exist(path):
    assert (ROOT / path).exists()


def test_every_package_has_its_layer():
    table = TEXT[TEXT.index("| layer | is |") : TEXT.index("A stage takes values")]
    layers = {
        n for row in re.findall(r"^\| (`.+?) \|", table, re.M) for n in re.findall(r"`(\w+)`", row)
    }
    assert layers == {p.parent.name for p in (ROOT / "edgekit").glob("*/__init__.py")}
