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

from edgekit.core.atomic import atomic_write
from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.packages.mcuboot import der, pem
from edgekit.packages.public_keys import PublicKey, Signer

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
    tokens that are not on the server; root's is needed only for the first version and to renew the root,
    which is done here before it runs out). Returns the first root's file, which gateways are shipped with.
    Raises EdgekitError for a missing role, a root that has expired, or a folder of other keys.
    """
    api = _tuf()
    folder, now = Path(folder), now or _now()
    folder.mkdir(parents=True, exist_ok=True)
    first = folder / "1.root.json"
    needed = set(ROLES) - ({"root"} if first.is_file() else set())
    if missing := needed - set(signers):
        raise EdgekitError(f"a repository needs a signer for {', '.join(sorted(missing))}")
    keys = {role: _key(signer.public) for role, signer in signers.items()}
    if not first.is_file():
        root = api.Root(consistent_snapshot=True, expires=now + timedelta(days=ROLES["root"]))
        for role, key in keys.items():
            root.add_key(key, role)
        _write(folder, "1.root.json", api.Metadata(root), signers["root"])
    root = _newest_root(folder).signed
    if any(key.keyid not in root.roles[role].keyids for role, key in keys.items()):
        raise EdgekitError(f"{folder} is the repository of other keys")
    if root.expires <= now + timedelta(days=ROLES["root"] / 4) and "root" in signers:
        renew_root(folder, signers["root"], now=now)
    elif root.expires <= now:
        raise EdgekitError(f"the root of {folder} has expired: renew it with its root key")
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


def renew_root(
    folder: Path | str,
    signer: Signer,
    keys: Mapping[str, PublicKey] | None = None,
    successor: Signer | None = None,
    now: datetime | None = None,
) -> Path:
    """The repository's next root: a new term, and other keys for the roles in `keys`, if any.

    `signer` has the present root key. With a `successor` that one is replaced, and both sign: gateways go
    from root to root, and take each one that the one before and itself agree to. After a change of other
    roles' keys `publish` with the new ones: what the old ones signed is refused. Returns the new root's
    file. Raises EdgekitError for a folder that is no repository, or one of another root key.
    """
    folder, now = Path(folder), now or _now()
    changed = {role: _key(key) for role, key in (keys or {}).items()}
    if successor:
        changed["root"] = _key(successor.public)
    if unknown := set(changed) - set(ROLES):
        raise EdgekitError(f"no role {', '.join(sorted(unknown))}; there are {', '.join(ROLES)}")
    metadata = _newest_root(folder)
    root = metadata.signed
    if _key(signer.public).keyid not in root.roles["root"].keyids:
        raise EdgekitError(f"{folder} is the repository of another root key")
    root.version += 1
    root.expires = now + timedelta(days=ROLES["root"])
    for role, key in changed.items():
        for gone in tuple(root.roles[role].keyids):
            root.revoke_key(gone, role)
        root.add_key(key, role)
    metadata.signatures.clear()
    both = (signer, successor) if successor else (signer,)
    return _write(folder, f"{root.version}.root.json", metadata, *both)


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


def _newest_root(folder: Path):
    """The newest version of the root; those before it stay, as gateways go through all of them."""
    from tuf.api.serialization import DeserializationError

    found = (re.fullmatch(r"(\d+)\.root\.json", p.name) for p in folder.glob("*.root.json"))
    newest = max((int(m[1]) for m in found if m), default=0)
    if not newest:
        raise EdgekitError(f"{folder} is no repository: there is no 1.root.json")
    path = folder / f"{newest}.root.json"
    try:
        metadata = _tuf().Metadata.from_file(str(path))
    except DeserializationError:
        raise EdgekitError(f"{path} is damaged: bring back a copy of the repository") from None
    if metadata.signed.type != "root" or metadata.signed.version != newest:
        raise EdgekitError(f"{path} is not the root that its name says: bring back a copy")
    return metadata


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


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


def _write(folder: Path, name: str, metadata, *signers: Signer) -> Path:
    for signer in signers:
        metadata.sign(_interface(signer), append=True)
    with atomic_write(folder / name) as half:
        metadata.to_file(str(half))
    return folder / name


def _interface(signer: Signer):
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

    return Ours()
