"""`edgekit bundle`: one folder from which the kit installs without a network."""

import hashlib
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from edgekit.bundle import PLATFORMS, PYTHONS, Bundle, here, lock, pages, seal, wheels, write
from edgekit.cli.commands import main
from edgekit.core.errors import EdgekitError

LINUX, WINDOWS = PLATFORMS["linux-x86_64"], PLATFORMS["windows-x64"]
NOWHERE = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
PYTHON = "{}.{}".format(*sys.version_info)


def wheel(path: Path, name: str, version: str, *more: str, module: str = "") -> Path:
    """A wheel of one empty module (`module`: what is in it), for any computer."""
    path = path / f"{name}-{version}-py3-none-any.whl"
    info = f"{name}-{version}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *more]
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}.py", module)
        file.writestr(f"{info}/METADATA", "\n".join(lines) + "\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def registry(tmp_path, monkeypatch):
    """A kit of two packages, in a folder that pip takes for its registry, and the lock of these."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    alpha = wheel(shelf, "alpha", "1.0", "Requires-Dist: beta", "License: <b>mine</b>|")
    made = [alpha, wheel(shelf, "beta", "2.0"), wheel(shelf, "beta", "3.0")]
    text = "".join(
        f"{p.name.split('-')[0]}=={p.name.split('-')[1]} \\\n    --hash=sha256:"
        f"{hashlib.sha256(p.read_bytes()).hexdigest()}\n    # via {via}\n"
        for p, via in zip(made[:2], ("edgekit (pyproject.toml)", "alpha"), strict=True)
    )
    more = ["Requires-Dist: alpha", "Provides-Extra: more"]
    monkeypatch.setattr(wheels, "own", lambda into: wheel(into, "edgekit", "9.0", *more))
    monkeypatch.setattr(lock, "text", lambda: text)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    return shelf


def files(path: Path) -> dict[str, int]:
    return {p.relative_to(path).as_posix(): p.stat().st_mtime_ns for p in path.rglob("*.whl")}


def test_a_bundle_holds_what_the_lock_pins_and_is_completed_not_made_anew(registry, tmp_path):
    out, said = tmp_path / "out", []
    wanted = Bundle((LINUX, WINDOWS), "3.12", ())
    write(out, wanted, said.append)
    names = {"alpha-1.0", "beta-2.0", "edgekit-9.0"}
    assert {p.name.split("-py3")[0] for p in (out / "wheels").iterdir()} == names
    before = files(out / "wheels")
    (out / "wheels" / "alpha-1.0-py3-none-any.whl").write_bytes(b"half of it")
    said.clear()
    write(out, wanted, said.append)
    assert [s.strip().split("-")[0] for s in said if ".whl" in s] == ["alpha"]
    after = files(out / "wheels")
    assert after["beta-2.0-py3-none-any.whl"] == before["beta-2.0-py3-none-any.whl"]


def test_bytes_that_the_lock_does_not_know_are_refused(registry, tmp_path):
    wheel(registry, "beta", "2.0", module="evil = 1")
    with pytest.raises(EdgekitError, match=r"pip cannot get packages for linux-x86_64.*HASHES"):
        write(tmp_path / "out", Bundle((LINUX,), "3.11", ()), lambda _: None)
    assert not list((tmp_path / "out" / "wheels").glob("beta*"))


def test_what_cannot_be_had_is_one_line(registry, tmp_path):
    (registry / "beta-2.0-py3-none-any.whl").unlink()
    with pytest.raises(EdgekitError, match=r"for linux-x86_64, Python 3\.11: .*beta==2\.0"):
        write(tmp_path / "out", Bundle((LINUX,), "3.11", ()), lambda _: None)


def test_a_page_shows_others_words_as_words(registry, tmp_path):
    write(tmp_path / "out", Bundle((LINUX,), "3.11", ()), lambda _: None)
    text = (tmp_path / "out" / "LICENCES.md").read_text(encoding="utf-8")
    assert "<b>" not in text
    assert "mine" in text


def test_the_sums_are_those_of_the_files(registry, tmp_path):
    write(tmp_path / "out", Bundle((LINUX,), "3.11", ()), lambda _: None)
    seal(tmp_path / "out")
    lines = (tmp_path / "out" / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 6
    for line in lines:
        digest, name = line.split("  ")
        assert hashlib.sha256((tmp_path / "out" / name).read_bytes()).hexdigest() == digest


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--platform", "linux-x86"], "'linux-x86' is none. Did you mean 'linux-x86_64'"),
        (["--python", "3.14"], "3.11, 3.12, 3.13"),
        (["--data", "activty"], "Did you mean 'activity'"),
        (["--data", "../../etc"], "'../../etc' is none"),
        (["--extras", "more,../x"], "no extra '../x'"),
        (["--extras", ""], "--extras is empty"),
    ],
)
def test_a_mistake_is_one_line(registry, tmp_path, capsys, words, said):
    given = [] if "--platform" in words else ["--platform", "linux-x86_64"]
    assert main(["bundle", "--out", str(tmp_path / "out"), *given, *words]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_folder_with_something_else_in_it_is_left_alone(registry, tmp_path, capsys):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    (tmp_path / "file").write_text("text")
    for name, said in (("mine", "something else"), ("file", "is a file")):
        words = ["bundle", "--out", str(tmp_path / name), "--platform", "linux-x86_64"]
        assert main(words) == 2
        assert said in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_data_are_copied_with_their_licence(registry, tmp_path, monkeypatch):
    """The data lie whole in the cache here, so no network is asked, and whole in the bundle."""
    from edgekit.datasets import sources

    source = sources.sources()["watch"]
    cache = tmp_path / "cache"
    member = cache / source.slug / "data" / "watch_dataset.npy"
    member.parent.mkdir(parents=True)
    member.write_bytes(b"wrists")
    stamp = {"size": 6, "sha256": hashlib.sha256(b"wrists").hexdigest()}
    text = {"sha256": source.sha256, "members": {"data/watch_dataset.npy": stamp}}
    (cache / source.slug / "stamp.json").write_text(sources.json.dumps(text))
    monkeypatch.setenv("EDGEKIT_CACHE", str(cache))
    write(tmp_path / "out", Bundle((LINUX,), "3.11", (), ("watch",)), lambda _: None)
    there = tmp_path / "out" / "workspace" / "data" / "cache"
    assert sources.cached("watch", there) == there / source.slug
    assert source.licence in (tmp_path / "out" / "LICENCES.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("platform", PLATFORMS.values(), ids=PLATFORMS)
def test_the_page_has_two_commands_for_each_system(platform):
    text = pages.install(Bundle((platform,), "3.12", ("train", "notebooks")))
    assert len(re.findall(r"-m venv edgekit-env", text)) == 1
    assert 'install --no-index --find-links wheels "edgekit[train,notebooks]"' in text
    assert ("Scripts\\python" in text) is (platform.system == "Windows")


@pytest.mark.skipif(
    not here() or PYTHON not in PYTHONS, reason="not one of the computers that a bundle is for"
)
def test_real_packages_install_from_a_folder_without_a_network(tmp_path):
    """Three of the lock, for here and for Windows, from the registry; then without it. That all of a course
    installs so, and then runs, `benchmarks.bundle` shows."""
    try:
        wheels.pip("one", "download", "--no-deps", "--dest", tmp_path / "one", "dacite")
    except EdgekitError as error:
        pytest.skip(f"there is no network here: {error}")
    names = {"dacite", "markupsafe", "soupsieve"}  # any computer; one of each; two releases on 3.11
    for platform in (PLATFORMS[here()], WINDOWS):
        pins = [p for p in lock.read(lock.text()) if p.name in names and p.on(platform, PYTHON)]
        found = wheels.bring(pins, tmp_path / "wheels", platform, PYTHON, lambda _: None)
        assert len(found) == len(pins) >= 3
    assert any("win_amd64" in p.name for p in found)
    command = "pip install --isolated --dry-run --ignore-installed --no-index --find-links wheels"
    done = subprocess.run(
        [sys.executable, "-m", *command.split(), *names], cwd=tmp_path, env={**os.environ, **NOWHERE},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split("Would install ")[1].split()) == 3


def test_the_kits_own_wheel_has_its_lock_and_is_the_same_every_time(tmp_path):
    kit = wheels.own(tmp_path)
    with zipfile.ZipFile(kit) as file:
        inside, written = set(file.namelist()), {i.date_time for i in file.infolist()}
    assert written == {(2020, 1, 1, 0, 0, 0)}  # not of now
    assert {
        f"edgekit/_share/{n}" for n in ("lock/requirements.lock", "notebooks/00_design.ipynb")
    } < inside
    asked = wheels.metadata(kit).get_all("Requires-Dist")
    extras = wheels.metadata(kit).get_all("Provides-Extra")
    needed = lock.needed(lock.read(lock.text()), asked, extras, LINUX, "3.12")
    assert len(needed) > 200


def test_a_wheel_for_another_computer_is_none_for_this(registry, tmp_path):
    pin = lock.read(lock.text())[0]
    (registry / "alpha-1.0-py3-none-any.whl").rename(
        registry / "alpha-1.0-cp311-cp311-win_amd64.whl"
    )
    assert wheels.find(registry, pin, WINDOWS, "3.11")
    assert not wheels.find(registry, pin, WINDOWS, "3.12")
    assert not wheels.find(registry, pin, LINUX, "3.11")
