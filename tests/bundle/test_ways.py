"""Ways to install: containers and locks name what is there. Docker and Binder themselves do not run here."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

from edgekit.bundle import PLATFORMS, PYTHONS, lock
from edgekit.core.extras import extras
from tests.bundle.test_lock import requirements

ROOT = Path(__file__).resolve().parents[2]
COURSE = ("train", "device", "notebooks")


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


TARGETS = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.M))
PROJECT = tomllib.loads(text("pyproject.toml"))["project"]


def steps(dockerfile: str) -> list[tuple[str, str]]:
    """(instruction, words) of each, continued lines joined, comments left out."""
    lines = [s for s in dockerfile.splitlines() if s and not s.startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines()
    return [tuple(s.split(" ", 1)) for s in joined]


def test_the_container_does_what_make_does():
    found = steps(text("Dockerfile"))
    assert found[0][0] == "FROM"
    assert {i for i, _ in found} <= {
        "FROM",
        "ARG",
        "RUN",
        "USER",
        "WORKDIR",
        "COPY",
        "EXPOSE",
        "CMD",
    }
    chosen = [words.partition("=")[2] for i, words in found if i == "ARG"]
    said = re.findall(r"--build-arg WHAT=([\w-]+)", text("Dockerfile"))
    assert set(chosen + said) <= TARGETS
    assert [w for i, w in found if i == "USER"] == ["learner"]  # whoever serves pages is not root
    program, *words = json.loads(next(w for i, w in found if i == "CMD"))
    assert program == ".venv/bin/jupyter"
    assert (ROOT / words[-1]).is_file()
    left_out = [s.rstrip("/") for s in text(".dockerignore").split()]
    needed = [
        "pyproject.toml",
        "setup.py",
        "notebooks",
        "data",
        "docs",
        *re.findall(r"\w+\.lock", text("Makefile")),
    ]
    assert not set(left_out) & set(needed)


def test_the_devcontainer_does_what_make_does():
    found = json.loads(text(".devcontainer/devcontainer.json"))
    make, target = found["postCreateCommand"].split()
    assert make == "make"
    assert target in TARGETS
    version = re.search(r"python:([\d.]+)", found["image"])[1]
    assert version in SpecifierSet(PROJECT["requires-python"])
    settings = found["customizations"]["vscode"]["settings"]
    assert settings["python.defaultInterpreterPath"].endswith("/.venv/bin/python")


def test_binder_installs_the_course():
    word, path = text("binder/requirements.txt").split()
    assert word == "-r"
    assert (ROOT / "binder" / path).resolve() == ROOT / "course.lock"
    version = text("binder/runtime.txt").strip().removeprefix("python-")
    assert version in SpecifierSet(PROJECT["requires-python"])
    assert (ROOT / "binder/postBuild").stat().st_mode & 0o100
    if shutil.which("sh"):
        subprocess.run(["sh", "-n", "binder/postBuild"], cwd=ROOT, check=True)


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
def test_the_course_is_part_of_all_and_what_a_bundle_has(name, python):
    """`course.lock` is uv's answer to what `lock.needed` reads off the whole lock: each checks the other."""
    platform = PLATFORMS[name]
    course = {
        (p.name, p.version): p for p in lock.read(text("course.lock")) if p.on(platform, python)
    }
    whole = lock.read(text("requirements.lock"))
    taken = {
        (p.name, p.version): p for p in lock.needed(whole, requirements(), COURSE, platform, python)
    }
    assert set(course) <= set(taken)
    more = {n for n, _ in set(taken) - set(course)}
    assert len(more) < 10, more  # which packages ask for elsewhere only: the lock does not say why
    assert all(course[k].hashes == taken[k].hashes for k in course)


def test_the_page_names_what_is_there():
    page = text("docs/install.md")
    assert set(re.findall(r"\bmake ([a-z-]+)", page)) <= TARGETS
    named = set(re.findall(r"^\| `(\w+)` \|", page, re.M))
    assert named == set(PROJECT["optional-dependencies"]) >= set(extras()) - {""}
