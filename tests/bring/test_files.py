"""Every file of a folder is read or named with the reason; nothing hangs, raises or is dropped in silence."""

from __future__ import annotations

import os
import socket
import sys

import numpy as np
import pytest

from edgekit import bring
from edgekit.bring import files
from edgekit.cli import commands
from edgekit.core.errors import EdgekitError
from edgekit.tables import file_types
from tests.bring import folders

posix = pytest.mark.skipif(os.name == "nt", reason="pipes, sockets and bytes in names are POSIX")


@pytest.fixture
def raw(tmp_path):
    """Two classes of three recordings each."""
    for i in range(3):
        for k, label in enumerate(("idle", "run")):
            folders.german_csv(
                tmp_path / "raw" / label / f"{i}.csv", folders.sines(i, 400, 50, 1 + 2 * k), 50
            )
    return tmp_path / "raw"


@posix
def test_what_is_no_ordinary_file_is_named_and_never_opened(raw, tmp_path):
    os.mkfifo(raw / "idle" / "pipe.csv")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(raw / "run")
        server.bind("plug.wav")  # a socket's path must be short
        os.chdir(here)
    (tmp_path / "outside.csv").write_text("1,2\n")
    (raw / "out.csv").symlink_to(tmp_path / "outside.csv")
    (raw / "zero.csv").symlink_to("/dev/zero")
    (raw / "loop.csv").symlink_to("loop.csv")
    (raw / "nowhere.csv").symlink_to("gone.csv")
    (raw / "idle" / "again.csv").symlink_to("0.csv")
    (raw / "all").symlink_to(".")
    (raw / ".annex").mkdir()
    (raw / ".annex" / "key").write_bytes((raw / "run" / "0.csv").read_bytes() + b"\n")
    (raw / "run" / "annexed.csv").symlink_to("../.annex/key")
    found = bring.read(raw)
    assert found.failed == {
        "idle/pipe.csv": "is a pipe, no file",
        "run/plug.wav": "is a socket, no file",
        "out.csv": "is a link that leads out of the folder",
        "zero.csv": "is a link that leads out of the folder",
        "loop.csv": "is a link that leads nowhere",
        "nowhere.csv": "is a link to something that is not there",
        "idle/again.csv": "is a link to idle/0.csv, which is read itself",
        "all/": "is a link to a folder, which is not followed",
    }
    assert found.ignored == {".annex/": "is hidden"}
    assert {r.path for r in found.readings} == {
        "run/annexed.csv", *(f"{c}/{i}.csv" for c in ("idle", "run") for i in range(3))
    }  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="other systems want UTF-8 in names")
def test_names_of_other_encodings_are_read_and_written(raw, tmp_path, capsys, monkeypatch, home):
    text = (raw / "idle" / "0.csv").read_bytes()
    for name in (
        b"caf\xe9.csv",
        b"caf\\xe9.csv",
        b"bad\xff.mat",
        b"line\nbreak.csv",
        b"x" * 250 + b".csv",
    ):
        with open(os.fsencode(raw / "idle") + b"/" + name, "wb") as file:
            file.write(text.replace(b"0,0", b"0,1") if b"mat" not in name else b"?")
    os.makedirs(os.fsencode(raw) + b"/caf\xe9")
    for i in range(3):
        with open(os.fsencode(raw) + b"/caf\xe9/%d.csv" % i, "wb") as file:
            file.write(text.replace(b"0,0", b"0,2"))
    monkeypatch.chdir(home)
    assert commands.main(["new", "latin", "--from", str(raw), "--yes"]) == 0
    said = capsys.readouterr().out
    assert r"idle/bad\xff.mat is no .mat file" in said
    assert r"caf\xe9 " in said
    from edgekit import usecases

    case = usecases.load("latin", home)
    assert set(case.CLASSES) == {"idle", "run", r"caf\xe9"}
    paths = {r.meta["file"] for r in case.recordings("field", "full")}
    assert len(paths) == 13, "each file is there, whatever it is called"
    assert {r"idle/caf\xe9.csv", r"idle/caf\xe9.csv'", "idle/line\nbreak.csv"} <= paths


KINDS = {
    "a.heic": (b"\0\0\0\x20ftypheic", "PNG or JPEG"),
    "a.zip": (b"PK\3\4", "unpack"),
    "a.docx": (b"PK\3\4", "a document"),
    "a.xlsx": (b"PK\3\4", "save each sheet as CSV"),
    "a.pkl": (b"\x80\4", "never opened"),
    "a.m4a": (b"\0", "WAV or FLAC"),
    "a.xyz1": (b"?", "does not read"),
    "data": (b"?", "no suffix"),
    "lfs.csv": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n",
        "git lfs pull",
    ),
    "annex.wav": (b"/annex/objects/SHA256E-s1--ab.wav\n", "git annex get"),
    "error.csv": (b"\n<!DOCTYPE html>\n<html><body>404</body></html>", "web page"),
    "error.wav": (b"<HTML><head>403", "web page"),
    "s3.npz": (b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "is XML"),
    "excel.csv": (b"PK\3\4\x14\0", "ZIP archive or a spreadsheet"),
    "gz.csv": (b"\x1f\x8b\x08\0", "compressed"),
    "empty.csv": (b"", "is empty"),
    "fork.wav": (b"\0\5\x16\7\0\2", "macOS"),
}


def test_files_that_are_something_else_are_all_named_with_what_to_do(raw):
    for name, (content, _) in KINDS.items():
        (raw / name).write_bytes(content)
    (raw / "README.md").write_text("about")
    (raw / "convert.py").write_text("print()")
    found = bring.read(raw)
    assert set(found.failed) == set(KINDS)
    for name, (_, words) in KINDS.items():
        assert words in found.failed[name], name
    assert set(found.ignored) == {"README.md", "convert.py"}


def test_nothing_that_can_be_read_says_what_was_there(tmp_path, capsys):
    for i in range(5):
        (tmp_path / f"{i}.heic").write_bytes(b"?")
    (tmp_path / "all.zip").write_bytes(b"PK\3\4")
    with pytest.raises(
        EdgekitError, match=r"0\.heic \(and 4 more\) is of a kind .*PNG or JPEG; all\.zip .*unpack"
    ):
        bring.read(tmp_path)


def test_the_summary_names_every_reason_and_file(raw, home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    for i in range(30):
        (raw / f"{i:02}.heic").write_bytes(b"?")
    (raw / "notes.docx").write_bytes(b"PK")
    assert commands.main(["new", "some", "--from", str(raw), "--yes", "--dry-run"]) == 0
    said = capsys.readouterr().out
    assert "left out, 31 files:" in said
    assert "30 files, each is of a kind" in said
    assert "… and 18 more" in said
    assert "notes.docx is of a kind" in said


def test_a_class_that_could_not_be_read_is_said_where_a_class_is_missing(
    raw, home, monkeypatch, capsys
):
    monkeypatch.chdir(home)
    for path in (raw / "run").iterdir():
        path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:ab\n")
    assert commands.main(["new", "some", "--from", str(raw), "--yes", "--dry-run"]) == 2
    said = capsys.readouterr().err
    assert "left out: 3 files: run/0.csv (and 2 more) is a pointer of Git LFS" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("folder", ["", " ", "~nobody-of-that-name/x", "no\0thing", "not/there"])
def test_what_is_no_folder_is_one_line(folder):
    with pytest.raises(EdgekitError, match="no folder"):
        bring.read(folder)


def test_a_folder_that_cannot_be_listed_is_named(raw, monkeypatch):
    listing = os.scandir

    def scandir(path):
        if str(path).endswith("run"):
            raise PermissionError(13, "Permission denied", str(path))
        return listing(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found, failed, _ = files.listed(raw)
    assert failed == {"run/": "cannot be opened (Permission denied)"}
    assert len(found) == 3


def test_every_suffix_that_is_read_has_one_reader():
    from edgekit.bring.folder import READERS, ROWS

    suffixes = [s for table in (READERS, ROWS) for group in table for s in group]
    assert sorted(suffixes) == sorted(file_types.KNOWN)
    assert len(set(suffixes)) == len(suffixes)
    assert not {s for group in file_types.ADVICE for s in group} & set(suffixes)


# ---------------------------------------------------------------------------- labels by folder and table


def test_folders_that_are_numbers_are_classes_in_their_order(tmp_path):
    for k in range(11):
        for i in range(3):
            (tmp_path / str(k)).mkdir(exist_ok=True)
            np.save(tmp_path / str(k) / f"rec{i}.npy", folders.sines(i, 400, 50, 1 + k))
    plan = bring.infer_plan(bring.read(tmp_path), bring.Options(rate=50.0))
    assert plan.classes == tuple(map(str, range(11)))
    assert plan.label_from == "folder:1"


def test_labels_that_only_python_takes_for_numbers_have_one_order(tmp_path):
    for label in ("2", "nan", "1", "inf"):
        for i in range(3):
            (tmp_path / label).mkdir(exist_ok=True)
            np.save(tmp_path / label / f"rec{i}.npy", folders.sines(i, 400, 50, 1))
    plan = bring.infer_plan(bring.read(tmp_path), bring.Options(rate=50.0))
    assert plan.classes == ("1", "2", "inf", "nan")


def test_labels_that_only_look_different_to_a_computer_are_told(tmp_path):
    for label in ("Idle", "idle", "e\u0301", "\u00e9", "run"):
        for i in range(3):
            (tmp_path / label).mkdir(exist_ok=True)
            np.save(tmp_path / label / f"{i}.npy", folders.sines(i, 400, 50, 1))
    if len(list(tmp_path.iterdir())) < 5:
        pytest.skip("this file system makes no difference either")
    plan = bring.infer_plan(bring.read(tmp_path), bring.Options(rate=50.0))
    told = [s for s in plan.warnings if "differ only" in s]
    assert len(told) == 2
    assert any("'Idle' and 'idle'" in s for s in told)


@pytest.fixture
def eight(tmp_path):
    for i in range(8):
        np.savez(tmp_path / f"r{i}.npz", X=folders.sines(i, 400, 50, 1 + i % 2), rate=50.0)
    return tmp_path


def label_table(folder, *rows, name="labels.csv"):
    (folder / name).write_text("\n".join(rows), encoding="utf-8")
    return bring.read(folder)


def test_a_table_of_labels_may_name_files_by_stem(eight):
    found = label_table(eight, "recording;class", *(f"r{i};{'ab'[i % 2]}" for i in range(8)))
    plan = bring.infer_plan(found, bring.Options())
    assert plan.classes == ("a", "b")
    assert {r.path: r.label for r in plan.used} == {f"r{i}.npz": "ab"[i % 2] for i in range(8)}


def test_a_file_with_two_labels_is_left_out_and_rows_without_a_file_are_told(eight):
    rows = [f"r{i}.npz,{'ab'[i % 2]}" for i in range(8)]
    found = label_table(
        eight, "file,label", *rows, "r0.npz,b", "r1.npz,b", "ghost.npz,a", '"odd\nname",a'
    )
    assert set(found.failed) == {"r0.npz"}
    assert "'a' (line 2) and 'b' (line 10)" in found.failed["r0.npz"]
    assert found.label_table["r1.npz"] == {"label": "b"}, "the same label twice is no contradiction"
    (said,) = found.warnings
    assert "2 of 12 rows name no file" in said
    assert "ghost.npz" in said
    assert said in bring.infer_plan(found, bring.Options()).warnings


def test_a_table_of_labels_that_fits_no_file_is_told(eight):
    found = label_table(eight, "file,label", *(f"x{i}.wav,a" for i in range(4)))
    assert "4 of 4 rows name no file" in found.warnings[0]
    assert "labels.csv" in found.ignored
