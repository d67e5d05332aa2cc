"""`edgekit cloud …`: serve, tokens, deletion."""

from __future__ import annotations

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from edgekit.cli.types import int_between
from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError

DATABASE, OBJECTS = "EDGEKIT_DATABASE", "EDGEKIT_OBJECTS"  # a URL with a password is no argument


def add(commands) -> None:
    """Hang the commands into the parser of `edgekit`."""
    cloud = commands.add_parser("cloud", help="the fleet's service: serve, token, forget, clean")
    verbs = cloud.add_subparsers(required=True, metavar="VERB")
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument(
        "--database", default=os.environ.get(DATABASE) or "cloud.db", metavar="URL",
        help=f"a SQLite file, or postgresql://… ({DATABASE}, cloud.db)",
    )  # fmt: skip
    where.add_argument(
        "--objects", default=os.environ.get(OBJECTS) or "objects", metavar="URL",
        help=f"a folder, or what fsspec takes: s3://… ({OBJECTS}, objects)",
    )  # fmt: skip
    keep = argparse.ArgumentParser(add_help=False)
    keep.add_argument(
        "--keep-days", action="append", default=[], type=_days, metavar="KIND=DAYS",
        help="delete what is older: report, segment, sketch, health, opinion, drift or sample",
    )  # fmt: skip

    serve = verbs.add_parser("serve", parents=[where, keep], help="until interrupted")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int_between(0, 65_535), default=8000, help="8000; 0: any")
    serve.add_argument("--certificate", default="", help="a PEM file: serve by TLS")
    serve.add_argument("--key", default="", help="its key; else the .key beside it")
    serve.set_defaults(do=_serve)

    token = verbs.add_parser("token", parents=[where], help="a new token, shown once")
    token.add_argument("name", help="of the gateway, or the operator")
    token.add_argument("--operator", action="store_true", help="reads, and commands rollouts")
    token.add_argument("--revoke", action="store_true", help="take the token back instead")
    token.set_defaults(do=_token)

    forget = verbs.add_parser("forget", parents=[where], help="delete all that is about a device")
    forget.add_argument("device")
    forget.add_argument("--receipt", default="", metavar="FILE", help="write what was removed")
    forget.set_defaults(do=_forget)

    clean = verbs.add_parser("clean", parents=[where, keep], help="delete what is old or nobody's")
    clean.set_defaults(do=_clean)


def _days(text: str) -> tuple[str, float]:
    kind, _, days = text.partition("=")
    try:
        return kind, float(days)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text[:40]!r}: write KIND=DAYS, segment=30") from None


def _open(args, must_exist: bool = False):
    from edgekit.cloud.database import open_database

    if must_exist and "://" not in args.database and not Path(args.database).is_file():
        raise EdgekitError(f"there is no database {args.database}: name it (--database)")
    return open_database(args.database)


def _objects(args):
    from edgekit.cloud.objects import Objects

    return Objects(args.objects)


def _serve(args) -> int:
    from edgekit.cloud.serve import serve
    from edgekit.core.safe_files import read_private_file

    certificate = key = None
    if args.certificate:
        certificate = Path(args.certificate)
        beside = certificate.with_suffix(".key")
        key = Path(args.key) if args.key else beside if beside.is_file() else certificate
        read_private_file(key)
    elif args.key:
        raise EdgekitError("--key belongs to a --certificate: name it, too")
    serve(
        _open(args), _objects(args), args.host, args.port, certificate=certificate, key=key,
        days=dict(args.keep_days),
    )  # fmt: skip
    return 0


def _token(args) -> int:
    from edgekit.cloud import tokens
    from edgekit.cloud.database import writing

    kind = "operator" if args.operator else "gateway"
    with writing(_open(args, must_exist=args.revoke)) as connection:
        if args.revoke:
            tokens.revoke(connection, args.name, kind)
            print(f"the token of {kind} {args.name} opens nothing any more")
            return 0
        made = tokens.make_token(connection, args.name, kind)
    said = f"token of {kind} {args.name}, shown this once; one from before opens nothing now:"
    print(said, file=sys.stderr)  # what goes into a file is the token alone
    print(made)
    return 0


def _forget(args) -> int:
    from edgekit.cloud import privacy

    done = privacy.forget(_open(args, must_exist=True), _objects(args), args.device)
    done["time"] = datetime.fromtimestamp(done["time"], UTC).isoformat(timespec="seconds")
    if args.receipt:
        atomic_write_bytes(Path(args.receipt), json.dumps(done, indent=1).encode())
    print(f"forgotten: {args.device}, whose name's SHA-256 {done['device_sha256']} stays")
    for what, n in done["removed"].items():
        print(f"  {n:>10,} {what.replace('_', ' ')}")
    if not done["rewritten"]:
        print("the database is in use and was not rewritten: give the same command again later")
    return 0


def _clean(args) -> int:
    from edgekit.cloud import privacy

    engine, objects = _open(args, must_exist=True), _objects(args)
    gone = privacy.keep(engine, objects, dict(args.keep_days))
    gone["object without a row"] = privacy.clean(engine, objects)
    print(*(f"{n:>10,} {kind}" for kind, n in gone.items()), sep="\n")
    return 0
