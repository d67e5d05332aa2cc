"""Flower's own simulation: the same apps, and clients that train in processes of Ray, one a processor.

An option, for who has many cores: on two, starting Ray takes longer than a chapter's federation.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.federate.client import client_app
from edgekit.federate.clients import Client
from edgekit.federate.deployment import apps
from edgekit.federate.flower import Context, Grid, ServerApp
from edgekit.federate.plan import Plan
from edgekit.federate.server import Federated, federate

WAIT = 60.0  # seconds for all clients to be known
RAY = {"include_dashboard": False, "log_to_driver": False}


def simulated(clients: Sequence[Client], settings: Mapping[str, Any], plan: Plan) -> Federated:
    """`clients` by `plan`, each training in a process of Ray's; `settings` as `apps.settings` makes them.

    Replies are summed as they come: equal to a run in process but for rounding. Raises EdgekitError where Ray
    is missing or does not start, for a plan whose clients are away or lie, and as `federate` does.
    """
    if plan.dropout or plan.poisoned:
        raise EdgekitError("who is away or lies is for a run in process: take a plan without")
    # Ray's server listens on every address of the machine: nobody without this run's token is answered
    os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    try:
        import ray  # noqa: F401
        from flwr.simulation import run_simulation
    except ImportError:
        raise missing("a simulation in Ray needs", "ray") from None
    student = partial(_student, tuple(settings.items()))
    app = client_app(partial(_own, tuple(clients)), student, settings["classes"])
    server, found = ServerApp(), []

    @server.main()
    def main(grid: Grid, context: Context) -> None:
        until = time.monotonic() + WAIT
        while len(list(grid.get_node_ids())) < len(clients) and time.monotonic() < until:
            time.sleep(0.1)
        found.append(federate(grid, plan, student().arrays()))

    config: Any = {"init_args": RAY}
    try:
        run_simulation(server, app, len(clients), backend_config=config)
    except EdgekitError:
        raise
    except Exception as error:
        raise EdgekitError(
            f"Flower's simulation ended with {type(error).__name__}: {error}; run it in process"
        ) from None
    return found[0]


@cache
def _student(settings: tuple[tuple[str, Any], ...]):
    """Made once a process, since that takes longer than a client's training."""
    return apps.student(dict(settings))


def _own(clients: Sequence[Client], context: Context) -> Client:
    return clients[int(context.node_config["partition-id"])]
