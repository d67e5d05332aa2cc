"""A cluster that loses its workers or its scheduler says so, and a process does one thing at a time."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from itertools import pairwise

import pytest

from edgekit.core.errors import EdgekitError
from edgekit.search import cluster, executor, objective
from edgekit.search.executor import Executor


@contextmanager
def dask(folder, workers=1):
    """(address, scheduler, workers): processes of `dask scheduler` and `dask worker --nthreads 2`."""

    def start(kind, *words):
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words, "--no-dashboard"]
        return subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)

    file = folder / "scheduler.json"
    options = ("--host", "127.0.0.1", "--port", "0", "--scheduler-file", str(file))
    scheduler = start("scheduler", *options)
    deadline = time.monotonic() + 60
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    address = json.loads(file.read_text())["address"]
    pool = [start("worker", address, "--nthreads", "2", "--no-nanny") for _ in range(workers)]
    try:
        yield address, scheduler, pool
    finally:
        for process in (*pool, scheduler):
            process.kill()
            process.wait()


def test_a_cluster_that_is_lost_is_said(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(executor, "NO_WORKER_SECONDS", 3.0)
    messages = []
    with dask(tmp_path) as (address, scheduler, workers):
        with cluster.client_of(1, address) as client:
            pool = Executor(client, say=messages.append)
            pool.submit(os.getpid, name="who")
            assert pool.next_result() == ("who", workers[0].pid)
            assert pool.slots == 1  # two threads, one process
            pool.submit(time.sleep, 600)
            time.sleep(0.5)
            workers[0].send_signal(signal.SIGKILL)
            began = time.monotonic()
            with pytest.raises(EdgekitError, match="had no worker for 3 s; what was finished is"):
                pool.next_result()
            assert time.monotonic() - began < 15
            assert "has no worker; waiting 3 s for one" in messages[-1]
            scheduler.kill()
            scheduler.wait()
            began = time.monotonic()
            with pytest.raises(
                EdgekitError, match=r"scheduler at tcp://\S+ is gone; what was finish"
            ):
                pool.next_result()
        assert time.monotonic() - began < 15  # the client is closed by now
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("", "")


def test_a_process_does_one_thing_at_a_time():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(1, processes=False, threads_per_worker=3, dashboard_address=None) as there,
        Client(there) as client,
    ):

        def work():
            began = time.monotonic()
            time.sleep(0.02)
            return began, time.monotonic()

        pool = Executor(client)
        for n in range(9):
            pool.submit(work, name=n)
        spans = sorted(pool.next_result()[1] for _ in range(9))
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))


def test_what_raises_is_tried_again_but_not_for_ever():
    tried = []

    def moody(fails):
        tried.append(fails)
        if len([t for t in tried if t == fails]) <= fails:
            raise OSError("away")
        return "done"

    found = dict(Executor().map(moody, {"never": (0,), "once": (1,), "always": (99,)}))
    assert (found["never"], found["once"]) == ("done", "done")
    assert isinstance(found["always"], OSError)
    assert tried.count(99) == executor.TRIES


def test_a_context_is_made_once_for_all_threads():
    built = []
    once = objective._once(lambda config: (time.sleep(0.05), built.append(config)))
    threads = [threading.Thread(target=once, args=("terms",)) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == ["terms"]
