"""The device's own C for checking packages, compiled for this machine and called from Python."""

from __future__ import annotations

import ctypes
import functools
from typing import Any

from edgekit.core.errors import EdgekitError
from edgekit.emulate.toolchain import compile_host
from edgekit.export.plan import Plan
from edgekit.export.source import Source
from edgekit.firmware import c_sources
from edgekit.operators.graph import Graph
from edgekit.packages import encryption, verifiers
from edgekit.packages.manifest import KINDS, RULES, PackageError
from edgekit.packages.public_keys import PublicKey, raw_key

TRUST = ("hmac", "keyset", "trust", "statement", "status")  # the C of keys and statements

VERIFY = {"EdDSA": "ed25519_verify", "ES256": "es256_verify"}
KEYS = ("EdDSA", "ES256")  # as `struct key` numbers their algorithms


class CKey(ctypes.Structure):  # struct key
    _fields_ = (
        ("verify", ctypes.c_void_p),
        ("algorithm", ctypes.c_uint8),
        ("revoked", ctypes.c_uint8),
        ("bytes", ctypes.c_uint8 * 64),
    )


class CKeys(ctypes.Structure):  # struct keys
    _fields_ = (("key", ctypes.POINTER(CKey)), ("count", ctypes.c_uint32))


# struct manifest: numbers, and pointers with how many bytes they point to
_MANIFEST = {
    "sequence": 0, "vendor": 16, "model": 16, "device": 16, "expires": 0, "payload_digest": 32,
    "payload_size": 0, "digest": 32, "size": 0, "base": 8, "arena": 0, "operators": None,
    "operator_count": 0, "io": 4, "abi": 4, "features": 4, "kind": 0, "encoding": 0, "payload_at": 0,
    "iv": None, "wrapped": None, "recipients": 0,
}  # fmt: skip


class CManifest(ctypes.Structure):  # struct manifest
    _fields_ = tuple(
        (k, ctypes.c_uint32 if n == 0 else ctypes.c_void_p) for k, n in _MANIFEST.items()
    )


class CDevice(ctypes.Structure):  # struct device
    _fields_ = (
        *((name, ctypes.c_uint8 * 16) for name in ("vendor", "model", "device")),
        ("sequence", ctypes.c_uint32),
        ("counter", ctypes.c_uint32),
        ("now", ctypes.c_uint64),
        ("kind", ctypes.c_uint32),
        ("slot_bytes", ctypes.c_uint32),
        ("base", ctypes.c_char_p),
        ("arena_bytes", ctypes.c_uint32),
        ("operators", ctypes.POINTER(ctypes.c_uint32)),
        ("operator_count", ctypes.c_uint32),
        *((name, ctypes.c_uint8 * 4) for name in ("io", "abi", "features")),
        ("secret", ctypes.c_uint8 * 32),
        ("kek", ctypes.c_uint8 * encryption.KEY),
        ("decryptor", ctypes.c_void_p),  # only whether there is one counts here
    )


def files(*signatures: str) -> dict[str, str]:
    """The C that checks a package, by file name, as `emulate.build(extra_files=…)` takes it.

    signatures: names of `verifiers.VERIFIERS`, one for an algorithm; "EdDSA" and "ES256" if none is named.
    """
    own = c_sources("manifest", "cbor", "cose", "sha256", "decrypt.h", "encryption.c")
    return own | verifiers.files(*(signatures or KEYS))


def decryptor_files() -> dict[str, str]:
    """The C that decrypts payloads, by file name, beside `files`."""
    aes = (f"aes_ct{part}.c" for part in ("", "_enc", "_dec"))
    return c_sources("inner.h", "decrypt", "encryption.c", *aes)


def program(name: str, sources: dict[str, str]) -> Source:
    """A program for `emulate.build` without a network in it: no layers, no plan, no inputs."""
    nothing = Graph(tensors=(), operators=(), inputs=(), outputs=(), sha256="", nbytes=0)
    return Source(name, sources, (), Plan({}, 0, 0, 0, ()), nothing, {})


def read(data: bytes, keys: list[PublicKey], revoked: tuple[PublicKey, ...] = ()) -> dict:
    """What `manifest_read` makes of a package, or of as much of it as is there.

    Returns the fields of `manifest.Manifest`, and `payload_at`, where the payload begins. Raises PackageError
    with the device's reason.
    """
    return _fields(_read(data, keys, revoked))


def check(
    data: bytes,
    keys: list[PublicKey],
    device,
    now: int = 0,
    revoked: tuple[PublicKey, ...] = (),
) -> dict:
    """As `read`, and then every rule of `manifest_check` for `device`, a `packages.Device`.

    now: POSIX seconds, 0 for a device without a clock. Raises PackageError with the device's reason.
    """
    manifest = _read(data, keys, revoked)
    _raise(library().manifest_check(ctypes.byref(manifest), ctypes.byref(as_device(device, now))))
    return _fields(manifest)


def ed25519_verify(signature: bytes, public_key: bytes, message: bytes) -> bool:
    """RFC 8032: signature 64 bytes, public key 32 bytes."""
    return _verify("ed25519_verify", signature, public_key, 32, message)


def es256_verify(signature: bytes, public_key: bytes, message: bytes) -> bool:
    """ECDSA on P-256 with SHA-256: signature r||s, public key x||y, 64 bytes each."""
    return _verify("es256_verify", signature, public_key, 64, message)


def _verify(name: str, signature: bytes, public_key: bytes, size: int, message: bytes) -> bool:
    if len(signature) != 64 or len(public_key) != size:
        raise EdgekitError(f"a signature has 64 bytes, this kind of public key {size}")
    return getattr(library(), name)(signature, public_key, message, len(message)) == 0


def _read(data: bytes, keys, revoked) -> CManifest:
    data, manifest = bytes(data), CManifest()
    code = library().manifest_read(
        data, len(data), ctypes.byref(as_keys(keys, revoked)), ctypes.byref(manifest)
    )
    manifest.data = data  # what its pointers point into
    _raise(code)
    return manifest


def _raise(code: int) -> None:
    if code:
        raise PackageError(library().manifest_reason(code).decode(), RULES[code])


def _fields(manifest: CManifest) -> dict:
    found: dict[str, Any] = {}
    for name, size in _MANIFEST.items():
        value = getattr(manifest, name)
        found[name] = (
            ctypes.string_at(value, size) if size and value else value or (b"" if size else 0)
        )
    at = ctypes.c_void_p(manifest.operators)
    count, iv, recipients, _ = map(found.pop, ("operator_count", "iv", "recipients", "wrapped"))
    start = iv and iv - len(encryption.START)
    found["encryption"] = ctypes.string_at(start, encryption.size(recipients)) if iv else b""
    return found | {
        "operators": tuple(library().manifest_operator(ctypes.byref(at)) for _ in range(count))
    }


def c_key(key: PublicKey, revoked: int = 0) -> str:
    """The initializer of a `struct key`."""
    raw = ", ".join(map(str, raw_key(key)))
    return f"{{{VERIFY[key.algorithm]}, {KEYS.index(key.algorithm)}, {revoked}, {{{raw}}}}}"


def as_keys(keys, revoked) -> CKeys:
    """Public keys, and those that are refused, as `struct keys`."""
    known = [*((k, 0) for k in keys), *((k, 1) for k in revoked)]
    table = (CKey * len(known))()
    for row, (key, gone) in zip(table, known, strict=True):
        verify = getattr(library(), VERIFY[key.algorithm])
        row.verify = ctypes.cast(verify, ctypes.c_void_p).value
        row.algorithm, row.revoked = KEYS.index(key.algorithm), gone
        raw = raw_key(key)
        row.bytes[: len(raw)] = raw
    return CKeys(table, len(table))


def as_device(device, now: int) -> CDevice:
    """A `packages.Device` as `struct device`; now: POSIX seconds, 0 for a device without a clock."""
    operators = (ctypes.c_uint32 * len(device.operators))(*device.operators)
    made = CDevice(now=now, kind=KINDS.index(device.kind), base=device.base or None)
    for name in ("sequence", "counter", "slot_bytes", "arena_bytes"):
        setattr(made, name, getattr(device, name))
    for name in ("vendor", "model", "device", "io", "abi", "features", "secret"):
        getattr(made, name)[:] = getattr(device, name)
    if device.kek:
        made.kek[:] = device.kek
    made.operators, made.operator_count = operators, len(operators)
    made.decryptor = 1 if device.kek else None
    return made


@functools.cache
def library() -> ctypes.CDLL:
    """The verifier, compiled for this machine by zig."""
    made = ctypes.CDLL(
        str(compile_host(files(), ("-O2", "-DMUL64_IS_CONSTANT_TIME", "-shared", "-fPIC")))
    )
    verify = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t)
    made.ed25519_verify.argtypes = made.es256_verify.argtypes = verify
    made.manifest_read.argtypes = (
        ctypes.c_char_p, ctypes.c_uint32, ctypes.POINTER(CKeys), ctypes.POINTER(CManifest),
    )  # fmt: skip
    made.manifest_check.argtypes = (ctypes.POINTER(CManifest), ctypes.POINTER(CDevice))
    made.manifest_operator.argtypes = (ctypes.POINTER(ctypes.c_void_p),)
    made.manifest_operator.restype = ctypes.c_uint32
    made.manifest_reason.restype = ctypes.c_char_p
    return made
