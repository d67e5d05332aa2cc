"""Keys, certificates, windows, the app that Flower carries: what a deployment writes, and what it refuses."""

import asyncio
import datetime
import ssl
import tomllib
from contextlib import suppress

import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from edgekit.core.errors import EdgekitError

pytest.importorskip("flwr")
from benchmarks.federate.deployed import SETTINGS
from edgekit.federate.clients import Client
from edgekit.federate.deployment import apps, certificates
from edgekit.federate.deployment.bundle import write_bundle
from edgekit.federate.deployment.launch import Guard, allowed
from edgekit.federate.deployment.superlink import SuperLink, served
from edgekit.federate.deployment.supernode import prepare, supernode
from edgekit.federate.plan import Plan
from edgekit.federate.refusal import Refusal
from edgekit.federate.server import Federated
from edgekit.federate.statistics import Statistics

CLIENT = Client("Anna", np.ones((4, 1, 6, 1), np.float32), np.array([0, 1, 0, 1]))


def handshake(folder, ca, host):
    """Of a client that believes `ca` with the server of `folder`, in memory."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(folder / certificates.CERTIFICATE, folder / certificates.KEY)
    pipes = [ssl.MemoryBIO() for _ in range(2)]
    client = ssl.create_default_context(cafile=str(ca / certificates.CA))
    sides = [
        client.wrap_bio(pipes[0], pipes[1], server_hostname=host),
        server.wrap_bio(pipes[1], pipes[0], server_side=True),
    ]
    for _ in range(4):
        for side in sides:
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
    return sides[0].version()


def test_a_certificate_is_for_its_hosts_and_of_its_authority_only(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        certificates.certify(folder, ["fed.example", "192.168.0.7"])
    assert handshake(here, here, "fed.example") == "TLSv1.3"
    assert handshake(here, here, "192.168.0.7") == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError, match="mismatch"):
        handshake(here, here, "other.example")
    with pytest.raises(ssl.SSLCertVerificationError, match="verify failed"):
        handshake(here, there, "fed.example")


def test_private_keys_are_their_owners_and_the_authoritys_is_nowhere(tmp_path):
    certificates.certify(tmp_path)
    certificates.node_key(tmp_path)
    private = [f for f in tmp_path.iterdir() if b"PRIVATE" in f.read_bytes()]
    assert {f.name for f in private} == {"superlink.key", "node.key"}
    assert all(f.stat().st_mode & 0o777 == 0o600 for f in private)
    ca = x509.load_pem_x509_certificate((tmp_path / "ca.pem").read_bytes())
    key = serialization.load_pem_private_key((tmp_path / "superlink.key").read_bytes(), None)
    assert key.public_key() != ca.public_key()
    prepare(tmp_path / "node", CLIENT, SETTINGS)
    assert (tmp_path / "node").stat().st_mode & 0o777 == 0o700
    (tmp_path / "node.key").chmod(0o644)
    with pytest.raises(EdgekitError, match="chmod 600"):
        certificates.node_key(tmp_path)


def test_a_certificate_stays_while_it_is_good(tmp_path, monkeypatch):
    certificates.certify(tmp_path)
    first = (tmp_path / "ca.pem").read_bytes()
    left = certificates.valid_until(tmp_path) - datetime.datetime.now(datetime.UTC)
    assert abs(left - datetime.timedelta(days=90)) < datetime.timedelta(minutes=1)
    certificates.certify(tmp_path)
    assert (tmp_path / "ca.pem").read_bytes() == first
    monkeypatch.setattr(certificates, "RENEW", datetime.timedelta(days=91))
    certificates.certify(tmp_path)
    assert (tmp_path / "ca.pem").read_bytes() != first


@pytest.mark.parametrize("host", ["", "a b", "x/../y", "ü.example", "a" * 64, "evil.example\n"])
def test_what_is_no_host_has_no_certificate(tmp_path, host):
    with pytest.raises(EdgekitError, match="no certificate"):
        certificates.certify(tmp_path, [host])


def test_a_nodes_key_is_kept_and_another_is_refused(tmp_path):
    public = certificates.node_key(tmp_path)
    line = certificates.public_key(public)
    assert certificates.public_key(certificates.node_key(tmp_path)) == line
    for bad in (b"", b"ssh-ed25519 AAAA", b"\xff" * 9000, (tmp_path / "node.key").read_bytes()):
        public.write_bytes(bad)
        with pytest.raises(EdgekitError, match="no public key"):
            certificates.public_key(public)


@pytest.mark.parametrize("name", ["", "../x", "a b", "a;b", "x" * 65, "ä", "a\n"])
def test_a_nodes_name_is_a_name(tmp_path, name):
    with pytest.raises(EdgekitError, match="a node's name"):
        SuperLink(tmp_path, 1).admit(name, tmp_path / "node.pub")


@pytest.mark.parametrize(
    ("client", "path", "may"),
    [
        (("127.0.0.1", 5), "/v1/control/start-run", True),
        (("::1", 5), "/v1/control/start-run", True),
        (("192.168.0.9", 5), "/v1/fleet/push-messages", True),
        (("192.168.0.9", 5), "/v1/control/start-run", False),
        (("192.168.0.9", 5), "/v1/runtime/acquire-task", False),
        (("192.168.0.9", 5), "/v1/fleet/../control/start-run", False),
        (("localhost.evil", 5), "/docs", False),
        (None, "/v1/control/start-run", False),
    ],
)
def test_strangers_reach_what_is_for_nodes_only(client, path, may):
    assert allowed(client, path) == may
    asked, said = [], []

    async def app(*_):
        asked.append(path)

    async def send(message):
        said.append(message)

    scope = {"type": "http", "client": client, "path": path}
    asyncio.run(Guard(app)(scope, None, send))
    assert bool(asked) == may
    assert may or said[0]["status"] == 403


def test_the_plan_travels_as_the_runs_configuration_and_never_as_code(tmp_path):
    write_bundle(tmp_path, Plan(rounds=7), "abc", wait=1, patience=2)
    read = tomllib.loads((tmp_path / "pyproject.toml").read_text())["tool"]["flwr"]["app"]
    assert (read["config"]["rounds"], read["config"]["token"]) == (7, "abc")
    for module in ("os; import sys", "a b", "", "x'", "a\nb"):
        with pytest.raises(EdgekitError, match="no name of a module"):
            write_bundle(tmp_path, Plan(), "abc", wait=1, patience=2, apps=module)
    with pytest.raises(EdgekitError, match="in process"):
        write_bundle(tmp_path, Plan(dropout=0.3), "abc", wait=1, patience=2)


@pytest.mark.parametrize("token", ["../../x", "", "a/b", "x" * 65])
def test_a_runs_token_is_no_path(tmp_path, token):
    with pytest.raises(EdgekitError, match="no run of ours"):
        apps.outcome(tmp_path, token)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"X": np.full((4, 1, 6, 1), np.nan, np.float32)}, "finite"),
        ({"X": np.ones((4, 6), np.float32)}, "finite float32 features"),
        ({"X": np.ones((0, 1, 6, 1), np.float32)}, "finite float32 features"),
        ({"y": np.array([0, 1, 2, 1])}, "from 0 to 1"),
        ({"y": np.array([0, 1])}, "4 class numbers"),
        ({"y": np.array([{}] * 4)}, "holds no arrays"),
    ],
)
def test_windows_that_cannot_be_trained_on_are_refused(tmp_path, change, said):
    file = tmp_path / "w.npz"
    np.savez(file, **{"X": CLIENT.X, "y": CLIENT.y, **change})
    with pytest.raises(EdgekitError, match=said):
        apps.read_windows(file, 2)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 half a file", b"no arrays"])
def test_a_file_that_is_none_is_refused(tmp_path, data):
    (tmp_path / "w.npz").write_bytes(data)
    with pytest.raises(EdgekitError, match="holds no arrays"):
        apps.read_windows(tmp_path / "w.npz", 2)


def test_a_result_comes_back_as_it_was(tmp_path):
    arrays = [np.full(2, i, np.float32) for i in range(12)]
    statistics = Statistics(np.array([1.0, 2.0]), np.ones((1, 6, 1)), np.ones((1, 6, 1)))
    refused = [Refusal(1, "a, client b: round 7", "late"), Refusal(12, "c", "")]
    apps.write_result(tmp_path / "r.npz", Federated(arrays, statistics, refused, 2.5))
    read = apps.read_result(tmp_path / "r.npz")
    assert [a[0] for a in read.arrays] == list(range(12))
    assert read.epsilon == 2.5
    assert read.refused == refused
    assert (read.statistics.counts == statistics.counts).all()


@pytest.mark.parametrize(
    "address", ["", "host", "host:0", "host:70000", "a b:1", "-x:1", "h:1; ls", "h:1\n"]
)
def test_an_address_is_an_address(tmp_path, address):
    prepare(tmp_path, CLIENT, SETTINGS)
    certificates.certify(tmp_path)
    with (
        pytest.raises(EdgekitError, match="HOST:PORT"),
        supernode(tmp_path, address, tmp_path / "ca.pem", 0),
    ):
        pass


def test_nobody_serves_an_empty_folder(tmp_path):
    with pytest.raises(EdgekitError, match="nobody serves"):
        served(tmp_path)
    assert not [*tmp_path.iterdir()]
