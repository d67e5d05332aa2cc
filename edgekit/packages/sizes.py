"""What a package weighs, as the budget's lines mean it: the first one of a device, and those after it."""

from __future__ import annotations

from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure, measured
from edgekit.packages.manifest import ENCODINGS
from edgekit.packages.package import manifest_of


def first_package_bytes(package: bytes) -> Figure:
    """Bytes of the signed `package` of a whole model, which a device that has none can take.

    Raises EdgekitError for a delta, which such a device cannot.
    """
    manifest = manifest_of(package)
    if manifest.base:
        raise EdgekitError(
            "this package is a delta; a device that has no model yet needs one of the whole"
        )
    return _weighed(package, ENCODINGS[manifest.encoding])


def update_bytes(package: bytes) -> Figure:
    """Bytes of the signed `package` of a retrained model, as a device gets it that has the one before."""
    return _weighed(package, ENCODINGS[manifest_of(package).encoding])


def _weighed(package: bytes, encoding: str) -> Figure:
    return measured(len(package), "bytes", f"the package as it is sent: {encoding}, signed")
