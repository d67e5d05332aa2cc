"""What tests of transports share: files that travel, and what happens to them on the way."""

import hashlib
import random

DATA, OTHER = random.Random(8).randbytes(60_000), random.Random(9).randbytes(60_000)
LARGE = random.Random(10).randbytes(15 << 20)  # more than the buffers between two programs hold


def tag(data: bytes) -> str:
    """The ETag of a file."""
    return f'"{hashlib.sha256(data).hexdigest()}"'


def once(when, act):
    """A `watch` that does `act` when `when` bytes are there, once for each number."""
    left = sorted(when)

    def watch(there, _size):
        if left and there >= left[0]:
            left.pop(0)
            act()

    return watch
