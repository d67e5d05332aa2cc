"""How long a LoRa packet is on the air: Semtech's formula (AN1200.13, SX1261/2 data sheet 6.1.4)."""

from __future__ import annotations

from math import ceil

BANDWIDTH_HZ = 125_000
PREAMBLE = 8  # symbols, and 4.25 of synchronization
CODING = 1  # 4/5, LoRaWAN's


def lora_airtime_s(nbytes: int, spreading_factor: int) -> float:
    """Seconds on the air of a packet of `nbytes`, headers included, at 125 kHz as LoRaWAN sends uplinks, at a
    `spreading_factor` of 7 to 12.

    With explicit header and CRC, coding rate 4/5, and low data rate optimization from SF11 on.
    """
    symbol_s = 2**spreading_factor / BANDWIDTH_HZ
    slow = spreading_factor >= 11
    bits = 8 * nbytes - 4 * spreading_factor + 28 + 16
    blocks = max(0, ceil(bits / (4 * (spreading_factor - 2 * slow))))
    return (PREAMBLE + 4.25 + 8 + blocks * (CODING + 4)) * symbol_s
