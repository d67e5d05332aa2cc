"""Dask: processes of this machine, or a scheduler somewhere else. Optuna's storage goes through it too."""

from __future__ import annotations

import logging
import os
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.core.spawn import without_main

# One thread for whatever multiplies matrices: as many workers as cores share a machine best that way.
THREADS = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    )
}  # fmt: skip
PATIENCE = "12s"  # for a scheduler to answer


def need(*modules: str) -> None:
    """Raises EdgekitError where the extra is not installed."""
    try:
        for name in modules:
            import_module(name)
    except ImportError as error:
        raise missing("searches and clusters need", error.name, "search") from None


@contextmanager
def client_of(workers: int, scheduler: str = "") -> Iterator:
    """A Dask client: of `scheduler` ("tcp://host:port"), or of `workers` processes started here.

    Raises EdgekitError where nobody answers.
    """
    need("distributed")
    import dask
    from distributed import Client, LocalCluster

    warnings.filterwarnings("ignore", message="DaskStorage is experimental")  # since 2022
    for name in ("", ".worker", ".nanny", ".scheduler", ".client", ".utils"):
        # what matters, `executor` says in a line
        logging.getLogger(f"distributed{name}").setLevel(logging.CRITICAL)
    calm = {
        "distributed.admin.tick.limit": "10m",  # importing TensorFlow holds the event loop up
        "distributed.scheduler.allowed-failures": 2,
        "distributed.worker.memory.terminate": False,
        "distributed.comm.timeouts.connect": PATIENCE,
    }
    with dask.config.set(calm):
        if scheduler:
            try:
                client = Client(scheduler, timeout=PATIENCE)
            except (OSError, ValueError) as error:
                why = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise EdgekitError(f"no Dask scheduler answers at {scheduler} ({why})") from None
            with client:
                yield client
            return
        with without_main():  # all along: a worker that dies is started again
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                dashboard_address="127.0.0.1:0",  # else a second search warns that the first has the port
                memory_limit=0,
                env=THREADS | {k: v for k, v in os.environ.items() if k.startswith("EDGEKIT_")},
            )
            with cluster, Client(cluster, timeout="60s") as client:
                client.run(_leave_interrupts)
                yield client


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of the terminal; only the one that was typed shall answer it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def check_shared(client, path: Path) -> None:
    """Raises EdgekitError unless the scheduler and all workers see `path`."""
    where = str(path)
    seen = {"the scheduler": client.run_on_scheduler(os.path.exists, where)}
    seen |= client.run(os.path.exists, where)
    blind = [str(who) for who, sees in seen.items() if not sees]
    if blind:
        raise EdgekitError(
            f"{', '.join(blind)} cannot see {where}: put the run on a file system that all share"
        )
