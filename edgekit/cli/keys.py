"""`edgekit ota keys`, `latest`, `status`: whom devices trust, which release is the newest, how one fares.

A key list goes from signer to signer, each at home with a key of their own, as a package does.
"""

from __future__ import annotations

import time
from pathlib import Path

from edgekit.cli import key_files, run_device
from edgekit.cli.types import float_between, int_between
from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError

DAY = 86_400


def add(verbs, whom) -> None:
    """Hang the commands into the parser of `edgekit ota`. whom: the words that name a device."""
    keys = verbs.add_parser("keys", help="whom devices trust: a list that root keys sign")
    parts = keys.add_subparsers(required=True, metavar="VERB")

    make = parts.add_parser("make", help="the first list, which is compiled into devices")
    make.add_argument("file", help="to write, first.keys")
    make.add_argument("--vendor", required=True, help="your domain name")
    make.add_argument(
        "--root", action="append", required=True, metavar="PUBLIC", help="a root key, .pub.pem"
    )
    make.add_argument(
        "--signer", action="append", default=[], metavar="PUBLIC", help="who signs packages"
    )
    make.add_argument(
        "--threshold",
        type=int_between(1, 8),
        required=True,
        help="root keys that must sign a change",
    )
    make.set_defaults(do=_make)

    rotate = parts.add_parser("rotate", help="the next list, with other keys; not signed yet")
    rotate.add_argument("old")
    rotate.add_argument("new", help="to write")
    rotate.add_argument(
        "--root", action="append", default=[], metavar="PUBLIC", help="one more root key"
    )
    rotate.add_argument(
        "--signer", action="append", default=[], metavar="PUBLIC", help="one more signer"
    )
    rotate.add_argument(
        "--drop", action="append", default=[], metavar="ID", help="a root or signer that goes"
    )
    rotate.add_argument("--threshold", type=int_between(1, 8), default=0)
    rotate.add_argument(
        "--expires", type=float_between(0, 36_500), default=0, metavar="DAYS",
        help="until when devices may take it; 0: always",
    )  # fmt: skip
    rotate.set_defaults(do=_rotate)

    revoke = parts.add_parser(
        "revoke", help="the next list, in which these keys count no more; not signed yet"
    )
    revoke.add_argument("old")
    revoke.add_argument("new", help="to write")
    revoke.add_argument("id", nargs="+", help="of a key, 16 hex digits")
    revoke.set_defaults(do=_revoke)

    sign = parts.add_parser("sign", help="sign a list, where a root key is; one after the other")
    sign.add_argument("file")
    sign.add_argument("--key", required=True, help="a key file, or a PKCS#11 URI")
    sign.add_argument(
        "--old", default="", help="the list that devices have: say who is still missing"
    )
    sign.set_defaults(do=_sign)

    show = parts.add_parser(
        "show", help="what a list says, and who signed it; exit 1 if a device refuses it"
    )
    show.add_argument("file")
    show.add_argument("--old", default="", help="the list that devices have")
    show.set_defaults(do=_show)

    install = parts.add_parser("install", parents=[whom], help="onto the emulated device of a run")
    install.add_argument("file")
    _on_device(install)
    install.set_defaults(do=_install)

    latest = verbs.add_parser(
        "latest", help="a signed statement of the newest release, so that devices notice a freeze"
    )
    parts = latest.add_subparsers(required=True, metavar="VERB")
    sign_statement = parts.add_parser(
        "make", parents=[whom], help="for the class of devices of a run"
    )
    sign_statement.add_argument("run_dir")
    sign_statement.add_argument(
        "--sequence", type=int_between(1, 2**32 - 1), required=True, help="the release's number"
    )
    sign_statement.add_argument(
        "--days", type=float_between(0.001, 3650), required=True, help="that it is to be believed"
    )
    sign_statement.add_argument("--key", required=True, help="the key that signs packages")
    sign_statement.add_argument("--out", default="latest.cose")
    sign_statement.set_defaults(do=_state)
    tell = parts.add_parser(
        "tell", parents=[whom], help="the emulated device of a run; exit 1 unless it says `current`"
    )
    tell.add_argument("file")
    _on_device(tell)
    tell.set_defaults(do=_tell)

    status = verbs.add_parser(
        "status",
        parents=[whom],
        help="a report of the emulated device of a run, checked and counted once",
    )
    _on_device(status)
    status.set_defaults(do=_status)


def _on_device(parser) -> None:
    parser.set_defaults(kek="")  # keys and statements are no secrets
    parser.add_argument("run_dir")
    parser.add_argument(
        "--trust", required=True, metavar="KEYS", help="what its firmware has: .keys, or .pub.pem"
    )


def _make(args) -> int:
    from edgekit.packages import keyset
    from edgekit.packages.package import WORKSHOP, vendor_id

    if vendor_id(args.vendor) == vendor_id(WORKSHOP):
        raise EdgekitError(f"{WORKSHOP} is the vendor of every workshop: name your own domain")
    roots, signers = (tuple(map(key_files.public, files)) for files in (args.root, args.signer))
    made = keyset.KeyList(vendor_id(args.vendor), 0, args.threshold, roots, signers)
    _write_new(args.file, keyset.unsigned(made))
    print(f"{args.file}: {_summary(made)}; what is compiled in needs no signature")
    return 0


def _rotate(args) -> int:
    old = key_files.key_list(args.old)[0]
    listed = {k.id for k in (*old.roots, *old.signers)}
    if strange := sorted(set(args.drop) - listed):
        raise EdgekitError(
            f"{args.old} has no key {', '.join(strange)}; it has {', '.join(sorted(listed))}"
        )
    roots, signers = (
        (*(k for k in keys if k.id not in args.drop), *map(key_files.public, more))
        for keys, more in ((old.roots, args.root), (old.signers, args.signer))
    )
    expires = int(time.time() + DAY * args.expires) if args.expires else 0
    threshold = args.threshold or old.threshold
    return _next(
        args, old.changed(roots=roots, signers=signers, threshold=threshold, expires=expires)
    )


def _revoke(args) -> int:
    old = key_files.key_list(args.old)[0]
    gone = (*old.revoked, *args.id)
    roots = tuple(
        k for k in old.roots if k.id not in gone
    )  # a signer stays listed: devices then say why
    return _next(args, old.changed(roots=roots, revoked=gone, expires=0))


def _next(args, made) -> int:
    from edgekit.packages import keyset

    _write_new(args.new, keyset.unsigned(made))
    print(f"{args.new}: {_summary(made)}; not signed yet")
    return 0


def _sign(args) -> int:
    from edgekit import packages
    from edgekit.packages import keyset

    given = key_files.read_bytes(args.file)
    keys = key_files.contents(args.file, given)[0]
    with run_device.warnings_printed():
        signer = packages.open_key(args.key)
    old = key_files.key_list(args.old)[0] if args.old else keys
    if signer.public.id not in {k.id for k in (*keys.roots, *old.roots)}:
        where = (
            f"{args.file} or {args.old}"
            if args.old
            else f"{args.file} (--old names the list before it)"
        )
        raise EdgekitError(f"key {signer.public.id} is no root key of {where}")
    data = keyset.cosign(given, signer)
    atomic_write_bytes(Path(args.file), data)
    print(
        f"{args.file}: {_summary(keys)}; signed by {signer.public.algorithm} key {signer.public.id}"
    )
    print(_missing(data, old))
    return 0


def _show(args) -> int:
    from edgekit.packages import keyset

    data = key_files.read_bytes(args.file)
    keys, names = key_files.contents(args.file, data)
    print(f"{args.file}: {_summary(keys)}")
    for kind in ("roots", "signers"):
        for key in getattr(keys, kind):
            gone = ", revoked" if key.id in keys.revoked else ""
            mark = ", signed this" if kind == "roots" and key.id in names else ""
            print(f"  {kind[:-1]} {key.id} {key.algorithm}{gone}{mark}")
    for name in keys.revoked:
        print(f"  revoked {name}")
    if not args.old:
        return 0
    old = key_files.key_list(args.old)[0]
    print(_missing(data, old))
    try:
        keyset.accept(data, old, int(time.time()))
    except EdgekitError:
        return 1
    return 0


def _install(args) -> int:

    data = key_files.read_bytes(args.file)
    with run_device.simulated_device(args) as core:
        refused = core.take_keys(data, int(time.time()))
    print(
        f"refused: {refused}"
        if refused
        else f"taken: {_summary(key_files.contents(args.file, data)[0])}"
    )
    return 1 if refused else 0


def _state(args) -> int:
    from edgekit import packages
    from edgekit.packages.package import model_id
    from edgekit.packages.statement import Statement, sign_statement

    release, now = run_device.release_for(args), int(time.time())
    model = model_id(release.vendor, release.class_name)
    with run_device.warnings_printed():
        signer = packages.open_key(args.key)
    said = Statement(model, args.sequence, now, now + int(DAY * args.days))
    atomic_write_bytes(Path(args.out), sign_statement(said, signer))
    until = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(said.until))
    print(f"{args.out}: number {said.latest} is the latest of class {model.hex()}, until {until}; "
          f"signed by {signer.public.algorithm} key {signer.public.id}")  # fmt: skip
    return 0


def _tell(args) -> int:
    from edgekit.packages.statement import FRESHNESS

    data = key_files.read_bytes(args.file)
    with run_device.simulated_device(args) as core:
        said = core.take_statement(data, int(time.time()))
    print(said if said in FRESHNESS else f"refused: {said}")
    return 0 if said == "current" else 1


def _status(args) -> int:
    from edgekit.packages.status import ReportReceiver

    with run_device.simulated_device(args) as core:
        data = core.report(int(time.time()))
    secrets = {core.device.device: core.device.secret}
    print(ReportReceiver(Path(args.run_dir) / "device" / "reports.json", secrets).take(data))
    return 0


def _write_new(path: str, data: bytes) -> None:
    if Path(path).exists():
        raise EdgekitError(f"{path} is there already, perhaps with signatures: name another file")
    atomic_write_bytes(Path(path), data)


def _summary(keys) -> str:
    until = (
        f", to be taken until {time.strftime('%Y-%m-%d', time.gmtime(keys.expires))}"
        if keys.expires
        else ""
    )
    roots = f"{keys.threshold} of {len(keys.valid_roots)} roots"
    gone = f", {len(keys.revoked)} revoked" if keys.revoked else ""
    who = f"{roots}, {len(keys.trusted)} signers{gone}"
    return f"version {keys.version} of vendor {keys.vendor.hex()}, {who}{until}"


def _missing(data: bytes, old) -> str:
    """How many of the roots that must sign have; whether the signatures are good is not asked."""
    from edgekit.packages import keyset

    keys, names = keyset.contents(data)
    if old.version >= keys.version:
        old = keys
    counts = []
    for what, some in (("old", old), ("new", keys))[old is keys :]:
        have = len({i.hex() for i in some.valid_roots} & set(names))
        counts.append(f"{have} of the {some.threshold} {what} roots that must sign")
    return f"signed by {' and '.join(counts)}"
