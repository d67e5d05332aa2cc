"""One process at a time, and nobody waits for a dead one."""

import subprocess
import sys
import threading
import time

import pytest

from edgekit.core.lock import LockedError, locked, try_lock

HOLD = """
import sys, time
from pathlib import Path
from edgekit.core.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds a file."""
    path = tmp_path / "x.lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield path, process
        process.kill()


def test_a_file_that_is_held_is_refused_and_free_when_its_process_was_killed(holder):
    path, process = holder
    with pytest.raises(LockedError), locked(path, wait=False):
        pass
    with path.open("r+b") as file:
        assert not try_lock(file)
    process.kill()
    process.wait()
    with locked(path, wait=False):
        pass


def test_who_waits_gets_it_when_it_is_free(holder):
    path, process = holder
    threading.Timer(0.3, process.kill).start()
    start = time.monotonic()
    with locked(path):
        assert 0.2 < time.monotonic() - start < 10


def test_it_is_free_after_an_error_and_between_two_threads_of_one_process(tmp_path):
    path, inside = tmp_path / "x.lock", []
    with pytest.raises(ZeroDivisionError), locked(path):
        1 / 0  # noqa: B018

    def work():
        with locked(path):
            inside.append(1)
            time.sleep(0.02)
            assert len(inside) == 1
            inside.clear()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not inside


def test_a_lock_is_not_taken_through_a_link(tmp_path):
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "x.lock").symlink_to(tmp_path / "mine")
    with pytest.raises(OSError), locked(tmp_path / "x.lock", wait=False):  # noqa: PT011
        pass
    assert (tmp_path / "mine").read_text() == "precious"
