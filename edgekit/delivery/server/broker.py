"""A real broker, started with one call: its keys, who may enter, and which topics each may use.

`amqtt` needs nothing but pip: TLS, a password for each name. `mosquitto` is what a site would run: TLS
with a certificate for each name, and a connection without one is refused (amqtt does not enforce client
certificates). Either way a device may use the topics of its own name and no others: it writes its own
events and reads its own acknowledgements, a gateway those of all.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edgekit.core import safe_files
from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.core.ports import await_server, free_port, reach
from edgekit.delivery.block_protocol import ANSWERS, REQUESTS
from edgekit.delivery.mqtt_client import (
    ACKNOWLEDGED,
    EVENTS,
    PREFIX,
    Connection,
    credentials,
    device_topic,
    topic,
)
from edgekit.delivery.server.certificates import certify, private
from edgekit.delivery.transport import NAME

SERVER = "server"  # the name of whoever serves packages
START_S = 30.0  # in which it accepts connections
MESSAGE_MOST = 262_144  # bytes
Topics = tuple[list[str], list[str]]  # that a name may publish to, and subscribe to


class Broker:
    """A broker that runs. `connection(name)` is what that name needs to enter; the server's is "server"."""

    def __init__(self, kind: str, folder: Path, host: str, port: int, command: list[str]):
        self.kind, self.folder, self.host, self.port = kind, folder, host, port
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None

    def connection(self, name: str = SERVER) -> Connection:
        """Address and credentials of `name`. Raises EdgekitError for a name that has none."""
        return credentials(self.folder, name, self.host, self.port)

    def start(self) -> None:
        """Start, or start again at the same port; returns when connections are accepted."""
        with safe_files.open_to_append(self.folder / "broker.log") as log:
            process = subprocess.Popen(self._command, stdout=log, stderr=log)
        self._process = process
        if await_server(
            lambda: reach(self.port, self.host), lambda: process.poll() is None, START_S
        ):
            return
        self.kill()
        last = (self.folder / "broker.log").read_text("utf-8", "replace").strip().splitlines()[-1:]
        raise EdgekitError(f"{self.kind} did not start: {''.join(last) or 'it says nothing'}")

    def kill(self) -> None:
        """End it without a farewell, as a power cut would."""
        if self._process:
            self._process.kill()
            self._process.wait()


@contextmanager
def broker(
    kind: str = "amqtt", folder: Path | str = "broker", things: tuple[str, ...] = ("device",), *,
    gateways: tuple[str, ...] = (), host: str = "127.0.0.1", port: int = 0, prefix: str = PREFIX,
) -> Iterator[Broker]:  # fmt: skip
    """A broker for the server, `things` and `gateways` while the `with` block runs, at a free port of `host`
    unless one is given.

    `prefix` begins the topics that they may use. `folder` keeps its keys, passwords and log; those that are
    there already are used again. Raises EdgekitError if the broker is not installed or does not start.
    """
    make = {"amqtt": _amqtt, "mosquitto": _mosquitto}.get(kind)
    if make is None:
        raise EdgekitError(f"no broker {kind!r}; there are amqtt and mosquitto")
    for name in (*things, *gateways):
        if not NAME.fullmatch(name) or name in (SERVER, "broker", "ca"):
            raise EdgekitError(f"{name!r} cannot name a device: 1 to 128 of A–Z, a–z, 0–9, _ and -")
    may = {SERVER: _server_topics(prefix)}
    may |= {name: _device_topics(prefix, name) for name in things}
    if both := may.keys() & set(gateways):
        raise EdgekitError(f"{min(both)!r} cannot be a gateway and a device: take another name")
    may |= {name: _gateway_topics(prefix) for name in gateways}
    folder = Path(folder).resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    certify(folder, "broker", host)
    port = port or free_port(host)
    running = Broker(kind, folder, host, port, make(folder, may, host, port))
    running.start()
    try:
        yield running
    finally:
        running.kill()


def _amqtt(folder: Path, may: dict[str, Topics], host: str, port: int) -> list[str]:
    try:
        import amqtt.scripts.broker_script  # noqa: F401  (says early what is missing)
        from pwdlib.hashers.argon2 import Argon2Hasher
    except ImportError as error:
        raise missing("this broker needs", error.name, "ota") from None
    # The passwords are 24 random bytes, which no slow hash needs to protect.
    hasher, lines = Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1), []
    for name in may:
        file = folder / f"{name}.password"
        if not file.exists():
            private(file, secrets.token_urlsafe(24).encode())
        lines.append(f"{name}:{hasher.hash(file.read_text('ascii'))}\n")
    private(folder / "passwords", "".join(lines).encode())
    plugins = "amqtt.plugins."
    config = {
        "listeners": {
            "default": {
                "type": "tcp", "bind": f"{host}:{port}", "ssl": True,
                "certfile": str(folder / "broker.pem"), "keyfile": str(folder / "broker.key"),
            }
        },
        "plugins": {
            f"{plugins}authentication.FileAuthPlugin": {"password_file": str(folder / "passwords")},
            "edgekit.delivery.server.amqtt_wills.NoWills": {},
            f"{plugins}topic_checking.TopicAccessControlListPlugin": {
                "publish_acl": {name: publish for name, (publish, _) in may.items()},
                "acl": {name: subscribe for name, (_, subscribe) in may.items()},
            },
        },
    }  # fmt: skip
    file = folder / "amqtt.yaml"
    private(file, json.dumps(config, indent=1).encode())  # JSON is YAML
    return [sys.executable, "-m", "amqtt.scripts.broker_script", "-c", str(file)]


def _as_ourselves() -> str:
    """Started by root it becomes another user, who cannot read our files, unless told; not on Windows."""
    if sys.platform != "win32":
        import pwd

        return f"user {pwd.getpwuid(os.geteuid()).pw_name}"
    return ""


def _mosquitto(folder: Path, may: dict[str, Topics], host: str, port: int) -> list[str]:
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise EdgekitError(
            "mosquitto is not installed: apt-get install mosquitto, or broker('amqtt')"
        )
    rules = []
    for name, (publish, subscribe) in may.items():
        certify(folder, name)
        rules += [f"user {name}", *(f"topic write {t}" for t in publish)]
        rules += [f"topic read {t}" for t in subscribe]
    private(folder / "acl", ("\n".join(rules) + "\n").encode())
    file = folder / "mosquitto.conf"
    text = f"""\
listener {port} {host}
cafile {folder / "ca.pem"}
certfile {folder / "broker.pem"}
keyfile {folder / "broker.key"}
require_certificate true
use_identity_as_username true
allow_anonymous false
acl_file {folder / "acl"}
set_tcp_nodelay true
message_size_limit {MESSAGE_MOST}
persistence false
{_as_ourselves()}
"""
    private(file, text.encode())
    return [found, "-c", str(file)]


def _streams(prefix: str, who: str, kinds: tuple[str, ...]) -> list[str]:
    return [topic(prefix, who, "+", kind) for kind in kinds]


def _server_topics(prefix: str) -> Topics:
    """What who serves packages may publish to, and subscribe to."""
    return _streams(prefix, "+", ANSWERS), _streams(prefix, "+", REQUESTS)


def _device_topics(prefix: str, name: str) -> Topics:
    """The same of a device: what has its name."""
    says, hears = (device_topic(prefix, name, kind) for kind in (EVENTS, ACKNOWLEDGED))
    return [*_streams(prefix, name, REQUESTS), says], [*_streams(prefix, name, ANSWERS), hears]


def _gateway_topics(prefix: str) -> Topics:
    """The same of a gateway: events and acknowledgements of all devices."""
    says, hears = (device_topic(prefix, "+", kind) for kind in (ACKNOWLEDGED, EVENTS))
    return [says], [hears]
