"""A repository for gateways: fresh, signed by roles, never older than what was seen."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("tuf", reason="pip install 'edgekit[tuf]'")
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from edgekit.errors import EdgekitError
from edgekit.ota.delivery import serve_http
from edgekit.ota.keys import FileSigner
from edgekit.ota.tuf_repository import ROLES, fetch_tuf, publish


def signers():
    tokens = {
        role: FileSigner(ec.generate_private_key(ec.SECP256R1())) for role in ("root", "targets")
    }
    online = {
        role: FileSigner(ed25519.Ed25519PrivateKey.generate()) for role in ("snapshot", "timestamp")
    }
    return tokens | online


@pytest.fixture
def repository(tmp_path):
    keys = signers()
    root = publish(tmp_path / "repository", {"pump.suit": b"one"}, keys).read_bytes()
    with serve_http(tmp_path / "repository", kinds=(".suit", ".json")) as url:
        yield tmp_path, keys, root, url


def test_a_gateway_gets_the_newest_package(repository):
    folder, keys, root, url = repository
    assert fetch_tuf(url, "pump.suit", folder / "gateway", root).read_bytes() == b"one"
    publish(folder / "repository", {"pump.suit": b"two"}, keys)
    assert fetch_tuf(url, "pump.suit", folder / "gateway", root).read_bytes() == b"two"
    with pytest.raises(EdgekitError, match="offers no"):
        fetch_tuf(url, "fan.suit", folder / "gateway", root)


def test_an_older_repository_is_a_rollback(repository):
    folder, keys, root, url = repository
    shutil.copytree(folder / "repository", folder / "kept")
    publish(folder / "repository", {"pump.suit": b"two"}, keys)
    fetch_tuf(url, "pump.suit", folder / "gateway", root)
    shutil.rmtree(folder / "repository")
    shutil.copytree(folder / "kept", folder / "repository")
    with pytest.raises(EdgekitError, match="refused"):
        fetch_tuf(url, "pump.suit", folder / "gateway", root)


def test_a_frozen_repository_expires(repository):
    folder, keys, root, url = repository
    past = datetime.now(UTC).replace(microsecond=0) - timedelta(days=ROLES["timestamp"] + 1)
    publish(folder / "repository", {"pump.suit": b"one"}, keys, now=past)
    with pytest.raises(EdgekitError, match="expired"):
        fetch_tuf(url, "pump.suit", folder / "gateway", root)


def test_an_expired_root_is_not_published_under(tmp_path):
    keys, past = signers(), datetime.now(UTC).replace(microsecond=0) - timedelta(days=400)
    publish(tmp_path, {"x.targets.json": b"one"}, keys, now=past)
    with pytest.raises(EdgekitError, match="has expired"):
        publish(tmp_path, {}, keys)
    assert (tmp_path / "1.targets.json").is_file()
    publish(tmp_path, {}, keys, now=past)
    assert (tmp_path / "2.targets.json").is_file()


def test_a_stolen_server_cannot_offer_a_file_of_its_own(repository):
    folder, keys, root, url = repository
    for path in (folder / "repository").glob("*.suit"):
        path.write_bytes(b"bad")
    with pytest.raises(EdgekitError, match="refused"):
        fetch_tuf(url, "pump.suit", folder / "gateway", root)
    with pytest.raises(EdgekitError, match="other keys"):
        publish(folder / "repository", {"pump.suit": b"bad"}, signers())
    with pytest.raises(EdgekitError, match="signer for"):
        publish(folder / "repository", {}, {"root": keys["root"]})
