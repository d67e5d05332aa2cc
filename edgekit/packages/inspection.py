"""What a package says of itself, looked at before it is signed: for whom it is, and whether that is so.

Nothing here trusts a package: it may come from a build server that somebody else has taken.
"""

from __future__ import annotations

import stat
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.packages import encryption, suit
from edgekit.packages.manifest import ENCODINGS, KINDS, Manifest, PackageError
from edgekit.packages.package import (
    TIMESTAMPS_FROM,
    WORKSHOP,
    device_id,
    image_of,
    manifest_of,
    model_id,
    vendor_id,
)

LIMIT = 16 << 20  # bytes of the largest file, and of the largest image, that is looked at


@dataclass(frozen=True)
class Target:
    """For whom a package is meant to be, by names; an empty one is not said."""

    vendor: str = ""
    model: str = ""
    device: str = ""

    def check(self, m: Manifest) -> None:
        """Raises EdgekitError where the package is for somebody else than it is meant to be."""
        wrong = []
        if self.vendor and m.vendor != vendor_id(self.vendor):
            wrong.append(f"vendor {self.vendor}")
        if self.model and m.model != model_id(self.vendor, self.model):
            wrong.append(f"class {self.model}")
        if self.device and m.device != device_id(self.vendor, self.model, self.device):
            wrong.append(f"device {self.device}")
        if wrong:
            raise EdgekitError(f"the package is not for {', '.join(wrong)}: it is not signed")


def read(path: Path | str) -> bytes:
    """The bytes of a package's or an image's file. Raises EdgekitError for what is none, or too large."""
    path = Path(path)
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        raise EdgekitError(f"{path} is no file")
    if found.st_size > LIMIT:
        raise EdgekitError(f"{path}: {found.st_size:,} bytes, {LIMIT:,} are the most")
    with path.open("rb") as file:
        return file.read(LIMIT)


def is_signed(data: bytes) -> bool:
    """False for a package with the empty signature that `build` gives it."""
    try:
        return bool(suit.authentication(suit.opened(data)[2])[1][3])
    except PackageError:
        return True  # something else is wrong with it


def check_before_signing(data: bytes, base: bytes | None, now: float, kek: bytes = b"") -> Manifest:
    """The manifest of a package that is worth a signature.

    Its payload unpacks (a delta against `base`, the image it starts from) to the image whose size and
    SHA-256 the manifest names, and at `now` (POSIX seconds) it has not expired. An encrypted one is opened
    with `kek`, the key of a device that it is for. Else EdgekitError.
    """
    m = manifest_of(data)
    if m.size > LIMIT:
        raise PackageError(f"an image of {m.size:,} bytes, {LIMIT:,} are the most")
    if ENCODINGS[m.encoding] == "delta" and base is None:
        raise EdgekitError(
            f"a delta against {m.base.hex()}… cannot be checked without what it starts from: name the last "
            "release's whole package, or its image (--base)"
        )
    if m.encryption and not kek:
        raise EdgekitError("an encrypted package cannot be checked without a device's key (--kek)")
    image_of(m, suit.opened(data)[suit.PAYLOAD], base or b"", kek)
    if m.expires and m.expires <= now:
        raise EdgekitError(f"the package expired on {_day(m.expires)}: build it again")
    return m


def base_image(data: bytes) -> bytes:
    """The image in a file that a delta starts from: that of a whole package, or the file itself."""
    try:
        m = manifest_of(data)
    except PackageError:
        return data
    if m.size > LIMIT:
        raise EdgekitError(f"an image of {m.size:,} bytes, {LIMIT:,} are the most")
    if ENCODINGS[m.encoding] == "delta":
        raise EdgekitError("what the delta starts from is itself a delta: name its image")
    if m.encryption:
        raise EdgekitError("what the delta starts from is encrypted: name its image")
    return image_of(m, suit.opened(data)[suit.PAYLOAD])


def table(m: Manifest, target: Target, now: float | None = None) -> list[str]:
    """Lines that say what the package is, for whom, and until when; by name where `target` has one."""
    now = time.time() if now is None else now
    number = f"{m.sequence}" + (f" ({_day(m.sequence)})" if m.sequence >= TIMESTAMPS_FROM else "")
    known = {vendor_id(WORKSHOP): f"{WORKSHOP}, every workshop's"}
    if target.vendor and target.vendor != WORKSHOP:
        known[vendor_id(target.vendor)] = target.vendor
    if target.model:
        known[model_id(target.vendor, target.model)] = target.model
    if target.device:
        known[device_id(target.vendor, target.model, target.device)] = target.device

    def named(id_: bytes) -> str:
        return f"{uuid.UUID(bytes=id_)}" + (f" ({known[id_]})" if id_ in known else "")

    base = f" against {m.base.hex()}…" if m.base else ""
    until = (
        f"{_day(m.expires)}, in {(m.expires - now) / 86_400:,.0f} days" if m.expires else "never"
    )
    rows = {
        "number": number,
        "content": f"{ENCODINGS[m.encoding]}{base}, {KINDS[m.kind]} of {m.size:,} bytes",
        "vendor": named(m.vendor),
        "class": named(m.model),
        "device": named(m.device) if m.device else "every one of the class",
        "expires": until,
    }
    if m.encryption:
        count = len(encryption.parsed(m.encryption)[1])
        rows["secret"] = f"encrypted for {count} device{'s' if count > 1 else ''}"
    return [f"  {name:8} {value}" for name, value in rows.items()]


def _day(when: int) -> str:
    return f"{datetime.fromtimestamp(when, UTC):%Y-%m-%d %H:%M} UTC"
