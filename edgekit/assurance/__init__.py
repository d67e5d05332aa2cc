"""What tries to get in, to fuzz and to cut the power. Nothing that ships imports it."""

from edgekit.assurance.attacks import attack
from edgekit.assurance.attacks_device import attack_device
from edgekit.assurance.attacks_keyset import attack_keyset
from edgekit.assurance.attacks_transfer import attack_transfer
from edgekit.assurance.delivery_rate import measure

__all__ = [
    "attack",
    "attack_device",
    "attack_keyset",
    "attack_transfer",
    "measure",
]
