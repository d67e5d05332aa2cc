"""Ed25519's curve in a few lines of whole numbers, slow and plain: an oracle for those that are fast.

-x² + y² = 1 + d x² y² over the numbers modulo p (RFC 8032, 5.1); a point is (X, Y, Z, T) with x = X/Z,
y = Y/Z, xy = T/Z.
"""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # of -1
ZERO = (0, 1, 1, 0)


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0])
    g, h = 2 * a[3] * D * b[3], 2 * a[2] * b[2]
    x, y, s, t = f - e, f + e, h - g, h + g
    return x * s % P, y * t % P, s * t % P, x * y % P


def times(n: int, a):
    found = ZERO
    while n:
        if n & 1:
            found = add(found, a)
        a, n = add(a, a), n >> 1
    return found


def encoded(a) -> bytes:
    inverse = pow(a[2], -1, P)
    x, y = a[0] * inverse % P, a[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


def decoded(data: bytes):
    """The point, or None; y of P or more is taken modulo P."""
    number = int.from_bytes(data, "little")
    y, sign = (number & (1 << 255) - 1) % P, number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * ROOT % P
    if x * x % P != square:
        return None
    x = P - x if x & 1 != sign and x else x
    return x, y, 1, x * y % P


BASE = decoded((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
TORSION = [  # the eight points of small order, by their multiple of one of order 8
    times(k, decoded(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")))
    for k in range(8)
]  # fmt: skip


def small(a) -> bool:
    return encoded(times(8, a)) == encoded(ZERO)


def challenge(r: bytes, key: bytes, message: bytes) -> int:
    return int.from_bytes(hashlib.sha512(r + key + message).digest(), "little") % L


def verifies(key: bytes, signature: bytes, message: bytes) -> bool:
    """Our policy, from its words: canonical, nothing of small order, S < L, no cofactor."""
    a, r, s = decoded(key), decoded(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L or small(a) or small(r):
        return False
    if encoded(a) != key or encoded(r) != signature[:32]:
        return False
    right = add(r, times(challenge(signature[:32], key, message), a))
    return encoded(times(s, BASE)) == encoded(right)
