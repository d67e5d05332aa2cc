"""A key that cannot leave its token: a smart card, a TPM, a YubiKey, a cloud's HSM, or SoftHSM on a desk.

All of them speak PKCS#11; which one is used is said by a URI (RFC 7512), not by code:

    pkcs11:token=edgekit;object=release?module-path=/usr/lib/softhsm/libsofthsm2.so

SoftHSM's token is made by `softhsm2-util --init-token --free --label edgekit`, which asks for its PINs.
The PIN is asked from the environment (EDGEKIT_TOKEN_PIN) or from the URI's `pin-source=file:…`, never from
the command line, where other users of the machine would read it. A key that the token would give away is no
better than a file: it is refused.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import warnings
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.core.safe_files import read_private_file
from edgekit.packages.public_keys import PublicKey
from edgekit.packages.signature_checks import low_s

PIN = "EDGEKIT_TOKEN_PIN"
MODULES = (  # where Linux distributions put the common ones
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/opt/homebrew/lib/softhsm/libsofthsm2.so",
)
P256 = bytes.fromhex("06082a8648ce3d030107")  # the curve's object identifier, DER


@dataclass(frozen=True)
class Uri:
    """The parts of a PKCS#11 URI that the kit reads."""

    token: str
    label: str
    module: str
    pin_file: str = ""


def parse(uri: str) -> Uri:
    """Raises EdgekitError for what is no PKCS#11 URI, or names no token or key."""
    path, _, query = uri.removeprefix("pkcs11:").partition("?")
    parts = [p.partition("=") for p in (*path.split(";"), *query.split("&")) if p]
    known = {name: unquote(value) for name, _, value in parts}
    if not uri.startswith("pkcs11:") or not known.get("token") or not known.get("object"):
        raise EdgekitError(
            f"{uri.partition('?')[0]!r} is no key in a token: "
            "pkcs11:token=NAME;object=KEY?module-path=LIBRARY"
        )
    module = known.get("module-path") or next((m for m in MODULES if Path(m).is_file()), "")
    if not Path(module).is_file():
        raise EdgekitError(
            f"the token's library {module or '(module-path)'} is not there; SoftHSM is in the "
            "Debian package softhsm2"
        )
    source = known.get("pin-source", "")
    return Uri(known["token"], known["object"], module, source.removeprefix("file:"))


class TokenSigner:
    """ES256 by a P-256 key in a token. The private key is used there and never seen here.

    Raises EdgekitError for a key that can leave its token, and warns of one that once was outside.
    """

    workshop = False

    def __init__(self, where: Uri):
        self.where = where
        with _session(where) as session:
            self.public = _public(session, where)
            _stays(session, where)

    def sign(self, message: bytes) -> bytes:
        """64 bytes, r||s: what the token answers to the SHA-256 of `message`."""
        from pkcs11 import KeyType, Mechanism, ObjectClass

        with _session(self.where) as session:
            key = _one(session, self.where, ObjectClass.PRIVATE_KEY, KeyType.EC)
            digest = hashlib.sha256(message).digest()
            signature = low_s(bytes(key.sign(digest, mechanism=Mechanism.ECDSA)))
        if not self.public.verifies(signature, message):
            raise EdgekitError(f"the token {self.where.token} gave a signature that is none")
        return signature


def token_key(uri: str) -> TokenSigner:
    """The signer behind a PKCS#11 URI. Raises EdgekitError, in one line, if there is none."""
    return TokenSigner(parse(uri))


def make_token_key(uri: str) -> TokenSigner:
    """Make the key that `uri` names inside its token, not extractable, unless it is there; as `token_key`."""
    from pkcs11 import Attribute, KeyType, ObjectClass

    where = parse(uri)
    with _session(where, write=True) as session:
        there = _found(session, where, ObjectClass.PRIVATE_KEY, KeyType.EC)
        curve = session.create_domain_parameters(
            KeyType.EC, {Attribute.EC_PARAMS: P256}, local=True
        )
        private = {
            Attribute.EXTRACTABLE: False, Attribute.SENSITIVE: True, Attribute.SIGN: True
        }  # fmt: skip
        if not there:
            curve.generate_keypair(store=True, label=where.label, private_template=private)
    return TokenSigner(where)


def _stays(session, where: Uri) -> None:
    """What the token says of the private key: whether it gives it away, and whether it ever has."""
    from pkcs11 import Attribute, KeyType, ObjectClass

    key = _one(session, where, ObjectClass.PRIVATE_KEY, KeyType.EC)
    if _says(key, Attribute.EXTRACTABLE, True) or not _says(key, Attribute.SENSITIVE, False):
        raise EdgekitError(
            f"the key {where.label!r} can leave the token {where.token} (it is extractable, or not "
            "sensitive): let the token make one under another name, `edgekit ota key`"
        )
    always = _says(key, Attribute.NEVER_EXTRACTABLE, False) and _says(key, Attribute.LOCAL, False)
    if not always:
        warnings.warn(
            f"{where.label}: a key that was NOT made in its token; whoever had it before may still sign",
            stacklevel=4,
        )


def _says(key, attribute, otherwise: bool) -> bool:
    """A property of the key; `otherwise`, the worse, where the token keeps quiet about it."""
    from pkcs11.exceptions import PKCS11Error

    try:
        return bool(key[attribute])
    except PKCS11Error:
        return otherwise


def _session(where: Uri, write: bool = False):
    try:
        import pkcs11
    except ImportError:
        raise missing("tokens need", "pkcs11") from None
    if where.pin_file:
        pin = read_private_file(Path(where.pin_file)).decode(errors="replace").strip()
    else:
        pin = os.environ.get(PIN, "")
    if not pin:
        raise EdgekitError(f"the token {where.token} needs its PIN: set {PIN}")
    try:
        token = pkcs11.lib(where.module).get_token(token_label=where.token)
        return token.open(user_pin=pin, rw=write)
    except pkcs11.exceptions.NoSuchToken:
        make = f"softhsm2-util --init-token --free --label {shlex.quote(where.token)}"
        raise EdgekitError(
            f"there is no token {where.token!r} in {where.module}; SoftHSM's is made by `{make}`"
        ) from None
    except (pkcs11.exceptions.PinIncorrect, pkcs11.exceptions.PinLocked) as error:
        raise EdgekitError(f"the token {where.token}: {type(error).__name__}") from None
    except (pkcs11.exceptions.PKCS11Error, RuntimeError) as error:
        raise EdgekitError(f"the token {where.token}: {error or type(error).__name__}") from None


def _found(session, where: Uri, kind, key_type) -> list:
    from pkcs11 import Attribute

    wanted = {Attribute.LABEL: where.label, Attribute.CLASS: kind, Attribute.KEY_TYPE: key_type}
    return list(session.get_objects(wanted))


def _one(session, where: Uri, kind, key_type):
    found = _found(session, where, kind, key_type)
    if len(found) != 1:
        raise EdgekitError(
            f"the token {where.token} does not hold exactly one P-256 key {where.label!r}"
        )
    return found[0]


def _public(session, where: Uri) -> PublicKey:
    from pkcs11 import Attribute, KeyType, ObjectClass

    key = _one(session, where, ObjectClass.PUBLIC_KEY, KeyType.EC)
    if bytes(key[Attribute.EC_PARAMS]) != P256:
        raise EdgekitError(f"the key {where.label!r} is not on the curve P-256")
    point = bytes(key[Attribute.EC_POINT])
    return PublicKey("ES256", point[2:] if len(point) == 67 else point)  # out of its DER string
