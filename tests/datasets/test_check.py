"""`edgekit data check` finds what is not as it should be."""

from __future__ import annotations

import shutil

import pytest

from edgekit.cli import commands
from edgekit.core.workspace import Workspace
from edgekit.data import recording_file
from edgekit.datasets import fetch, sources
from edgekit.datasets.check import check
from tests.data.samples import noise, recording
from tests.datasets.fake_registry import pin, tarball


@pytest.fixture
def home(tmp_path, monkeypatch, registry):
    """A project with one source, downloaded, its card, and a use case of the user's."""
    packed = tarball(
        {"bearing_data-1.0/data/a.bin": b"a" * 1000, "bearing_data-1.0/data/b.bin": b"b"}
    )
    source = pin(packed)
    registry.files[source.file] = packed
    home, cache = tmp_path / "home", tmp_path / "cache"
    (home / "data").mkdir(parents=True)
    for name in ("rig", "pump"):
        shutil.copy(Workspace.find().folder / "data" / "mfpt.toml", home / "data" / f"{name}.toml")
    recording_file.save(
        recording("r", noise()), home / "usecases" / "pump" / "recordings" / "r.npz"
    )
    monkeypatch.setattr(sources, "sources", lambda: {"rig": source})
    fetch(source, cache, progress=False, endpoint=registry.endpoint)
    return home, cache


def states(home, cache) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for f in check(cache, home):
        found.setdefault(f.severity, []).append(f"{f.what}: {f.state}")
    return found


def test_all_is_well(home):
    found = states(*home)
    assert set(found) == {"ok"}
    assert any("here and whole; CC0 of the test" in t for t in found["ok"])
    assert any("1 recordings, all readable" in t for t in found["ok"])


def flip(home, cache):
    path = cache / "rig-1.0" / "a.bin"
    path.write_bytes(b"a" * 999 + b"b")


def lose(home, cache):
    (cache / "rig-1.0" / "b.bin").unlink()


def lose_card(home, cache):
    (home / "data" / "rig.toml").unlink()


def cut_card(home, cache):
    (home / "data" / "rig.toml").write_text('title = "x"')


def break_recording(home, cache):
    path = home / "usecases" / "pump" / "recordings" / "r.npz"
    path.write_bytes(path.read_bytes()[:-200])


DAMAGE = {
    flip: "is not what was downloaded",
    lose: "is not what was downloaded",
    lose_card: "has no card",
    cut_card: "lacks what",
    break_recording: "damaged",
}


@pytest.mark.parametrize(("damage", "words"), DAMAGE.items(), ids=[d.__name__ for d in DAMAGE])
def test_damage_is_found_and_named(home, damage, words):
    damage(*home)
    wrong = states(*home)["wrong"]
    assert len(wrong) == 1
    assert words in wrong[0]


def test_an_unstated_licence_and_a_broken_download_are_to_be_minded(home):
    folder, cache = home
    card = folder / "data" / "pump.toml"
    lines = card.read_text().splitlines()
    card.write_text(
        "\n".join('licence = "not stated"' if x.startswith("licence") else x for x in lines)
    )
    (cache / "bearing_data-1.0.tar.gz.part").write_bytes(b"half")
    said = states(*home)
    assert "wrong" not in said
    assert any("'not stated'" in t for t in said["warning"])
    assert any("broken off" in t for t in said["warning"])


def test_the_kit_itself_passes(capsys):
    assert commands.main(["data", "check"]) == 0, capsys.readouterr().out
