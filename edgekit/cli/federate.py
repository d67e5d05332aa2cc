"""`edgekit federate …`: serve, join, run: a plan of federated learning between processes and machines."""

from __future__ import annotations

import argparse
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from edgekit.cli.types import float_between, int_between
from edgekit.core import escape
from edgekit.core.errors import EdgekitError

PLAN = (
    "strategy",
    "rounds",
    "epochs",
    "rate",
    "updates",
    "seed",
)  # what the command line may change
LOOK = 0.5  # seconds between two looks at what runs


def add(commands) -> None:
    """Hang the commands into the parser of `edgekit`."""
    federate = commands.add_parser(
        "federate", help="learn from clients that keep their recordings: serve, join, run"
    )
    verbs = federate.add_subparsers(required=True, metavar="VERB")

    serve = verbs.add_parser("serve", help="the SuperLink, until interrupted")
    serve.add_argument("folder", help="of the federation: keys, certificates, database, results")
    serve.add_argument(
        "--host", default="127.0.0.1", choices=["127.0.0.1", "0.0.0.0"],
        help="0.0.0.0: other machines join, too (127.0.0.1)",
    )  # fmt: skip
    serve.add_argument("--port", type=int_between(0, 65_535), default=9443, help="9443; 0: any")
    serve.add_argument(
        "--name", action="append", default=[], metavar="HOST",
        help="further names and addresses of the certificate",
    )  # fmt: skip
    serve.add_argument(
        "--admit", action="append", default=[], type=_admission, metavar="NAME=FILE",
        help="know the node with this public key (node.pub) from now on",
    )  # fmt: skip
    serve.set_defaults(do=_serve)

    join = verbs.add_parser("join", help="a SuperNode with this machine's windows")
    join.add_argument("folder", help="of the node: its key, its windows, its state")
    join.add_argument("--superlink", default="", metavar="HOST:PORT", help="else: make a key only")
    join.add_argument("--ca", default="", metavar="FILE", help="ca.pem of the federation")
    join.add_argument("--number", type=int_between(0, 9999), help="that `serve` gave the node")
    join.add_argument("--use-case", default="", help="whose student is trained")
    join.add_argument(
        "--windows", default="", metavar="FILE", help=".npz: features X, class numbers y"
    )
    join.add_argument("--classes", type=int_between(2, 10_000), help="that the model tells apart")
    join.set_defaults(do=_join)

    run = verbs.add_parser("run", help="a plan, on all nodes; the result is federated.npz")
    run.add_argument("folder", help="that `serve` serves; with --loopback and --ray any")
    run.add_argument("--use-case", required=True, help="whose student is trained")
    here = run.add_mutually_exclusive_group()
    here.add_argument(
        "--loopback", type=int_between(2, 64), metavar="N",
        help="start it all here and end it: a SuperLink, and a node for each of N clients",
    )  # fmt: skip
    here.add_argument(
        "--ray", type=int_between(2, 1000), metavar="N",
        help="Flower's simulation of N clients in Ray's processes (pip install ray)",
    )  # fmt: skip
    run.add_argument("--classes", type=int_between(2, 10_000), help="that the model tells apart")
    plan = run.add_argument_group("the plan", "what is left out is as the use case has it")
    plan.add_argument("--strategy", help="of Flower: FedAvg, FedProx, FedMedian …")
    plan.add_argument("--rounds", type=int_between(1, 10_000))
    plan.add_argument("--epochs", type=int_between(1, 1000), help="of a client in a round")
    plan.add_argument("--rate", type=float_between(1e-6, 10), help="of SGD")
    plan.add_argument("--updates", help="float32, int8 or top")
    plan.add_argument("--seed", type=int_between(0, 2**31 - 1))
    run.add_argument(
        "--patience", type=float_between(1, 86_400), default=300.0,
        help="seconds for the answers of a round (300)",
    )  # fmt: skip
    run.set_defaults(do=_run)


def _admission(text: str) -> tuple[str, Path]:
    name, sign, file = text.partition("=")
    if not (sign and name and file):
        raise argparse.ArgumentTypeError(f"{text[:80]!r}: write NAME=FILE, anna=node.pub")
    return name, Path(file)


def _serve(args) -> int:
    from edgekit.federate.deployment import certificates
    from edgekit.federate.deployment.superlink import superlink

    folder = Path(args.folder)
    if args.host == "0.0.0.0" and not args.name:
        raise EdgekitError("--name: what do other machines call this one? Its certificate says it")
    with superlink(folder, args.name, args.host, args.port) as link:
        for name, key in args.admit:
            print(f"node {name} is admitted: it joins with --number {link.admit(name, key)}")
        until = certificates.valid_until(link.folder)
        print(f"serving {args.host}:{link.port}, {len(link.nodes())} node(s) admitted")
        print(
            f"nodes need {link.folder / certificates.CA}, good until {until:%d %B %Y}", flush=True
        )
        return _watch(link.process)


def _join(args) -> int:
    from edgekit.federate.deployment import apps, certificates
    from edgekit.federate.deployment.supernode import supernode

    folder = Path(args.folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if args.windows:
        if not (args.use_case and args.classes):
            raise EdgekitError("--windows are of a model: name --use-case and --classes, too")
        _, workspace = _use_case(args.use_case)
        own = apps.read_windows(Path(args.windows), args.classes)
        apps.write_node(folder, own.X, own.y, apps.settings(args.use_case, workspace, args.classes))
    key = certificates.node_key(folder)
    if not args.superlink:
        print(
            f"this node's public key is {key}: `edgekit federate serve … --admit NAME={key.name}`"
        )
        return 0
    if not args.ca or args.number is None:
        raise EdgekitError("--superlink needs --ca and --number: who serves gave you both")
    if not (folder / apps.CLIENT).exists():
        raise EdgekitError(f"{folder} has no windows: join with --windows, once")
    with supernode(folder, args.superlink, Path(args.ca), args.number) as node:
        print(f"joining as number {args.number}; {node.log} tells more", flush=True)
        return _watch(node)


def _watch(process) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # of a service: in good order, too
    while process.alive:
        time.sleep(LOOK)
    raise EdgekitError(f"{process.name} {process.how()}")


def _run(args) -> int:
    from edgekit.federate.deployment import apps
    from edgekit.federate.deployment.superlink import RESULT, served
    from edgekit.federate.deployment.supernode import loopback
    from edgekit.federate.plan import Plan

    case, workspace = _use_case(args.use_case)
    asked = {name: value for name in PLAN if (value := getattr(args, name)) is not None}
    plan = Plan.of(case.FEDERATE, **asked)
    if args.ray:
        return _simulate(Path(args.folder), case, workspace, args.ray, plan)
    with ExitStack() as stack:
        if args.loopback:
            clients, classes = _clients(case, args.loopback)
            settings = apps.settings(args.use_case, workspace, classes)
            link, _ = stack.enter_context(loopback(Path(args.folder), clients, settings))
        elif not args.classes:
            raise EdgekitError("--classes: how many does the model tell apart?")
        else:
            link, classes = served(Path(args.folder)), args.classes
        from edgekit.federate.network import Network  # TensorFlow: not before all else is right

        begun = time.monotonic()
        arrays = Network(case, classes, seed=plan.seed).arrays()
        found = link.run(plan, arrays, patience=args.patience)
    _tell(found, plan.rounds, len(link.nodes()), begun, link.folder / RESULT)
    return 0


def _simulate(folder: Path, case, workspace: Path, most: int, plan) -> int:
    from edgekit.federate.deployment import apps
    from edgekit.federate.deployment.superlink import RESULT
    from edgekit.federate.simulation import simulated

    clients, classes = _clients(case, most)
    begun = time.monotonic()
    found = simulated(clients, apps.settings(case.name, workspace, classes), plan)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    apps.write_result(folder / RESULT, found)
    _tell(found, plan.rounds, len(clients), begun, folder / RESULT)
    return 0


def _tell(found, rounds: int, nodes: int, begun: float, result: Path) -> None:
    for left_out in found.refused:
        print(escape.line(str(left_out)))
    seconds, windows = time.monotonic() - begun, int(found.statistics.counts.sum())
    print(f"{rounds} rounds of {nodes} nodes, {windows:,} windows: {seconds:.0f} s")
    print(f"result: {result}")


def _use_case(name: str) -> tuple[Any, Path]:
    from edgekit import usecases
    from edgekit.core.workspace import Workspace

    workspace = Workspace.find().folder
    return usecases.load(name, workspace), workspace


def _clients(case, most: int):
    """The first `most` clients of the use case's own groups, in its target domain."""
    from edgekit.federate.clients import folds

    recordings = case.recordings("field", "quick", seed=0)
    windows = case.windows([case.prepare(r) for r in recordings], "quick")
    clients = folds(case, windows)[0].clients
    if len(clients) < most:
        raise EdgekitError(
            f"{case.name} has {len(clients)} clients to train: ask for {len(clients)}"
        )
    return clients[:most], len(windows.classes)
