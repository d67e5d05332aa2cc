"""What tries to get in, to fuzz and to cut the power. Nothing that ships imports it.

attack(package, signer, device)               every attack on what travels, on Python's checks or a device
attack_device(package, signer, release)       the same and more, on emulated devices: in the field, and new
attack_keyset(device, keys, package)          on whom a device trusts, what it hears, what it reports
attack_transfer(package, device)              on the way to it, and on what it does after a reset
powercut.search()                             the power goes at every flash operation
fuzz_manifest, fuzz_delta, fuzz_keyset        hostile bytes for the C, under sanitizers
"""

from edgekit.assurance.attacks import ATTACKS, attack, attack_keyset, attack_transfer
from edgekit.assurance.attacks_device import attack_device
from edgekit.assurance.delivery_rate import measure

__all__ = [
    "ATTACKS",
    "attack",
    "attack_device",
    "attack_keyset",
    "attack_transfer",
    "measure",
]
