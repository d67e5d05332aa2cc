"""The files that describe the project agree with each other."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires

import pytest
import yaml

from edgekit.cli.doctor import GROUPS
from edgekit.core.extras import canonical
from edgekit.core.workspace import Workspace

ROOT = Workspace.find().folder
TOML = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PYPROJECT, GROUPED = TOML["project"], TOML["dependency-groups"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
BUILT = "detools"  # where it is installed, and so in no list
FEDERATE = (ROOT / "federate.lock").read_text(encoding="utf-8")


def wanted(lists):
    """Every dependency in lists of pyproject.toml: name -> specifier."""
    parts = [re.match(r"([\w.-]+)(?:\[[\w,]+\])?([^;]*)", d) for group in lists for d in group]
    return {m[1]: m[2].strip() for m in parts}


def pinned(lock):
    """Name -> version of a lock, where one stands in it twice the last."""
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.M))


def test_the_conda_environment_is_python_and_the_lock_file():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = environment["dependencies"]
    assert conda == [f"python{PYPROJECT['requires-python']}", "pip"]
    assert pip == {"pip": ["-r requirements.lock"]}  # an editable install beside hashes is refused


@pytest.mark.parametrize(
    ("lock", "lists"),
    [
        (LOCK, [PYPROJECT["dependencies"], *PYPROJECT["optional-dependencies"].values()]),
        (FEDERATE, GROUPED.values()),
    ],
    ids=["requirements.lock", "federate.lock"],
)
def test_a_lock_pins_every_dependency_with_hashes_and_names_no_registry(lock, lists):
    from packaging.specifiers import SpecifierSet

    pins = pinned(lock)
    for name, specifier in wanted(lists).items():
        pin = pins.get(canonical(name))
        assert pin, f"{name} is not in the lock: make lock"
        assert SpecifierSet(specifier, prereleases=True).contains(pin), name
    blocks = re.split(r"\n(?=[a-z])", lock.strip())
    assert all("--hash=sha256:" in block for block in blocks)
    assert "://" not in lock


def test_flower_comes_after_the_rest_and_changes_none_of_it():
    assert not pinned(LOCK).keys() & pinned(FEDERATE).keys()
    from packaging.requirements import Requirement

    try:
        lines = requires("flwr") or ()
    except PackageNotFoundError:
        pytest.skip("Flower is not installed")
    needed = [
        r for r in map(Requirement, lines) if r.marker is None or r.marker.evaluate({"extra": ""})
    ]
    assert len(needed) > 10
    for requirement in needed:  # --no-deps: what it needs must be there all the same
        assert canonical(requirement.name) in {**pinned(LOCK), **pinned(FEDERATE)}


def test_the_doctor_knows_every_package_of_the_project():
    groups = {"core": PYPROJECT["dependencies"], **PYPROJECT["optional-dependencies"], **GROUPED}
    names = {g: {re.match(r"[\w.-]+", d)[0] for d in needs} for g, needs in groups.items()}
    told = {group: set(packages.split()) - {BUILT} for group, (_, packages) in GROUPS.items()}
    assert told == names


def test_the_version_is_told_once():
    import edgekit

    assert edgekit.__version__ == PYPROJECT["version"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {edgekit.__version__}" in changes or "## Unreleased" in changes
