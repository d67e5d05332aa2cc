"""A model in a signed package: what travels to devices, and what they check before they take it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgekit.api.arrays import model_bytes
from edgekit.core.errors import EdgekitError

if TYPE_CHECKING:
    from edgekit.packages import Signer


class PackageBytes(bytes):
    """The bytes of a package; a notebook shows its manifest, `Path(…).write_bytes` saves them."""

    def __repr__(self) -> str:
        return f"<package of {len(self):,} bytes>"

    __str__ = __repr__

    def _repr_html_(self) -> str:
        from edgekit import packages

        return f"<p>package of <b>{len(self):,} bytes</b></p>{packages.manifest_of(self)._repr_html_()}"


def package(
    tflite: bytes | str | Path,
    key: Signer | str | Path,
    *,
    device_class: str,
    sequence: int,
    vendor: str | None = None,
    name: str = "model",
    base: bytes | str | Path | None = None,
    kind: str = "weights",
    features: Any = None,
    sensitivity: float | None = None,
    days: float = 180,
) -> PackageBytes:
    """A model as a signed SUIT package; a delta against the model in the field if that is smaller.

    tflite: the file's bytes, or its path; int8. key: an encrypted PEM file (its passphrase is in
        EDGEKIT_KEY_PASSPHRASE), a PKCS#11 URI, or a `Signer` of `edgekit.packages`.
    device_class: the name of the class of devices that take it, as "gesture/stm32l4". sequence: the package's
        number, above that of what they run. vendor: your domain; that of EDGEKIT_VENDOR if left out.
    name: of the program on the devices, as `generate_c` was given it.
    base: the model that they run now; without it the package holds everything.
    kind: "weights" for a program that `generate_c(…, slot=True)` wrote, whose slot this fills; "tflite" for
        gateways, where an interpreter runs the file itself.
    features: the step of `edgekit.signal` that the devices compute before the network, None for raw samples;
        sensitivity: physical units per int16 count of their sensor, None where samples are float.
    days: until so many days from now it is taken by devices that have a clock; 0 for ever.

    Returns the package's bytes: CBOR as draft-ietf-suit-manifest has it, signed by COSE (RFC 9052).

    Raises EdgekitError for a key that is not there or cannot be opened, a model that is not int8, a `base`
    that runs in another program, a number outside 1 … 2³²-1, and for a kind or vendor that is none.
    """
    from edgekit import packages

    if kind not in packages.KINDS:
        raise EdgekitError(f"no kind {kind!r} of package; there are {', '.join(packages.KINDS)}")
    if isinstance(sequence, bool) or not isinstance(sequence, int) or not 0 < sequence < 1 << 32:
        raise EdgekitError(
            f"a package's number is a whole one from 1 to 4,294,967,295, not {sequence!r}"
        )
    if not device_class:
        raise EdgekitError("name the class of devices that take the package, as 'gesture/stm32l4'")
    signer = packages.open_key(str(key)) if isinstance(key, (str, Path)) else key
    if not hasattr(signer, "sign"):
        raise EdgekitError(
            f"a key is a file's path, a PKCS#11 URI or a Signer, not {type(key).__name__}"
        )
    named = {"vendor": vendor} if vendor else {}

    def release(model: bytes | str | Path) -> packages.Release:
        data = model_bytes(model)
        return packages.Release(data, features, sensitivity, name, "", model=device_class, **named)

    old = None if base is None else release(base)
    unsigned = release(tflite).unsigned(sequence, old, kind, expires=packages.expiry(days))
    return PackageBytes(packages.sign_package(unsigned, signer))
