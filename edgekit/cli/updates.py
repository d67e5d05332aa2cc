"""`edgekit ota …`: keys, packages, delivery, and a device on the emulated core that takes them."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from edgekit.cli import run_device, updates_parser
from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError

PASSWORD = "EDGEKIT_PASSWORD"  # of a receiver; on the command line others would read it


def add(commands) -> None:
    """Hang the commands into the parser of `edgekit`."""
    updates_parser.add(
        commands, key=_key, build=_build, sign=_sign, serve=_serve, fetch=_fetch, install=_install,
        attack=_attack, powercut=_powercut,
    )  # fmt: skip


def _key(args) -> int:
    from edgekit.packages import encryption, keys, pkcs11
    from edgekit.packages.mcuboot import pem
    from edgekit.packages.public_keys import Signer

    if args.algorithm == "A128KW":
        encryption.file_kek(args.where, make=True)
        print(f"A128KW key in {args.where}: for one device, and for where its packages are built")
        return 0
    if args.where.startswith("pkcs11:"):
        if args.algorithm != "ES256":
            raise EdgekitError("a key in a token is for ES256")
        label = pkcs11.parse(args.where).label
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", label):
            raise EdgekitError(f"a key's name has 1 to 64 letters, digits, _ or -, not {label!r}")
        make: Callable[[], Signer] = partial(pkcs11.make_token_key, args.where)
        public = Path(f"{label}.pub.pem")
    else:
        passphrase = os.environ.get(keys.PASSPHRASE, "")
        make = partial(keys.file_key, args.where, passphrase, args.algorithm)
        public = Path(args.where).with_suffix(".pub.pem")
    with run_device.warnings_printed():
        signer = make()
    data = pem(signer.public)
    if public.is_file() and public.read_bytes() != data:
        raise EdgekitError(f"{public} is another key's; move it away first")
    atomic_write_bytes(public, data)
    print(f"{signer.public.algorithm} key {signer.public.id}; devices need {public}")
    return 0


def _build(args) -> int:
    from edgekit import packages
    from edgekit.packages import encryption, inspection

    new = run_device.release_for(args, args.model_file)
    base = run_device.release_for(args, args.base) if args.base else None
    device = packages.device_id(new.vendor, new.class_name, args.device) if args.device else b""
    expires = packages.expiry() if args.expires is None else packages.expiry(args.expires)
    if args.encrypt_for and args.kind == "weights":
        run_device.require_secrets(new)
    keks = tuple(map(encryption.file_kek, args.encrypt_for))
    data = new.unsigned(
        args.sequence, base, args.kind, expires=expires, device=device, recipients=keks
    )
    atomic_write_bytes(Path(args.out), data)
    _show(
        args.out,
        data,
        packages.manifest_of(data),
        inspection.Target(new.vendor, new.class_name, args.device),
    )
    print("not signed yet")
    return 0


def _sign(args) -> int:
    from edgekit import packages
    from edgekit.packages import inspection

    path = Path(args.package)
    data = inspection.read(path)
    m = inspection.check_before_signing(
        data, _base(args, inspection.manifest_of(data)), time.time(), run_device.device_kek(args)
    )
    target = inspection.Target(
        args.vendor or os.environ.get("EDGEKIT_VENDOR", ""), args.model, args.device
    )
    target.check(m)
    _show(path, data, m, target)
    with run_device.warnings_printed():
        signer = packages.open_key(args.key)
    atomic_write_bytes(path, packages.sign_package(data, signer))
    print(f"signed by {signer.public.algorithm} key {signer.public.id}")
    return 0


def _base(args, m) -> bytes | None:
    """The image that a delta starts from, out of whatever file was named."""
    from edgekit.packages import KINDS, inspection

    if not args.base:
        return None
    kind = KINDS[m.kind]
    if kind == "weights" and args.base.endswith(".tflite"):
        if not args.run:
            raise EdgekitError(f"which run makes an image of {args.base}? name it (--run)")
        return run_device.release_of(args.run, args.base).content(kind)
    return inspection.base_image(inspection.read(args.base))


def _show(where, data: bytes, m, target) -> None:
    from edgekit.packages import inspection

    print(f"{where}: {len(data):,} bytes", *inspection.table(m, target), sep="\n", flush=True)


def _serve(args) -> int:
    from edgekit import delivery
    from edgekit.core.safe_files import read_private_file
    from edgekit.delivery.server.files import offered
    from edgekit.packages import inspection

    folder = Path(args.folder)
    if not folder.is_dir():
        raise EdgekitError(f"{folder}: no folder of packages")
    how = {"host": args.host, "port": args.port, "receivers": tuple(args.receiver or ["device"])}
    if args.certificate:
        beside = Path(args.certificate).with_suffix(".key")
        key = Path(args.private_key or (beside if beside.is_file() else args.certificate))
        read_private_file(key)
        how |= {"certificate": Path(args.certificate), "key": key}
    elif args.private_key:
        raise EdgekitError("--private-key needs its --certificate")
    if args.credentials:
        how["folder"] = Path(args.credentials)
    with delivery.serve(args.over, folder, **how) as offer:
        plain = offer.address.startswith("http:")
        if plain and args.host not in ("127.0.0.1", "::1", "localhost"):
            print("edgekit: whoever is on the way can read this: --certificate", file=sys.stderr)
        for name in offered(folder):
            if not inspection.is_signed(inspection.read(folder / name)):
                print(f"edgekit: {name} is not signed: no device takes it", file=sys.stderr)
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a broker of ours ends with us
        print(f"{offer.address}: {', '.join(offer.names()) or 'no *.suit yet'}", flush=True)
        while True:
            time.sleep(3600)


def _fetch(args) -> int:
    from edgekit import delivery

    done = delivery.fetch(_source(args, args.address), args.to)
    print(f"{done.path}: {done.size:,} bytes, SHA-256 {done.sha256}")
    return 0


def _source(args, address: str):
    """The address, with what the command line says of who vouches for the server and who fetches."""
    from edgekit.delivery import Source

    own = {name: Path(text) for name in ("ca", "certificate") if (text := getattr(args, name))}
    if args.private_key:
        own["key"] = Path(args.private_key)
    return Source(address, user=args.user, password=os.environ.get(PASSWORD, ""), **own)


def _install(args) -> int:
    from edgekit.packages.inspection import is_signed

    data = _fetched(args)
    with run_device.simulated_device(args) as core:
        refused = core.install(data, now=int(time.time()))
        boot = core.restart() if refused else core.reset()
    if refused:
        print(f"refused: {refused if is_signed(data) else 'it is not signed (`edgekit ota sign`)'}")
    elif boot.healthy:
        print(f"installed, tried and confirmed in slot {'AB'[boot.slot]}")
    else:
        print(f"failed its self-test; slot {'AB'[boot.slot] if boot.slot >= 0 else 'none'} runs")
    return 0 if not refused and boot.healthy else 1


def _attack(args) -> int:
    from edgekit import assurance, packages
    from edgekit.packages import inspection

    data = inspection.read(args.package)
    manifest = packages.manifest_of(data)
    if not inspection.is_signed(data):
        raise EdgekitError(f"{args.package} is not signed (`edgekit ota sign`): nothing to attack")
    with run_device.warnings_printed():
        signer = packages.open_key(args.key)
    kind = packages.KINDS[manifest.kind]
    runs = run_device.release_of(args.run_dir, args.base) if args.base else None
    base = runs.content(kind) if runs else b""
    release = run_device.release_for(args)
    known = {"kek": run_device.device_kek(args), **run_device.named(args)}
    device = release.device(kind, manifest.sequence - 1, base, **known)
    tables = [assurance.attack(data, signer, device, base, every=args.every)]
    if args.core:
        field = run_device.release_for(args, args.base) if args.base else None
        new = release.device(**known)
        tables.append(assurance.attack_device(data, signer, release, field, args.every, new))
    for table in tables:
        print(table.to_string(index=False))
    return 0 if all(table.refused.all() for table in tables) else 1


def _powercut(args) -> int:
    from edgekit.assurance import powercut
    from edgekit.assurance.powercut_agent import AGENT_CORE_SCENARIOS

    searches = [powercut.search()]
    if args.core:
        on_core = powercut.CORE_SCENARIOS + AGENT_CORE_SCENARIOS
        searches.append(powercut.search(powercut.CoreTarget, on_core))
    for found in searches:
        print(found.table.to_string(index=False), found, "", sep="\n")
    clean = all(found.clean for found in searches)
    if args.mutations:
        table = powercut.mutations()
        print(table.to_string(index=False))
        clean &= bool(table.caught.all())
    return 0 if clean else 1


def _fetched(args) -> bytes:
    """A package, from a file or an address; an interrupted download goes on where it stopped."""
    from edgekit.delivery import transports
    from edgekit.packages import inspection

    scheme, sign, _ = args.package.partition("://")
    if not sign or scheme.lower() not in transports.schemes():
        return inspection.read(args.package)
    path = Path(args.run_dir) / "device" / "incoming.suit"
    path.parent.mkdir(exist_ok=True)
    transports.fetch(_source(args, args.package), path)
    return inspection.read(path)
