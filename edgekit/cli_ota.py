"""`edgekit ota …`: keys, packages, delivery, and a device on the emulated core that takes them.

A run's device lives in the run's folder: `device/flash.bin` is what its flash holds between two commands.
"""

from __future__ import annotations

import os
import re
import sys
import time
import warnings
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from edgekit.cli_types import real
from edgekit.cli_types import whole as whole_number
from edgekit.errors import EdgekitError
from edgekit.whole import whole


def add(commands) -> None:
    """Hang the commands into the parser of `edgekit`."""
    ota = commands.add_parser(
        "ota", help="signed updates: build, sign, serve, install, attack, powercut"
    )
    verbs = ota.add_subparsers(required=True, metavar="VERB")

    key = verbs.add_parser("key", help="make a key: in a file, or inside a token (a PKCS#11 URI)")
    key.add_argument("where", help="keys/release.pem, or 'pkcs11:token=NAME;object=KEY'")
    key.add_argument("--algorithm", default="ES256", help="ES256 or, in a file, EdDSA")
    key.set_defaults(do=_key)

    build = verbs.add_parser("build", help="a package of a run's model, not signed yet")
    build.add_argument("run_dir", help="of a run that has been through chapter 05")
    build.add_argument(
        "--sequence",
        type=whole_number(1, 2**32 - 1),
        required=True,
        help="its number: above the last one's",
    )
    build.add_argument("--model", default="", help="another .tflite of the same structure")
    build.add_argument(
        "--base", default="", help="the release in the field (.tflite): send a delta"
    )
    build.add_argument("--kind", default="weights", choices=["weights", "tflite"],
                       help="for generated code, or for an interpreter on a Linux gateway")  # fmt: skip
    build.add_argument(
        "--expires", type=real(0, 36_500), default=0, metavar="DAYS", help="0: never"
    )
    build.add_argument("--out", default="update.suit")
    build.set_defaults(do=_build)

    sign = verbs.add_parser("sign", help="sign a package, where the key is")
    sign.add_argument("package")
    sign.add_argument("--key", required=True, help="a key file, or a PKCS#11 URI")
    sign.set_defaults(do=_sign)

    serve = verbs.add_parser("serve", help="offer packages over HTTP until interrupted")
    serve.add_argument("folder", help="of packages")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=whole_number(1, 65_535), default=8080)
    serve.set_defaults(do=_serve)

    install = verbs.add_parser("install", help="onto the emulated device of a run")
    install.add_argument("package", help="a file, or an address http://…")
    install.add_argument("run_dir")
    install.add_argument(
        "--trust", required=True, metavar="PUBLIC", help="the public key, .pub.pem"
    )
    install.set_defaults(do=_install)

    attack = verbs.add_parser("attack", help="try every attack on a package; exit 1 if one gets in")
    attack.add_argument("package")
    attack.add_argument("run_dir")
    attack.add_argument("--key", required=True, help="the key that signed it")
    attack.add_argument("--base", default="", help="what its delta starts from (.tflite)")
    attack.add_argument(
        "--every",
        type=whole_number(1, 10**9),
        default=1,
        help="flip and cut at every n-th byte only",
    )
    attack.set_defaults(do=_attack)

    powercut = verbs.add_parser("powercut", help="cut the power at every flash operation")
    powercut.add_argument("--core", action="store_true", help="on the emulated core too")
    powercut.add_argument(
        "--mutations", action="store_true", help="and prove that faults are found"
    )
    powercut.set_defaults(do=_powercut)


def _key(args) -> int:
    from edgekit.ota import keys, pkcs11
    from edgekit.ota.mcuboot import pem

    if args.where.startswith("pkcs11:"):
        if args.algorithm != "ES256":
            raise EdgekitError("a key in a token is for ES256")
        label = pkcs11.parse(args.where).label
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", label):
            raise EdgekitError(f"a key's name has 1 to 64 letters, digits, _ or -, not {label!r}")
        make, public = partial(pkcs11.make_token_key, args.where), Path(f"{label}.pub.pem")
    else:
        passphrase = os.environ.get("EDGEKIT_KEY_PASSPHRASE", "")
        make = partial(keys.file_key, args.where, passphrase, args.algorithm)
        public = Path(args.where).with_suffix(".pub.pem")
    with _aloud():
        signer = make()
    data = pem(signer.public)
    if public.is_file() and public.read_bytes() != data:
        raise EdgekitError(f"{public} is another key's; move it away first")
    _replace(public, data)
    print(f"{signer.public.algorithm} key {signer.public.id}; devices need {public}")
    return 0


def _build(args) -> int:
    from edgekit import ota

    new = _release(args.run_dir, args.model)
    base = _release(args.run_dir, args.base) if args.base else None
    expires = int(time.time() + 86_400 * args.expires) if args.expires else 0
    data = new.unsigned(args.sequence, base, args.kind, expires=expires)
    Path(args.out).write_bytes(data)
    m = ota.manifest_of(data)
    print(
        f"{args.out}: {len(data):,} bytes, {ota.ENCODINGS[m.encoding]} of {m.size:,}; not signed yet"
    )
    return 0


def _sign(args) -> int:
    from edgekit import ota

    path = Path(args.package)
    m = ota.manifest_of(path.read_bytes())
    with _aloud():
        signer = ota.open_key(args.key)
    _replace(path, ota.resign(path.read_bytes(), signer))
    base = f" against {m.base.hex()}" if m.base else ""
    what = f"number {m.sequence}, {ota.ENCODINGS[m.encoding]}{base} of {m.size:,} bytes"
    print(f"{path}: {what}, signed by {signer.public.algorithm} key {signer.public.id}")
    return 0


def _serve(args) -> int:
    from edgekit.ota.delivery import serve_http

    folder = Path(args.folder)
    if not folder.is_dir():
        raise EdgekitError(f"{folder}: no folder of packages")
    with serve_http(folder, host=args.host, port=args.port) as address:
        print(f"{address}: {', '.join(sorted(p.name for p in folder.iterdir()))}", flush=True)
        while True:
            time.sleep(3600)


def _install(args) -> int:
    from edgekit.ota.core import Core, firmware

    data = _fetched(args.package, Path(args.run_dir))
    release = _release(args.run_dir)
    flash = Path(args.run_dir) / "device" / "flash.bin"
    core = Core(firmware(release, [_public(args.trust)]), release.device())
    if flash.is_file():
        core.power_on(flash.read_bytes())
    refused = core.install(data, now=int(time.time()))
    boot = core.restart() if refused else core.reset()
    flash.parent.mkdir(exist_ok=True)
    _replace(flash, core.flash)
    if refused:
        print(
            f"refused: {refused}{'' if _is_signed(data) else ' (not signed: `edgekit ota sign`)'}"
        )
    elif boot.healthy:
        print(f"installed, tried and confirmed in slot {'AB'[boot.slot]}")
    else:
        print(f"failed its self-test; slot {'AB'[boot.slot] if boot.slot >= 0 else 'none'} runs")
    return 0 if not refused and boot.healthy else 1


def _attack(args) -> int:
    from edgekit import ota

    data = Path(args.package).read_bytes()
    with _aloud():
        signer = ota.open_key(args.key)
    manifest = ota.manifest_of(data)
    kind = ota.KINDS[manifest.kind]
    base = _release(args.run_dir, args.base).content(kind) if args.base else b""
    device = _release(args.run_dir).device(kind, manifest.sequence - 1, base)
    table = ota.attack(data, signer, device, base, every=args.every)
    print(table.to_string(index=False))
    return 0 if table.refused.all() else 1


def _powercut(args) -> int:
    from edgekit.ota import powercut

    searches = [powercut.search()]
    if args.core:
        searches.append(powercut.search(powercut.OnCore, powercut.CORE_SCENARIOS))
    for found in searches:
        print(found.table.to_string(index=False), found, "", sep="\n")
    clean = all(found.clean for found in searches)
    if args.mutations:
        table = powercut.mutations()
        print(table.to_string(index=False))
        clean &= bool(table.caught.all())
    return 0 if clean else 1


def _release(run_dir: str, tflite: str = ""):
    """The Release of a run's model, or of another `.tflite` with the same features."""
    from edgekit import project, usecases
    from edgekit.design import Design
    from edgekit.manifest import read_manifest
    from edgekit.ota.release import Release
    from edgekit.run import Run

    folder = Path(run_dir)
    known = read_manifest(folder)
    if "05_export" not in known.get("steps", {}):
        raise EdgekitError(f"{folder} holds no exported model: `edgekit run` it through export")
    terms = known["steps"]["05_export"].get("parameters", {})
    if "seed" not in terms:
        raise EdgekitError(f"{folder} does not say with which seed it ran: run 05_export again")
    run = Run(
        "ota",
        known["use_case"],
        known["profile"],
        terms["seed"],
        folder,
        ("model.tflite", "model.json"),
        offline=terms.get("offline", False),
    )
    design = Design.from_dict(known["design"]) if "design" in known else run.design
    case = usecases.load(run.use_case, project.root())
    model = Path(tflite).read_bytes() if tflite else run.load("model.tflite")
    hear = usecases.hears(case)[run.load("model.json")["input"]]
    return Release(model, hear, case.SENSITIVITY, run.use_case, design.hardware.board)


def _fetched(where: str, folder: Path) -> bytes:
    """A package, from a file or over HTTP; an interrupted download goes on where it stopped."""
    if not where.startswith(("http://", "https://")):
        return Path(where).read_bytes()
    from edgekit.ota.delivery import fetch_http

    try:
        host, _ = urlsplit(where).hostname, urlsplit(where).port
    except ValueError as error:
        raise EdgekitError(f"{where}: {error}") from None
    if not host:
        raise EdgekitError(f"{where}: no host")
    path = folder / "device" / "incoming.suit"
    path.parent.mkdir(exist_ok=True)
    fetch_http(where, path)
    return path.read_bytes()


def _is_signed(data: bytes) -> bool:
    """False for a package with the empty signature that `build` gives it."""
    from edgekit.ota import PackageError, suit

    try:
        return bool(suit.authentication(suit.opened(data)[2])[1][3])
    except PackageError:
        return True  # something else is wrong with it


@contextmanager
def _aloud():
    """What a key warns of, said in one line."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield
    for warning in said:
        print(f"edgekit: {warning.message}", file=sys.stderr)


def _replace(path: Path, data: bytes) -> None:
    with whole(path) as half:
        half.write_bytes(data)


def _public(path: str):
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    from edgekit.ota.keys import public_key

    try:
        return public_key(load_pem_public_key(Path(path).read_bytes()))
    except ValueError:
        raise EdgekitError(f"{path}: no public key (.pub.pem)") from None
