"""A model in a signed package that a device can check: what is built, signed and verified.

released = Release(tflite, features, sensitivity, name, board)    # a model as updates see it
signer = open_key("pkcs11:token=…;object=…")                      # or file_key(path, passphrase)
data = sign_package(newer.unsigned(2, released), signer)          # bytes to send, a delta if that is smaller
package = verify(data, [signer.public], device)                   # or PackageError, in one line
compare(old, new)                                                 # our delta beside what others would send

`agent` is the device that takes it, `delivery` brings it there, `assurance` tries to get in.
"""

from edgekit.packages.compare_deltas import compare
from edgekit.packages.delta import encode
from edgekit.packages.keys import FileSigner, file_key, open_key, run_key
from edgekit.packages.keyset import KeyList
from edgekit.packages.manifest import ENCODINGS, KINDS, PackageError
from edgekit.packages.mcuboot import mcuboot_image
from edgekit.packages.package import (
    Device,
    Package,
    build,
    device_id,
    manifest_of,
    sign_package,
    unsigned,
    verify,
)
from edgekit.packages.public_keys import Signer, public_key
from edgekit.packages.release import DEFAULT_LIFETIME_DAYS, Release, expiry
from edgekit.packages.sizes import first_package_bytes, update_bytes

__all__ = [
    "DEFAULT_LIFETIME_DAYS",
    "ENCODINGS",
    "KINDS",
    "Device",
    "FileSigner",
    "KeyList",
    "Package",
    "PackageError",
    "Release",
    "Signer",
    "build",
    "compare",
    "device_id",
    "encode",
    "expiry",
    "file_key",
    "first_package_bytes",
    "manifest_of",
    "mcuboot_image",
    "open_key",
    "public_key",
    "run_key",
    "sign_package",
    "unsigned",
    "update_bytes",
    "verify",
]
