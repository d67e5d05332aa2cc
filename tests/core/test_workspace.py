"""The files that describe the project agree with each other."""

import re
import tomllib

import yaml

from edgekit.cli.doctor import GROUPS
from edgekit.core.extras import APART, canonical
from edgekit.core.workspace import Workspace

ROOT = Workspace.find().folder
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def wanted():
    """Every dependency of pyproject.toml, extras included: name -> specifier."""
    lists = [PYPROJECT["dependencies"], *PYPROJECT["optional-dependencies"].values()]
    parts = [re.match(r"([\w.-]+)([^;]*)", d) for group in lists for d in group]
    return {m[1]: m[2].strip() for m in parts}


def test_the_conda_environment_is_python_and_the_lock_file():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    *conda, pip = environment["dependencies"]
    assert conda == [f"python{PYPROJECT['requires-python']}", "pip"]
    assert pip == {"pip": ["-r requirements.lock"]}  # an editable install beside hashes is refused


def test_the_lock_pins_every_dependency_with_hashes():
    from packaging.specifiers import SpecifierSet

    pins = dict(re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, re.M))
    for name, specifier in wanted().items():
        pin = pins.get(canonical(name))
        assert pin, f"{name} is not in requirements.lock: make lock"
        assert SpecifierSet(specifier, prereleases=True).contains(pin), name
    blocks = re.split(r"\n(?=[a-z])", LOCK.strip())
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_lock_names_no_registry():
    assert "://" not in LOCK


def test_the_doctor_knows_every_package_of_the_project():
    groups = {"core": PYPROJECT["dependencies"], **PYPROJECT["optional-dependencies"]}
    names = {g: {re.match(r"[\w.-]+", d)[0] for d in needs} for g, needs in groups.items()}
    told = {group: set(packages.split()) - {*APART} for group, (_, packages) in GROUPS.items()}
    assert told == names


def test_the_version_is_told_once():
    import edgekit

    assert edgekit.__version__ == PYPROJECT["version"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {edgekit.__version__}" in changes or "## Unreleased" in changes
