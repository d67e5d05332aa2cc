"""What tries to get in, to fuzz and to cut the power. Nothing that ships imports it."""

from edgekit.assurance.attacks import attack
from edgekit.assurance.attacks_device import attack_core
from edgekit.assurance.attacks_keyset import attack_trust
from edgekit.assurance.attacks_transfer import attack_underway
from edgekit.assurance.delivery_rate import measure

__all__ = [
    "attack",
    "attack_core",
    "attack_trust",
    "attack_underway",
    "measure",
]
