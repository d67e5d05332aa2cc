"""Who a SuperLink is, and who a SuperNode is: a certificate of the run's own authority, and P-384 keys.

The authority signs one certificate and its key is then gone: nobody can make another SuperLink that the
nodes believe. A new certificate is a new `ca.pem`, which every node gets. Private keys have mode 600.
"""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError
from edgekit.core.safe_files import read_private_file

DAYS = 90  # that a SuperLink's certificate is good for
RENEW = datetime.timedelta(days=7)  # what it must have left, else there is a new one
CA, CERTIFICATE, KEY = "ca.pem", "superlink.pem", "superlink.key"
NODE_KEY, NODE_PUBLIC = "node.key", "node.pub"
LARGEST = 1 << 12  # bytes of a public key's file
LOOPBACK = ("127.0.0.1", "localhost")


def certify(folder: Path, hosts: Sequence[str] = LOOPBACK) -> None:
    """`ca.pem`, `superlink.pem` and `superlink.key` in `folder`, for `hosts` (names, addresses).

    What is there, good for the same hosts and for another week, stays. Raises EdgekitError for a host that
    can have no certificate.
    """
    names = [_name(host) for host in dict.fromkeys((*hosts, *LOOPBACK))]
    if _good(folder, names):
        return
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    issuer = _subject("edgekit federation")
    ca = (
        _builder(issuer, issuer, ca_key, ca_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .sign(ca_key, hashes.SHA256())
    )
    certificate = (
        _builder(_subject("edgekit SuperLink"), issuer, key, ca_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    atomic_write_bytes(folder / KEY, _private(key, serialization.PrivateFormat.PKCS8), 0o600)
    atomic_write_bytes(folder / CERTIFICATE, certificate.public_bytes(encoding))
    atomic_write_bytes(folder / CA, ca.public_bytes(encoding))


def valid_until(folder: Path) -> datetime.datetime:
    """When the certificate of the SuperLink in `folder` ends, in UTC."""
    pem = (folder / CERTIFICATE).read_bytes()
    return x509.load_pem_x509_certificate(pem).not_valid_after_utc


def node_key(folder: Path) -> Path:
    """A SuperNode's own key: `node.key` and `node.pub` in `folder`, made if they are not there.

    Returns the public one, which the SuperLink is to know. Raises EdgekitError where others may read the
    private one, or it is none.
    """
    private, public = folder / NODE_KEY, folder / NODE_PUBLIC
    if not private.exists():
        form = serialization.PrivateFormat.OpenSSH  # the form that Flower reads
        atomic_write_bytes(private, _private(ec.generate_private_key(ec.SECP384R1()), form), 0o600)
    try:
        key = serialization.load_ssh_private_key(read_private_file(private), None)
    except ValueError:
        raise EdgekitError(f"{private} is no private key: move it away, and join again") from None
    line = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    atomic_write_bytes(public, line + b"\n")
    return public


def public_key(file: Path) -> bytes:
    """The line of a SuperNode's public key. Raises EdgekitError for a file that is none of P-384."""
    with file.open("rb") as opened:
        line = opened.read(LARGEST).strip()
    try:
        key = serialization.load_ssh_public_key(line)
    except Exception:  # whatever a stranger's bytes make of it
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp384r1":
        raise EdgekitError(
            f"{file} is no public key of a SuperNode: `edgekit federate join` makes one"
        )
    return b" ".join(line.split()[:2])


def _good(folder: Path, names: Sequence[x509.GeneralName]) -> bool:
    if not all((folder / name).is_file() for name in (CA, CERTIFICATE, KEY)):
        return False
    certificate = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
    known = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    try:  # written one after the other: a kill between them leaves those that are not of one authority
        ca = x509.load_pem_x509_certificate((folder / CA).read_bytes())
        certificate.verify_directly_issued_by(ca)
        key = serialization.load_pem_private_key(read_private_file(folder / KEY), None)
    except Exception:
        return False
    left = certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    return (
        key.public_key() == certificate.public_key() and set(names) <= set(known) and left > RENEW
    )


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    parts = host.split(".")
    if len(host) > 253 or not all(
        0 < len(p) < 64 and p.isascii() and p.replace("-", "a").isalnum() for p in parts
    ):
        raise EdgekitError(f"{host!r:.80} is no host's name or address: it can have no certificate")
    return x509.DNSName(host)


def _builder(subject, issuer, key, signer) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))  # a node's clock may be late
        .not_valid_after(now + datetime.timedelta(days=DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs, key_cert_sign=signs, crl_sign=signs, content_commitment=False,
        key_encipherment=False, data_encipherment=False, key_agreement=False, encipher_only=False,
        decipher_only=False,
    )  # fmt: skip


def _private(key: ec.EllipticCurvePrivateKey, form: serialization.PrivateFormat) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
