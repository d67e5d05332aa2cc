"""Whoever else writes a file at the same moment, it is one of theirs, whole."""

import threading

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
