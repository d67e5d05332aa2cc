"""A small certificate authority for a workshop or a test bench, kept in a folder: trustme's, and P-256.

trustme makes certificates; what is ours is that they last: the authority stays with its folder, a certificate
is used again while it is good, keys are for their owner's eyes, and a device's says who it is. That stands in
its common name, which mosquitto takes as a user's name, and in an address that can be no host's: so the
certificate of a device never passes for a server's, though trustme makes both for either side.
"""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing

DAYS = 365  # that a certificate is good for
ORGANIZATION, UNIT = "edgekit", "bench"  # in each name
DEVICES = "device.invalid"  # a domain that nobody can have (RFC 6761)


def certify(folder: Path, name: str, host: str = "") -> Path:
    """`<name>.pem` and `<name>.key` in `folder`, signed by its `ca.pem`, which is made if there is none.

    With a `host` (a name or an address) it is a server's, without one the device's of this name. What is
    there, good for `host` and for another week, stays. Returns the certificate's path. Raises EdgekitError
    for a host that can have no certificate.
    """
    file, names = folder / f"{name}.pem", _names(name, host)
    if file.exists() and _good(file, names):
        return file
    until = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=DAYS)
    try:
        made = _authority(folder).issue_cert(
            *names,
            common_name=name,
            not_after=until,
            organization_name=ORGANIZATION,
            organization_unit_name=UNIT,
        )
    except ValueError as error:  # idna's errors are
        raise EdgekitError(f"{host or name!r} can have no certificate: {error}") from None
    private(folder / f"{name}.key", made.private_key_pem.bytes())
    atomic_write_bytes(file, made.cert_chain_pems[0].bytes())
    return file


def private(file: Path, data: bytes) -> None:
    """Written so that nobody else may read it."""
    atomic_write_bytes(file, data, 0o600)


def _authority(folder: Path):
    """The folder's own trustme.CA."""
    try:
        import trustme
    except ImportError as error:
        raise missing("certificates need", error.name, "ota") from None
    key, certificate = folder / "ca.key", folder / "ca.pem"
    if key.exists():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    made = trustme.CA(path_length=0, organization_name=ORGANIZATION, organization_unit_name=UNIT)
    private(key, made.private_key_pem.bytes())
    atomic_write_bytes(certificate, made.cert_pem.bytes())
    return made


def _names(name: str, host: str) -> list[str]:
    """Whom the certificate is for."""
    if not host:
        return [f"{name}@{DEVICES}"]
    try:
        return [str(ipaddress.ip_address(host)), "localhost"]
    except ValueError:
        return [host]


def _good(file: Path, names: list[str]) -> bool:
    from cryptography import x509

    there = x509.load_pem_x509_certificate(file.read_bytes())
    has = there.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    week = datetime.timedelta(days=7)
    soon = datetime.datetime.now(datetime.UTC) + week
    return [str(n.value) for n in has] == names and there.not_valid_after_utc > soon
