"""A small certificate authority for a workshop or a test bench: P-256, good for a year, kept in a folder."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path

from edgekit.core.atomic import atomic_write_bytes

AUTHORITY = "edgekit CA"
DAYS = 365  # that a certificate is good for


def certify(folder: Path, name: str, host: str = "") -> Path:
    """`<name>.pem` and `<name>.key` in `folder`, signed by its `ca.pem`, which is made if there is none.

    With a `host` (a name or an address) it is a server's, without one a client's. What is there, good
    for `host` and for another week, stays. Returns the certificate's path.
    """
    from cryptography import x509
    from cryptography.x509.oid import ExtendedKeyUsageOID as Usage

    file = folder / f"{name}.pem"
    names = x509.SubjectAlternativeName(_names(host or name))
    if file.exists() and _good(file, names):
        return file
    ca_key = folder / "ca.key"
    if ca_key.exists():
        authority = _load(ca_key)
    else:
        authority = _new(ca_key)
        root = [(x509.BasicConstraints(ca=True, path_length=0), True), (_signs_only(), True)]
        atomic_write_bytes(folder / "ca.pem", _sign(AUTHORITY, authority, authority, root))
    use = x509.ExtendedKeyUsage([Usage.SERVER_AUTH if host else Usage.CLIENT_AUTH])
    leaf = [(x509.BasicConstraints(ca=False, path_length=None), True), (use, False), (names, False)]
    atomic_write_bytes(file, _sign(name, _new(folder / f"{name}.key"), authority, leaf))
    return file


def private(file: Path, data: bytes) -> None:
    """Written so that nobody else may read it."""
    atomic_write_bytes(file, data, 0o600)


def _names(host: str) -> list:
    from cryptography import x509

    try:
        return [x509.IPAddress(ipaddress.ip_address(host)), x509.DNSName("localhost")]
    except ValueError:
        return [x509.DNSName(host)]


def _good(file: Path, names) -> bool:
    from cryptography import x509

    there = x509.load_pem_x509_certificate(file.read_bytes())
    has = there.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    week = datetime.timedelta(days=7)
    return has == names and there.not_valid_after_utc > datetime.datetime.now(datetime.UTC) + week


def _new(file: Path):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    form, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    private(file, key.private_bytes(form, pkcs8, serialization.NoEncryption()))
    return key


def _load(file: Path):
    from cryptography.hazmat.primitives import serialization

    return serialization.load_pem_private_key(file.read_bytes(), None)


def _sign(subject: str, key, authority, extensions) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import NameOID

    def named(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    ours, theirs = key.public_key(), authority.public_key()
    made = (
        x509.CertificateBuilder()
        .subject_name(named(subject))
        .issuer_name(named(AUTHORITY))
        .public_key(ours)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)  # a device's clock may be behind
        .not_valid_after(now + DAYS * day)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ours), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(theirs), False)
    )
    for value, critical in extensions:
        made = made.add_extension(value, critical)
    return made.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _signs_only():
    from cryptography import x509

    others = """digital_signature content_commitment key_encipherment data_encipherment
        key_agreement encipher_only decipher_only"""
    uses = dict.fromkeys(others.split(), False)
    return x509.KeyUsage(key_cert_sign=True, crl_sign=True, **uses)
