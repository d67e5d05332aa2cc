"""A repository for gateways: fresh, signed by roles, never older than what was seen."""

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest

pytest.importorskip("tuf", reason="pip install 'edgekit[tuf]'")
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from edgekit.core.errors import EdgekitError
from edgekit.delivery.server import serve_http
from edgekit.delivery.tuf_repository import ROLES, fetch_tuf, publish, renew_root
from edgekit.packages.keys import FileSigner


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


def test_a_root_is_renewed_before_it_runs_out(repository):
    folder, keys, root, url = repository
    later = datetime.now(UTC).replace(microsecond=0)
    for days, version in ((0, 1), (200, 1), (300, 2), (2000, 3)):
        publish(
            folder / "repository", {"pump.suit": b"one"}, keys, now=later + timedelta(days=days)
        )
        assert (
            max(p.name for p in (folder / "repository").glob("*.root.json"))
            == f"{version}.root.json"
        )
    assert fetch_tuf(url, "pump.suit", folder / "gateway", root).read_bytes() == b"one"


def test_an_expired_root_is_renewed_by_its_key_alone(tmp_path):
    keys, past = signers(), datetime.now(UTC).replace(microsecond=0) - timedelta(days=400)
    root = publish(tmp_path / "repository", {"x.targets.json": b"one"}, keys, now=past).read_bytes()
    online = {role: keys[role] for role in ROLES if role != "root"}
    with pytest.raises(EdgekitError, match="has expired"):
        publish(tmp_path / "repository", {}, online)
    assert renew_root(tmp_path / "repository", keys["root"]).name == "2.root.json"
    publish(tmp_path / "repository", {"x.targets.json": b"two"}, online)
    with serve_http(tmp_path / "repository", kinds=(".json",)) as url:
        assert fetch_tuf(url, "x.targets.json", tmp_path / "gateway", root).read_bytes() == b"two"


def test_the_root_key_and_others_change_hands(repository):
    """A gateway that has the first root goes through all of them; the real client decides."""
    folder, keys, root, url = repository
    to, new = folder / "repository", signers()
    renew_root(to, keys["root"], successor=new["root"])
    with pytest.raises(EdgekitError, match="another root key"):
        renew_root(to, keys["root"])
    online = keys | {"root": new["root"]}
    publish(to, {"pump.suit": b"two"}, online)
    assert fetch_tuf(url, "pump.suit", folder / "gateway", root).read_bytes() == b"two"
    renew_root(to, new["root"], {"timestamp": new["timestamp"].public})
    with pytest.raises(EdgekitError, match="other keys"):
        publish(to, {"pump.suit": b"bad"}, online)  # the key of the timestamp was replaced
    publish(to, {"pump.suit": b"three"}, online | {"timestamp": new["timestamp"]})
    assert fetch_tuf(url, "pump.suit", folder / "gateway", root).read_bytes() == b"three"


@pytest.mark.parametrize("only", ["old", "new"])
def test_half_a_rotation_is_refused_by_the_client(repository, only):
    folder, keys, root, url = repository
    new = signers()["root"]
    path = renew_root(folder / "repository", keys["root"], successor=new)
    made = json.loads(path.read_text())
    key = made["signed"]["roles"]["root"]["keyids"][0]
    kept = [s for s in made["signatures"] if (s["keyid"] == key) == (only == "new")]
    assert len(kept) == 1
    path.write_text(json.dumps(made | {"signatures": kept}))
    with pytest.raises(EdgekitError, match="refused"):
        fetch_tuf(url, "pump.suit", folder / "gateway", root)


@pytest.mark.parametrize("text", ["", "{}", "[1, 2]"])
def test_a_damaged_root_is_said_in_one_line(repository, text):
    folder, keys, _, _ = repository
    (folder / "repository" / "1.root.json").write_text(text)
    with pytest.raises(EdgekitError, match="damaged"):
        renew_root(folder / "repository", keys["root"])
    with pytest.raises(EdgekitError, match="no repository"):
        renew_root(folder / "nowhere", keys["root"])
    with pytest.raises(EdgekitError, match="no role"):
        renew_root(folder / "repository", keys["root"], {"owner": keys["root"].public})


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
