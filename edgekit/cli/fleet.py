"""`edgekit fleet …`: simulate a fleet, see how it fares, hold or take back a rollout."""

from __future__ import annotations

from pathlib import Path

from edgekit.cli.types import float_between, int_between
from edgekit.core.errors import EdgekitError


def add(commands) -> None:
    fleet = commands.add_parser("fleet", help="many devices over months: simulate, status, rollout")
    verbs = fleet.add_subparsers(required=True, metavar="VERB")
    simulate = verbs.add_parser("simulate", help="devices, drifts, labels, updates, week by week")
    simulate.add_argument("use_case", help="bearing, or a folder's name in usecases/")
    simulate.add_argument("--devices", type=int_between(1, 100_000), default=20)
    simulate.add_argument("--weeks", type=int_between(1, 520), default=26)
    simulate.add_argument("--profile", default="quick", choices=["quick", "full"])
    simulate.add_argument("--offline", action="store_true", help="simulated data only, no download")
    simulate.add_argument("--seed", type=int_between(0, 2**31 - 1), default=0)
    simulate.add_argument(
        "--policy", default="loop", choices=["loop", "frozen", "full"],
        help="frozen: nothing is ever done; full: everything is retrained and sent, weekly",
    )  # fmt: skip
    simulate.add_argument(
        "--no-drift", action="store_true", help="a world in which nothing changes"
    )
    simulate.add_argument(
        "--severity", type=float_between(0, 1), default=1.0, help="of the drifts, 0 to 1 (1)"
    )
    simulate.add_argument(
        "--label-error",
        type=float_between(0, 1),
        default=0.0,
        help="share of labels that are wrong",
    )
    simulate.add_argument(
        "--folder", default="", help="where the fleet lives (default: runs/fleet/…)"
    )
    simulate.add_argument("--workers", type=int_between(1, 256), default=1, help="processes (1)")
    simulate.add_argument(
        "--scheduler", default="", metavar="tcp://HOST:PORT", help="a Dask cluster instead"
    )
    simulate.set_defaults(do=_simulate)
    status = verbs.add_parser("status", help="weeks, releases and rollouts of a fleet")
    _where(status)
    status.set_defaults(do=_status)
    rollout = verbs.add_parser("rollout", help="pause, resume or abort one; retry a device")
    rollout.add_argument("what", choices=["pause", "resume", "abort", "retry"])
    _where(rollout)
    rollout.add_argument(
        "--rollout", type=int_between(1, 2**31 - 1), default=0, help="its number (the newest)"
    )
    rollout.add_argument("--device", default="", help="of a retry; else all that failed")
    rollout.set_defaults(do=_rollout)


def _where(parser) -> None:
    parser.add_argument(
        "folder", help="of a fleet's policy, with its fleet.db; or a database's URL"
    )


def _simulate(args) -> int:
    from edgekit.core.workspace import Workspace
    from edgekit.fleet.simulate import simulate
    from edgekit.fleet.world import WorldSpec

    spec = WorldSpec(
        args.use_case, args.profile, args.offline, args.seed, args.devices, args.weeks,
        severity=args.severity, folder=Workspace.find().folder,
    )  # fmt: skip
    done = simulate(
        args.use_case, spec=spec, profile=args.profile, offline=args.offline, policy=args.policy,
        label_error=args.label_error, drift=not args.no_drift, folder=args.folder, workers=args.workers,
        scheduler=args.scheduler,
    )  # fmt: skip
    s = done.summary
    print(
        f"accuracy {s.accuracy():.3f}, of the last quarter {s.accuracy(max(1, args.weeks // 4)):.3f} (simulated); "
        f"labels for {s.labelled_share:.2%} of the windows; {s.bytes_down:,} bytes of updates"
    )
    print(f"fleet: {done.folder}")
    return 0


def _status(args) -> int:
    from edgekit.fleet.status import summary

    engine = _database(args.folder)
    found = summary(engine)
    engine.dispose()
    if not len(found.weeks):
        print("no week has been seen yet")
        return 0
    columns = ["week", "devices", "accuracy", "drifted", "bytes_up", "bytes_down", "emulated"]
    print(found.weeks[columns].to_string(index=False, float_format="{:.3f}".format))
    print(
        found.releases[["number", "base", "state", "week", "package_bytes"]].to_string(index=False)
    )
    if len(found.rollouts):
        print(found.rollouts.to_string(index=False))
    return 0


def _rollout(args) -> int:
    from sqlalchemy import func, select

    from edgekit.cloud.tables import rollouts
    from edgekit.fleet.commands import ask

    engine = _database(args.folder)
    with engine.begin() as connection:
        rollout = args.rollout or connection.scalar(select(func.max(rollouts.c.id)))
        if not rollout:
            raise EdgekitError(f"{args.folder} has no rollout yet")
        ask(connection, rollout, args.what, args.device)
    engine.dispose()
    print(f"rollout {rollout}: {args.what} is asked for, and obeyed at the loop's next step")
    return 0


def _database(where: str):
    """Raises EdgekitError where there is none: nothing is made here."""
    from edgekit.cloud.database import open_database

    if "://" in where:
        return open_database(where)
    path = Path(where)
    path = path / "fleet.db" if path.is_dir() else path
    if not path.is_file():
        raise EdgekitError(f"{path}: no fleet there; `edgekit fleet simulate` makes one")
    return open_database(path)
