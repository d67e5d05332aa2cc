"""Who does the work: this process, or the workers of a Dask cluster, one task at a time in each of them."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.search.cluster import check_shared, client_of

NO_WORKER_SECONDS = 300.0  # seconds that a cluster may be without a worker
RESPONSE_SECONDS = 10.0  # seconds in which a scheduler answers
POLL_SECONDS = 2.0  # seconds between two looks at the cluster
TRIES = 2  # of a task whose worker died, or that raised

_one = threading.Lock()


def run_exclusively(do: Callable, *arguments):
    """`do(*arguments)` while no other thread of this process does such a thing.

    TensorFlow's seeds and layer names, its captured error stream, matplotlib and the working directory belong
    to the whole process: of two trainings in two threads neither would give what it gives alone.
    """
    with _one:
        return do(*arguments)


class Executor:
    """`client`'s workers, or with None this very process, given one task after another."""

    def __init__(self, client=None, say: Callable[[str], None] = print):
        self.client, self.say = client, say
        self.futures: dict = {}
        self._own: list = []
        self._gone = False
        if client:
            self._wait_until(lambda: bool(self.check()))

    @property
    def slots(self) -> int:
        """How many tasks are done at once: one in each process, however many threads it has."""
        return max(1, len(self.check())) if self.client else 1

    @property
    def busy(self) -> int:
        return len(self.futures) + len(self._own)

    def submit(self, do: Callable, *arguments, name=None) -> None:
        """Have `do(*arguments)` done; `name` comes back with its result."""
        if self.client is None:
            self._own.append((name, do, arguments))
        else:
            self.futures[self.client.submit(run_exclusively, do, *arguments, pure=False)] = name

    def next_result(self):
        """(name, result) of the next task that is done; its exception instead, if it had one.

        Raises EdgekitError when the scheduler is gone, or was without a worker for NO_WORKER_SECONDS.
        """
        if self.client is None:
            name, do, arguments = self._own.pop(0)
            try:
                return name, do(*arguments)
            except Exception as error:
                return name, error
        self._wait_until(lambda: any(f.done() for f in self.futures))
        future = next(f for f in self.futures if f.done())
        name = self.futures.pop(future)
        try:
            return name, future.result(timeout=RESPONSE_SECONDS)
        except Exception as error:
            self.check()  # of a scheduler that is gone, every task is cancelled
            return name, error

    def result(self, do: Callable, *arguments):
        """`do(*arguments)` by one of the workers; raises what it raises."""
        self.submit(do, *arguments)
        _, result = self.next_result()
        if isinstance(result, Exception):
            raise result
        return result

    def map(self, do: Callable, tasks: dict) -> Iterator:
        """(name, result) of `do(*arguments)` for each `{name: arguments}`, as they come.

        What raises is tried again, TRIES times together; then its exception is the result.
        """
        waiting, tries = list(tasks), dict.fromkeys(tasks, 0)
        while waiting or self.busy:
            while waiting and self.busy < self.slots:
                name = waiting.pop(0)
                tries[name] += 1
                self.submit(do, *tasks[name], name=name)
            name, result = self.next_result()
            if isinstance(result, Exception) and tries[name] < TRIES:
                waiting.append(name)
            else:
                yield name, result

    def stop(self) -> None:
        """Forget what has not been done."""
        if self.client is not None and self.futures:
            self.client.cancel(list(self.futures), force=True)
        self.futures, self._own = {}, []

    def check(self) -> dict:
        """The workers' addresses with their threads. Raises EdgekitError if the scheduler is gone."""
        try:
            if self._gone or self.client.status != "running":
                raise OSError
            return self.client.sync(self.client.scheduler.ncores, callback_timeout=RESPONSE_SECONDS)
        except OSError:  # TimeoutError is one
            self._gone = True
            raise EdgekitError(
                f"the Dask scheduler at {_address(self.client)} is gone; what was finished is kept: "
                "the same command goes on from here"
            ) from None

    def _wait_until(self, ready: Callable[[], bool]) -> None:
        """Look again until `ready()`; says what keeps the cluster from it."""
        alone_since, looked = None, 0.0
        while not ready():
            time.sleep(0.05)
            if time.monotonic() - looked < POLL_SECONDS:
                continue
            workers, looked = self.check(), time.monotonic()
            if workers:
                if alone_since is not None:
                    self.say("a worker is there again")
                alone_since = None
            elif alone_since is None:
                alone_since = looked
                self.say(
                    f"the Dask scheduler at {_address(self.client)} has no worker; "
                    f"waiting {NO_WORKER_SECONDS:g} s for one"
                )
            elif looked - alone_since > NO_WORKER_SECONDS:
                raise EdgekitError(
                    f"the Dask scheduler at {_address(self.client)} had no worker for "
                    f"{NO_WORKER_SECONDS:g} s; "
                    "what was finished is kept: the same command goes on from here"
                )


@contextmanager
def executor(
    workers: int,
    scheduler: str,
    shared: Path,
    plugin: Callable | None = None,
    say: Callable[[str], None] = print,
) -> Iterator[Executor]:
    """This process for one worker, else Dask's, all of which see the folder `shared`.

    `plugin()` makes a `distributed.WorkerPlugin`, for each worker to begin with. Raises EdgekitError, in one
    line, when the cluster is lost.
    """
    if workers == 1 and not scheduler:
        yield Executor(say=say)
        return
    with client_of(workers, scheduler) as client:
        executor = Executor(client, say)
        first = plugin and plugin()
        try:
            check_shared(client, shared)
            if first:
                client.register_plugin(first)
            yield executor
        except EdgekitError:
            raise
        except Exception:  # Optuna's storage lies behind the scheduler, too
            executor.check()
            raise
        finally:
            with contextlib.suppress(Exception):
                executor.check()
                executor.stop()
                if first and scheduler:  # its workers live on
                    client.unregister_worker_plugin(first.name)


def _address(client) -> str:
    return client.scheduler.address if client.scheduler else "its address"
