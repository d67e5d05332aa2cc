"""The same packages for gateways of the Linux class, in a repository as TUF defines it (tuf 7).

A package is signed by itself. A repository adds what a single file cannot say: which file is the newest
(snapshot, timestamp), that this news is fresh (everything expires), and which keys may say so (roles): a
stolen web server, or one stolen key but root's, is not enough. See theupdateframework.github.io,
specification 1.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from edgekit.errors import EdgekitError
from edgekit.extras import missing
from edgekit.ota.keys import PublicKey, Signer
from edgekit.ota.mcuboot import der, pem
from edgekit.whole import whole

ROLES = {"root": 365, "targets": 90, "snapshot": 7, "timestamp": 1}  # days until each expires
SCHEMES = {"EdDSA": "ed25519", "ES256": "ecdsa-sha2-nistp256"}


def publish(
    folder: Path | str,
    packages: Mapping[str, bytes],
    signers: Mapping[str, Signer],
    now: datetime | None = None,
) -> Path:
    """Write a repository, or its next version, into `folder`, which is to be served as it is.

    `packages` by name, all that shall be offered; `signers` one for each of ROLES (root and targets should be
    tokens that are not on the server). Returns the first root's file, which gateways are shipped with.
    Raises EdgekitError for a missing role or a folder that holds another root's repository.
    """
    api = _tuf()
    if missing := set(ROLES) - set(signers):
        raise EdgekitError(f"a repository needs a signer for {', '.join(sorted(missing))}")
    folder, now = Path(folder), now or datetime.now(UTC).replace(microsecond=0)
    folder.mkdir(parents=True, exist_ok=True)
    first = folder / "1.root.json"
    keys = {role: _key(signers[role].public) for role in ROLES}
    if not first.is_file():
        root = api.Root(consistent_snapshot=True, expires=now + timedelta(days=ROLES["root"]))
        for role, key in keys.items():
            root.add_key(key, role)
        _write(folder, "1.root.json", api.Metadata(root), signers["root"])
    root = api.Metadata.from_file(str(first)).signed
    if root.expires <= now:
        raise EdgekitError(f"the root of {folder} has expired: start a new repository")
    known = root.roles
    if any(keys[role].keyid not in known[role].keyids for role in ROLES):
        raise EdgekitError(f"{folder} is the repository of other keys")
    kept = (re.fullmatch(r"(\d+)\.targets\.json", p.name) for p in folder.iterdir())
    version = 1 + max((int(m[1]) for m in kept if m), default=0)
    expires = {role: now + timedelta(days=days) for role, days in ROLES.items()}
    targets = api.Targets(version=version, expires=expires["targets"])
    for name, data in packages.items():
        file = api.TargetFile.from_data(name, data, ["sha256"])
        targets.targets[name] = file
        (folder / f"{file.hashes['sha256']}.{name}").write_bytes(data)
    snapshot = api.Snapshot(version=version, expires=expires["snapshot"])
    snapshot.meta["targets.json"] = api.MetaFile(version=version)
    timestamp = api.Timestamp(version=version, expires=expires["timestamp"])
    timestamp.snapshot_meta = api.MetaFile(version=version)
    _write(folder, f"{version}.targets.json", api.Metadata(targets), signers["targets"])
    _write(folder, f"{version}.snapshot.json", api.Metadata(snapshot), signers["snapshot"])
    _write(
        folder, "timestamp.json", api.Metadata(timestamp), signers["timestamp"]
    )  # last: now it is public
    return first


def fetch_tuf(url: str, name: str, folder: Path | str, root: bytes) -> Path:
    """The newest package `name` of the repository at `url`, checked as TUF demands, into `folder`.

    `root` is the first root's file. Raises EdgekitError if anything is expired, older than what was seen
    before, or not signed by whom the root names.
    """
    _tuf()
    from tuf.api.exceptions import DownloadError, RepositoryError
    from tuf.ngclient import Updater

    folder = Path(folder)
    (folder / "metadata").mkdir(parents=True, exist_ok=True)
    try:
        updater = Updater(
            str(folder / "metadata"),
            f"{url}/",
            str(folder),
            f"{url}/",
            bootstrap=root,
        )
        updater.refresh()
        found = updater.get_targetinfo(name)
        if found is None:
            raise EdgekitError(f"the repository offers no {name!r}")
        return Path(updater.download_target(found, str(folder / name)))
    except (RepositoryError, DownloadError) as error:
        raise EdgekitError(f"the repository is refused: {error}") from None


def _tuf():
    try:
        import tuf.api.metadata
    except ImportError:
        raise missing("repositories need", "tuf") from None
    return tuf.api.metadata


def _key(key: PublicKey):
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    return SSlibKey.from_crypto(load_pem_public_key(pem(key)), scheme=SCHEMES[key.algorithm])


def _write(folder: Path, name: str, metadata, signer: Signer) -> None:
    from securesystemslib.signer import Signature
    from securesystemslib.signer import Signer as Interface

    key = _key(signer.public)

    class Ours(Interface):
        """TUF's interface around any of our signers, a token included."""

        public_key = key

        def sign(self, payload: bytes) -> Signature:
            raw = signer.sign(payload)
            if signer.public.algorithm == "ES256":
                raw = der(raw)
            return Signature(key.keyid, raw.hex())

        @classmethod
        def from_priv_key_uri(cls, *_):
            raise NotImplementedError("the signer is given, not named")

    metadata.sign(Ours())
    with whole(folder / name) as half:
        metadata.to_file(str(half))
