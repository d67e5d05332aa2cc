"""Whoever else writes a file at the same moment, it is one of theirs, whole."""

import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgekit.core import atomic
from edgekit.core.atomic import atomic_write


def test_threads_that_write_the_same_file_do_not_meet(tmp_path):
    path, barrier, halves, trouble = tmp_path / "x.npz", threading.Barrier(8), [], []

    def write(n):
        try:
            with atomic_write(path) as temporary:
                halves.append(temporary)
                temporary.write_text(str(n) * 1000)
                barrier.wait()
        except OSError as error:
            trouble.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not trouble
    assert len(set(halves)) == 8
    assert {temporary.suffix for temporary in halves} == {".npz"}  # which says how it is written
    assert len(set(path.read_text())) == 1
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("system", "refusals", "written"), [("nt", 2, True), ("nt", 9, False), ("posix", 1, False)]
)
def test_a_reader_on_windows_is_waited_for(system, refusals, written, tmp_path, monkeypatch):
    path, replace, refused = tmp_path / "x", Path.replace, []

    def refuses(self, target):
        if len(refused) < refusals:
            refused.append(self)
            raise PermissionError(13, "somebody reads it")
        return replace(self, target)

    monkeypatch.setattr(atomic, "os", SimpleNamespace(name=system))
    monkeypatch.setattr(atomic, "BUSY_S", (0.001, 0.001, 0.001))
    monkeypatch.setattr(Path, "replace", refuses)
    try:
        with atomic_write(path) as temporary:
            temporary.write_text("new", encoding="utf-8")
    except PermissionError:
        pass
    assert path.exists() is written
    assert len(list(tmp_path.iterdir())) == written
