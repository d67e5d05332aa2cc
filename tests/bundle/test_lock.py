"""What is taken of the lock is all that pip will ask for there, and nothing for other computers."""

import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from edgekit.bundle import PLATFORMS, PYTHONS, here, lock
from edgekit.core.errors import EdgekitError
from edgekit.core.extras import canonical

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LINUX, WINDOWS = PLATFORMS["linux-x86_64"], PLATFORMS["windows-x64"]
LOCK = """\
alpha==1.0 \\
    --hash=sha256:{a}
    # via edgekit (pyproject.toml)
beta==2.0 ; sys_platform == 'win32' \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
    # via
    #   Alpha
    #   gamma
gamma==3.0 ; python_full_version < '3.11.5' \\
    --hash=sha256:{b}
    # via beta
gamma==4.0 ; python_full_version >= '3.11.5' \\
    --hash=sha256:{b}
    # via beta
delta==5.0 \\
    --hash=sha256:{b}
    # via edgekit (pyproject.toml)
""".format(a="a" * 64, b="b" * 64)


def requirements() -> list[str]:
    """As the wheel's metadata says them."""
    lines = list(PROJECT["dependencies"])
    for extra, wanted in PROJECT["optional-dependencies"].items():
        for line in wanted:
            name, _, marker = line.partition(";")
            both = f"({marker}) and " if marker else ""
            lines.append(f"{name}; {both}extra == '{extra}'")
    return lines


def taken(*words, extras=(), python="3.11", platform=LINUX) -> list[str]:
    found = lock.needed(lock.read(LOCK), words, extras, platform, python)
    return [f"{p.name} {p.version}" for p in found]


def test_what_is_asked_for_brings_what_it_asks_for_there():
    assert taken("alpha>=1") == ["alpha 1.0"]
    both = ["gamma 3.0", "gamma 4.0"]  # which patch they have, nobody knows
    assert taken("Alpha", platform=WINDOWS) == ["alpha 1.0", "beta 2.0", *both]
    assert taken("Alpha", platform=WINDOWS, python="3.12")[2:] == ["gamma 4.0"]
    assert lock.read(LOCK)[1].hashes == {"a" * 64, "b" * 64}


def test_an_extra_counts_where_it_is_wanted():
    lines = ["alpha", "delta; extra == 'more'", "beta; extra == 'more' and os_name == 'nt'"]
    assert taken(*lines) == ["alpha 1.0"]
    assert taken(*lines, extras=["more"]) == ["alpha 1.0", "delta 5.0"]
    assert "beta 2.0" in taken(*lines, extras=["more"], platform=WINDOWS)


def test_what_the_lock_does_not_know_is_said():
    with pytest.raises(EdgekitError, match="no epsilon"):
        taken("epsilon>=1")


@pytest.mark.parametrize("extras", [(), ("train", "device", "notebooks")], ids=str)
def test_of_the_kits_own_lock_it_is_what_is_installed_here(extras):
    """The oracle is the metadata of what is installed: nothing that these ask for is missing."""
    name, python = here(), "{}.{}".format(*sys.version_info)
    if name not in PLATFORMS or python not in PYTHONS:
        pytest.skip("not one of the computers that a bundle is for")
    pins = lock.read(lock.text())
    found = lock.needed(pins, requirements(), extras, PLATFORMS[name], python)
    names = {p.name for p in found}
    for pin in found:
        try:
            asked = [Requirement(line) for line in requires(pin.name) or ()]
        except PackageNotFoundError:
            continue
        for r in asked:
            if r.marker is None or r.marker.evaluate({"extra": ""}):
                assert canonical(r.name) in names, f"{pin.name} asks for {r.name}"
    assert len(names) > 40
    assert all(p.hashes for p in found)
    assert ("tensorflow" in names) is bool(extras)


def test_markers_keep_what_is_for_other_computers_away():
    pins = lock.read(lock.text())
    for platform in PLATFORMS.values():
        names = {
            p.name
            for p in lock.needed(pins, requirements(), ["device", "notebooks"], platform, "3.12")
        }
        assert ("pywinpty" in names) is (platform.system == "Windows")
        assert ("appnope" in names) is (platform.system == "Darwin")
        assert ("tflite-micro" in names) is (platform.name == "linux-x86_64")
