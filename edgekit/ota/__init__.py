"""Updates: a model in a signed package that a device can check, try and take back.

released = Release(tflite, features, sensitivity, name, board)    # a model as updates see it
signer = open_key("pkcs11:token=…;object=…")                      # or file_key(path, passphrase)
data = resign(new.unsigned(2, released), signer)                  # bytes to send, a delta if that is smaller
package = verify(data, [signer.public], device)                   # or PackageError, in one line
core = Core(firmware(released, [signer.public]), device)          # the emulated device that takes it

`delivery` brings it there, `attack` tries to get in, `powercut` cuts the power at every flash operation.
"""

from edgekit.ota.attacks import attack
from edgekit.ota.attacks_core import attack_core
from edgekit.ota.attacks_trust import attack_trust
from edgekit.ota.attacks_underway import attack_underway
from edgekit.ota.compare import compare
from edgekit.ota.core import Boot, Core, firmware
from edgekit.ota.delta import encode
from edgekit.ota.keys import FileSigner, Signer, file_key, open_key, public_key, run_key
from edgekit.ota.mcuboot import mcuboot_image
from edgekit.ota.package import (
    Device,
    Package,
    build,
    device_id,
    manifest_of,
    resign,
    unsigned,
    verify,
)
from edgekit.ota.parts import flash_parts, flash_total, memory
from edgekit.ota.release import LASTS, Release, expiry
from edgekit.ota.suit import ENCODINGS, KINDS, PackageError
from edgekit.ota.trust import KeyList
from edgekit.ota.verifiers import signatures

__all__ = [
    "ENCODINGS",
    "KINDS",
    "LASTS",
    "Boot",
    "Core",
    "Device",
    "FileSigner",
    "KeyList",
    "Package",
    "PackageError",
    "Release",
    "Signer",
    "attack",
    "attack_core",
    "attack_trust",
    "attack_underway",
    "build",
    "compare",
    "device_id",
    "encode",
    "expiry",
    "file_key",
    "firmware",
    "flash_parts",
    "flash_total",
    "manifest_of",
    "mcuboot_image",
    "memory",
    "open_key",
    "public_key",
    "resign",
    "run_key",
    "signatures",
    "unsigned",
    "verify",
]
