"""A model in a signed package: what travels to devices, and what they check before they take it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from edgekit.api.arrays import ShownBytes, model_bytes
from edgekit.core.errors import EdgekitError

if TYPE_CHECKING:
    from edgekit.catalog import Board
    from edgekit.packages import Signer
    from edgekit.signal.step import Step


class PackageBytes(ShownBytes):
    """The bytes of a package; a notebook shows its manifest."""

    kind = "package"

    def shown(self) -> str:
        """The manifest, as HTML."""
        from edgekit import packages

        return packages.manifest_of(self)._repr_html_()


def package(
    tflite: bytes | str | Path,
    key: Signer | str | Path,
    *,
    board: str | Board,
    sequence: int,
    name: str = "model",
    vendor: str | None = None,
    device_class: str = "",
    base: bytes | str | Path | None = None,
    kind: str = "weights",
    features: Step | None = None,
    sensitivity: float | None = None,
    days: float = 180,
) -> PackageBytes:
    """A model as a signed SUIT package; a delta against the model in the field if that is smaller.

    tflite: the file's bytes, or its path; int8. key: an encrypted PEM file (its passphrase is in
        EDGEKIT_KEY_PASSPHRASE), a PKCS#11 URI, or a `Signer` of `edgekit.packages`.
    board: a key of `ek.catalog.boards()`, or such a `Board`: devices test themselves after an update, and the
        answer that they must come to is computed on the core of it.
    sequence: the package's number, above that of what they run.
    name: of the program on the devices, as `generate_c` was given it. vendor: your domain; that of
        EDGEKIT_VENDOR if left out. device_class: the name of the class of devices that take it; if left out,
        the name and the board, as "gesture/stm32l4".
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
    from edgekit import catalog, packages
    from edgekit.packages.package import WORKSHOP

    if kind not in packages.KINDS:
        raise EdgekitError(f"no kind {kind!r} of package; there are {', '.join(packages.KINDS)}")
    if isinstance(sequence, bool) or not isinstance(sequence, int) or not 0 < sequence < 1 << 32:
        raise EdgekitError(
            f"a package's number is a whole one from 1 to 4,294,967,295, not {sequence!r}"
        )
    key_of_board = board.key if isinstance(board, catalog.Board) else catalog.board(board).key
    signer = packages.open_key(str(key)) if isinstance(key, (str, Path)) else key
    if not hasattr(signer, "sign"):
        raise EdgekitError(
            f"a key is a file's path, a PKCS#11 URI or a Signer, not {type(key).__name__}"
        )
    owner = vendor or os.environ.get("EDGEKIT_VENDOR") or WORKSHOP

    def release(model: bytes | str | Path) -> packages.Release:
        return packages.Release(
            model_bytes(model), features, sensitivity, name, key_of_board, owner, device_class
        )

    old = None if base is None else release(base)
    unsigned = release(tflite).unsigned(sequence, old, kind, expires=packages.expiry(days))
    return PackageBytes(packages.sign_package(unsigned, signer))
