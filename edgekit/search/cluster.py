"""Dask: processes of this machine, or a scheduler somewhere else. Optuna's storage goes through it too."""

from __future__ import annotations

import logging
import os
import signal
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from edgekit.errors import EdgekitError

# One thread for whatever multiplies matrices: as many workers as cores share a machine best that way.
THREADS = {
    name: "1"
    for name in (
        "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
        "TF_NUM_INTEROP_THREADS",
    )
}  # fmt: skip
PATIENCE = "30s"  # for a scheduler to answer, and for its first worker


def need(*modules: str) -> None:
    """Raises EdgekitError where the extra is not installed."""
    try:
        for name in modules:
            import_module(name)
    except ImportError as error:
        raise EdgekitError(
            f"this needs Optuna and Dask ({error.name} is missing): pip install 'edgekit[search]'"
        ) from None


@contextmanager
def client_of(workers: int, scheduler: str = "") -> Iterator:
    """A Dask client: of `scheduler` ("tcp://host:port"), or of `workers` processes started here.

    Raises EdgekitError where nobody answers.
    """
    need("distributed")
    import dask
    from distributed import Client, LocalCluster

    warnings.filterwarnings("ignore", message="DaskStorage is experimental")  # since 2022
    for name in ("distributed", "distributed.worker", "distributed.nanny", "distributed.scheduler"):
        logging.getLogger(name).setLevel(logging.ERROR)
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
                said = str(error).splitlines()[0] if str(error) else type(error).__name__
                raise EdgekitError(f"no Dask scheduler answers at {scheduler} ({said})") from None
            with client:
                yield client
            return
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address="127.0.0.1:0",  # else a second search warns that the first has the port
            memory_limit=0,
            env=THREADS | {k: v for k, v in os.environ.items() if k.startswith("EDGEKIT_")},
        )
        with cluster, Client(cluster) as client:
            client.run(_leave_interrupts)
            yield client


def _leave_interrupts() -> None:
    """Ctrl-C reaches every process of the terminal; only the one that was typed shall answer it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def slots(client) -> int:
    """How many tasks the cluster runs at once. Raises EdgekitError if it has no worker."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise EdgekitError(f"the scheduler at {client.scheduler.address} has no worker") from None
    return max(1, sum(client.nthreads().values()))


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


class Crew:
    """`client`'s workers, or with None this very process, given one task after another."""

    def __init__(self, client=None):
        self.client, self.futures = client, {}
        self.slots = slots(client) if client else 1
        self._own: list = []

    @property
    def busy(self) -> int:
        return len(self.futures) + len(self._own)

    def give(self, do: Callable, *arguments, name=None) -> None:
        """Have `do(*arguments)` done; `name` comes back with its result."""
        if self.client is None:
            self._own.append((name, do, arguments))
        else:
            self.futures[self.client.submit(do, *arguments, pure=False)] = name

    def take(self):
        """(name, result) of the next task that is done; its exception instead, if it had one."""
        if self.client is None:
            name, do, arguments = self._own.pop(0)
            try:
                return name, do(*arguments)
            except Exception as error:
                return name, error
        from distributed import as_completed

        future = next(iter(as_completed(list(self.futures))))
        name = self.futures.pop(future)
        error = future.exception()
        return name, error if error is not None else future.result()

    def map(self, do: Callable, tasks: dict) -> Iterator:
        """(name, result) of `do(*arguments)` for each `{name: arguments}`, as they come."""
        waiting = list(tasks.items())
        while waiting or self.busy:
            while waiting and self.busy < self.slots:
                name, arguments = waiting.pop(0)
                self.give(do, *arguments, name=name)
            yield self.take()

    def stop(self) -> None:
        """Forget what has not been done."""
        if self.client is not None and self.futures:
            self.client.cancel(list(self.futures), force=True)
        self.futures, self._own = {}, []


@contextmanager
def crew(
    workers: int, scheduler: str, shared: Path, plugin: Callable | None = None
) -> Iterator[Crew]:
    """This process for one worker, else Dask's, all of which see the folder `shared`.

    `plugin()` makes a `distributed.WorkerPlugin`, for each worker to begin with.
    """
    if workers == 1 and not scheduler:
        yield Crew()
        return
    with client_of(workers, scheduler) as client:
        made = Crew(client)
        check_shared(client, shared)
        first = plugin and plugin()
        if first:
            client.register_plugin(first)
        try:
            yield made
        finally:
            made.stop()
            if first and scheduler:  # its workers live on
                client.unregister_worker_plugin(first.name)
