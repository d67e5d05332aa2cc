"""Updates: a model in a signed package that a device can check before it trusts it.

signer = file_key(path, passphrase)                  # an ES256 or Ed25519 key in an encrypted file
data = build(model, manifest, signer)                # bytes to send
package = verify(data, [signer.public], device)      # or PackageError, in one line
"""

from edgekit.ota.attacks import attack
from edgekit.ota.keys import FileSigner, Signer, file_key, public_key
from edgekit.ota.package import Device, Package, PackageError, build, manifest, verify

__all__ = [
    "Device",
    "FileSigner",
    "Package",
    "PackageError",
    "Signer",
    "attack",
    "build",
    "file_key",
    "manifest",
    "public_key",
    "verify",
]
