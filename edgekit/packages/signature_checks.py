"""Which keys and signatures are taken at all, before the equation is asked: as we do, so do devices.

Libraries differ in what they take beside what honest signers make (Chalkias, Garillot, Nikolaenko: Taming the
many EdDSAs, SSR 2020). A package that one of our readers takes and another one refuses would be a way to tell
them apart, or to stop a fleet half way. `ed25519.c` and `es256.c` ask the same.
"""

from __future__ import annotations

P = 2**255 - 19  # Ed25519's field
L = 2**252 + 27742317777372353535851937790883648493  # the order of its base point
N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # the order of P-256's
# y of the points of order 4, 1, 2 and 8; x has either sign
SMALL = {
    0,
    1,
    P - 1,
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7,
}


def ed25519_point(encoded: bytes) -> bool:
    """Is it encoded in its one way (RFC 8032, 5.1.3), and not of small order? 32 bytes: a key, or R."""
    y = int.from_bytes(encoded, "little") & (1 << 255) - 1  # the highest bit is the sign of x
    return len(encoded) == 32 and y < P and y not in SMALL


def ed25519_signature(signature: bytes) -> bool:
    """Are R and S such that the message has no other signature made of this one? 64 bytes."""
    return ed25519_point(signature[:32]) and int.from_bytes(signature[32:], "little") < L


def es256_signature(signature: bytes) -> bool:
    """Are r and s in their range, and s in its lower half? 64 bytes, r||s."""
    r, s = (int.from_bytes(signature[i : i + 32], "big") for i in (0, 32))
    return 0 < r < N and 0 < s <= N // 2


def low_s(signature: bytes) -> bytes:
    """The one of an ECDSA signature's two forms that is taken; 64 bytes, r||s."""
    s = int.from_bytes(signature[32:], "big")
    return signature[:32] + min(s, N - s).to_bytes(32, "big") if 0 < s < N else signature
