"""`edgekit fleet simulate|status|rollout|release|label`: many devices over many weeks."""

from __future__ import annotations

from edgekit.cli import fleet_labels, fleet_release, fleet_rollout
from edgekit.cli.fleet_folder import database_of
from edgekit.cli.types import float_between, int_between
from edgekit.core import escape
from edgekit.fleet import POLICIES


def add(commands) -> None:
    """Hang the commands into the parser of `edgekit`."""
    fleet = commands.add_parser("fleet", help="simulate a fleet over months; watch a rollout")
    verbs = fleet.add_subparsers(required=True, metavar="VERB")
    simulate = verbs.add_parser(
        "simulate", help="run the weekly loop; goes on where it was stopped"
    )
    simulate.add_argument("use_case")
    simulate.add_argument("--devices", type=int_between(1, 100_000), default=20)
    simulate.add_argument("--weeks", type=int_between(1, 520), default=26)
    simulate.add_argument(
        "--policy", choices=POLICIES, default="loop", help="frozen, full: its controls"
    )
    simulate.add_argument("--profile", choices=("quick", "full"), default="quick")
    simulate.add_argument("--offline", action="store_true", help="simulated data alone")
    simulate.add_argument(
        "--no-drift", action="store_true", help="a world in which nothing changes"
    )
    simulate.add_argument("--seed", type=int_between(0, 2**31 - 1), default=0)
    simulate.add_argument(
        "--labels", type=float_between(0, 1), default=0.02, help="share of the windows"
    )
    simulate.add_argument(
        "--label-error", type=float_between(0, 1), default=0.0, help="share of labels"
    )
    simulate.add_argument(
        "--labellers", type=int_between(1, 100), default=1, help="people who label each window"
    )
    simulate.add_argument(
        "--folder", default="", help="where it lives; else fleet/ beside the runs"
    )
    simulate.add_argument("--workers", type=int_between(1, 256), default=1, help="processes here")
    simulate.add_argument("--scheduler", default="", help="a Dask scheduler, tcp://host:port")
    simulate.set_defaults(do=_simulate)
    status = verbs.add_parser("status", help="accuracy, bytes, labels and releases by week")
    status.add_argument("run", help="the fleet's folder, its database or that one's URL")
    status.set_defaults(do=_status)
    fleet_rollout.add(verbs)
    fleet_release.add(verbs)
    fleet_labels.add(verbs)


def _simulate(args) -> int:
    from edgekit.fleet.loop import Plan
    from edgekit.fleet.simulation import simulate

    done = simulate(
        args.use_case, devices=args.devices, weeks=args.weeks, profile=args.profile,
        offline=args.offline, seed=args.seed, drift=not args.no_drift, folder=args.folder,
        workers=args.workers, scheduler=args.scheduler,
        plan=Plan(args.policy, args.labels, args.label_error, args.labellers),
        say=lambda text: print(escape.line(text), flush=True),
    )  # fmt: skip
    print(f"{done.folder}: accuracy {done.summary.accuracy():.3f} on simulated drift")
    return 0


def _status(args) -> int:
    from edgekit.cloud.database import open_database
    from edgekit.fleet.status import summary

    engine = open_database(database_of(args.run))
    try:
        found = summary(engine)
    finally:
        engine.dispose()
    for row in found.weeks.itertuples():
        print(
            f"week {row.week + 1:3}  accuracy {row.accuracy:.3f}  "
            f"{row.drifted:.0f} of {row.devices} drifted  "
            f"{row.bytes_up:,} bytes up, {row.bytes_down:,} down  {row.energy_mj:,.1f} mJ (estimated)"
        )
    for row in found.releases.itertuples():
        print(
            escape.line(
                f"release {row.number}: {row.state}, {row.package_bytes:,} bytes, week {row.week + 1}"
            )
        )
    print(f"{found.labels:,} labels, {found.labelled_share:.2%} of the windows")
    return 0
