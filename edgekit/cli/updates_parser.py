"""The words of `edgekit ota …`; what they do is in `updates`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

from edgekit.cli import keys
from edgekit.cli.types import float_between, int_between


def add(commands, **do: Callable) -> None:
    """Hang the commands into the parser of `edgekit`; `do` is what does each verb."""
    ota = commands.add_parser(
        "ota", help="signed updates: build, sign, serve, install, attack, powercut"
    )
    verbs = ota.add_subparsers(required=True, metavar="VERB")

    key = verbs.add_parser("key", help="make a key: in a file, or inside a token (a PKCS#11 URI)")
    key.add_argument("where", help="keys/release.pem, or 'pkcs11:token=NAME;object=KEY'")
    key.add_argument(
        "--algorithm",
        default="ES256",
        help="ES256 or, in a file, EdDSA; A128KW: a device's own, for packages that only it can read",
    )
    key.set_defaults(do=do["key"])

    whom = _whom("USE_CASE/BOARD unless said")
    build = verbs.add_parser(
        "build", parents=[whom], help="a package of a run's model, not signed yet"
    )
    build.add_argument("run_dir", help="of a run that has been through chapter 05")
    build.add_argument(
        "--sequence",
        type=_sequence,
        required=True,
        help="its number, above the last one's; 'now' for a time stamp",
    )
    build.add_argument(
        "--model", dest="model_file", default="", help="another .tflite of the same structure"
    )
    build.add_argument(
        "--base", default="", help="the release in the field (.tflite): send a delta"
    )
    build.add_argument("--kind", default="weights", choices=["weights", "tflite"],
                       help="for generated code, or for an interpreter on a Linux gateway")  # fmt: skip
    build.add_argument(
        "--expires",
        type=float_between(0, 36_500),
        default=None,
        metavar="DAYS",
        help="how long devices that know the time take it; 180 unless said, 0: for ever",
    )
    build.add_argument(
        "--encrypt-for",
        action="append",
        default=[],
        metavar="KEYFILE",
        help="a device's A128KW key; up to four times: nobody else can read the package",
    )
    build.add_argument("--out", default="update.suit")
    build.set_defaults(do=do["build"])

    sign = verbs.add_parser(
        "sign",
        parents=[_whom("compared if said")],
        help="check a package, say for whom it is, and sign it where the key is",
    )
    sign.add_argument("package")
    sign.add_argument("--key", required=True, help="a key file, or a PKCS#11 URI")
    sign.add_argument(
        "--base",
        default="",
        help="what a delta starts from: the last release's whole package, its image, or its .tflite",
    )
    sign.add_argument(
        "--run", default="", help="the run that makes an image of a --base that is a .tflite"
    )
    _secret(sign)
    sign.set_defaults(do=do["sign"])

    serve = verbs.add_parser("serve", help="offer packages over HTTPS or MQTT until interrupted")
    serve.add_argument("folder", help="of packages: its *.suit are offered, and nothing else")
    serve.add_argument("--over", default="http", metavar="TRANSPORT", help="http or mqtt")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int_between(1, 65_535), default=8080)
    serve.add_argument(
        "--certificate", default="", help="a PEM file, with those between: serve by TLS"
    )
    serve.add_argument(
        "--credentials", default="", metavar="FOLDER",
        help="makes certificates and passwords there, or takes those that are: serve by TLS",
    )  # fmt: skip
    serve.add_argument(
        "--receiver", action="append", metavar="NAME",
        help="a device that may enter, where the transport asks; `device` unless said",
    )  # fmt: skip
    serve.add_argument(
        "--private-key", default="", help="its key; else the .key beside it, or in the same file"
    )
    serve.set_defaults(do=do["serve"])

    fetch = verbs.add_parser("fetch", help="a package into a file; a second try goes on")
    fetch.add_argument("address", help="https://host/name or mqtts://host/edgekit/device/name")
    fetch.add_argument("to", help="the file to write")
    _receiver(fetch)
    fetch.set_defaults(do=do["fetch"])

    install = verbs.add_parser("install", parents=[whom], help="onto the emulated device of a run")
    install.add_argument("package", help="a file, or an address as `fetch` takes it")
    install.add_argument("run_dir")
    install.add_argument(
        "--trust", required=True, metavar="KEYS", help="the public key, .pub.pem, or a list, .keys"
    )
    _receiver(install)
    _secret(install)
    install.set_defaults(do=do["install"])

    attack = verbs.add_parser(
        "attack", parents=[whom], help="try every attack on a package; exit 1 if one gets in"
    )
    attack.add_argument("package")
    attack.add_argument("run_dir")
    attack.add_argument("--key", required=True, help="the key that signed it")
    attack.add_argument("--base", default="", help="what its delta starts from (.tflite)")
    attack.add_argument(
        "--every",
        type=int_between(1, 10**9),
        default=1,
        help="flip and cut at every n-th byte only",
    )
    attack.add_argument(
        "--core", action="store_true", help="on the agent in C too, emulated: in the field, and new"
    )
    _secret(attack)
    attack.set_defaults(do=do["attack"])

    powercut = verbs.add_parser("powercut", help="cut the power at every flash operation")
    powercut.add_argument("--core", action="store_true", help="on the emulated core too")
    powercut.add_argument(
        "--mutations", action="store_true", help="and prove that faults are found"
    )
    powercut.set_defaults(do=do["powercut"])
    keys.add(verbs, whom)


def _whom(unsaid: str) -> argparse.ArgumentParser:
    """The words that say for whom a package is; `unsaid`: what a class is that nobody names."""
    whom = argparse.ArgumentParser(add_help=False)
    whom.add_argument(
        "--vendor", default="", metavar="DOMAIN", help="your domain name (EDGEKIT_VENDOR)"
    )
    whom.add_argument(
        "--class", dest="model", default="", metavar="NAME",
        help=f"the class of devices, under the vendor; {unsaid}",
    )  # fmt: skip
    whom.add_argument("--device", default="", metavar="NAME", help="one device, under the class")
    return whom


def _receiver(command) -> None:
    """The words that say who vouches for a server, and as whom to enter."""
    command.add_argument(
        "--ca", default="", help="who vouches for the server, if the system does not (PEM)"
    )
    command.add_argument("--user", default="", help="whose password is in EDGEKIT_PASSWORD")
    command.add_argument("--certificate", default="", help="the receiver's own, instead (PEM)")
    command.add_argument("--private-key", default="", help="its key (PEM)")


def _secret(command) -> None:
    command.add_argument("--kek", default="", metavar="KEYFILE", help="the device's A128KW key")


def _sequence(text: str) -> int:
    """A number, or the time of now."""
    return int(time.time()) if text == "now" else int_between(1, 2**32 - 1)(text)
