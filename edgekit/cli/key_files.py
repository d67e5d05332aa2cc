"""Files with keys that a command names: a public key, a list of keys, whatever a device is to trust."""

from __future__ import annotations

from edgekit.core.errors import EdgekitError


def trusted(path: str):
    """What a firmware trusts: a key list, or the one key of a .pub.pem."""
    return [public(path)] if read_bytes(path).startswith(b"-----") else key_list(path)[0]


def read_bytes(path: str) -> bytes:
    from edgekit.packages import inspection

    return inspection.read(path)


def public(path: str):
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    from edgekit.packages import inspection
    from edgekit.packages.public_keys import public_key

    try:
        return public_key(load_pem_public_key(inspection.read(path)))
    except ValueError:
        raise EdgekitError(f"{path}: no public key (.pub.pem)") from None


def key_list(path: str):
    """The list in a file, and the ids of those who signed it. Nothing is verified."""
    return contents(path, read_bytes(path))


def contents(path: str, data: bytes):
    """The same of what was read from it."""
    from edgekit.packages import keyset

    try:
        return keyset.contents(data)
    except EdgekitError as error:
        raise EdgekitError(f"{path}: {error}") from None
