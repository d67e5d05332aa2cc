"""Cut the power while a device takes its epoch: is one used twice, does the device always get one?

The C of `firmware/telemetry/epoch.c` on the model of NOR flash, compiled for this machine. A life begins with
a flash as it is after so many boots; its power is cut at every operation of a boot in every way, and again in
the boots after, up to DEEP times; then it boots in peace.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Iterator

from edgekit.agent import native
from edgekit.assurance.powercut import TEAR_MODES
from edgekit.firmware import c_sources, patch_sources
from edgekit.packages.flash_layout import SECTOR, UNIT

SECTORS = 2
PLACES = SECTOR // UNIT
DEEP = 3  # cuts in a life
PEACE = 3  # boots at its end
FAULTS = ("twice", "fell", "none", "broken")
BEGINS = (
    *((f"{n} boots", n) for n in (0, 1, 2, PLACES - 2, PLACES - 1, PLACES, PLACES + 1)),
    *((f"{n} boots", n) for n in (2 * PLACES - 1, 2 * PLACES, 3 * PLACES)),
)

MUTATIONS = {  # what somebody might get wrong in epoch.c: (old, new), …
    "no complement": (("word(at + 4) == (uint32_t)~number ? number : 0", "number != LAST ? number : 0"),),
    "not read back": (
        ("if (flash_write(address(sector, place), unit, FLASH_UNIT)) continue;\n"
         "    if (number_at(sector, place) == number) return 1;",
         "if (!flash_write(address(sector, place), unit, FLASH_UNIT)) return 1;"),
    ),
    "the full sector is erased": (("in = in == sector ? sector + 1 : sector;", ";"),),
    "not erased": (("if (flash_erase(in)) return 0;", ""),),
    "the first sector only": (("s < sector + EPOCH_SECTORS", "s < sector + 1"),),
    "the last in place counts": (("if (number > newest) newest", "if (number) newest"),),
    "used before it stands": (
        ("if (keep(newest + 1, in, place)) return newest + 1;\n",
         "if (place < PLACES) return keep(newest + 1, in, place), newest + 1;\n"),
    ),
    "written behind the newest": (
        ("while (newest && place && blank(in, place - 1)) place--;",
         "while (newest && place && number_at(in, place - 1) != newest) place--;"),
        ("if (flash_write(address(sector, place), unit, FLASH_UNIT)) continue;",
         "if (flash_write(address(sector, place), unit, FLASH_UNIT)) return 0;"),
    ),
}  # fmt: skip


class EpochDevice:
    """A device that boots. `change`: (old, new), … for the C, each old text has to be there once."""

    def __init__(self, change: tuple[tuple[str, str], ...] = ()):
        sources = c_sources("epoch", "outbox", "cbor", "flash.h", "nor", "life_epoch.c")
        flags = ("-O2", f"-DNOR_SECTORS={SECTORS}", "-shared", "-fPIC")
        loose = ("-Wno-error",) * bool(change)
        self.c = ctypes.CDLL(
            str(native.compile_host(patch_sources(sources, change), (*flags, *loose)))
        )
        for name in ("powered_epoch", "powercut_off", "powercut_operations", "powercut_broken"):
            getattr(self.c, name).restype = ctypes.c_uint32
        self.reflash()

    def reflash(self, dirty: bool = False) -> None:
        """A new part."""
        ctypes.memset(ctypes.addressof(self._nor()), 0, ctypes.sizeof(self._nor()))
        self.c.powercut_seed(7)
        self.c.nor_dirty() if dirty else self.c.nor_blank()

    def _nor(self):
        size = SECTORS * SECTOR
        numbers = 4 * (4 + 2 * 3)  # operations, broken, random, off; three cuts
        return (ctypes.c_char * (size + size // UNIT + numbers)).in_dll(self.c, "nor")

    @property
    def flash(self) -> bytes:
        """The part, with all that its model knows of it."""
        return bytes(self._nor().raw)

    @flash.setter
    def flash(self, value: bytes) -> None:
        self._nor().raw = value

    def boot(self, cut: tuple[int, int] | None = None) -> int | None:
        """The epoch of a boot; None if its power went at operation cut[0] in the way cut[1], 0 if there is
        none."""
        self.c.powercut_boot(*(cut or (0, 0)))
        epoch = self.c.powered_epoch()
        return None if self.c.powercut_off() else epoch

    def wear(self, sector: int, first: int, n: int) -> None:
        """These units hold nothing from now on."""
        self.c.powercut_wear(sector, first, n)


def cuts(
    change: tuple[tuple[str, str], ...] = (), stop: bool = False, deep: int = DEEP
) -> Counter[str]:
    """Counts `lives`, and what must be 0: `twice` (an epoch was given out before), `fell` (it is lower than
    one before), `none` (a boot in peace got none), `broken` (rules of the flash). stop: at the first fault.
    deep: cuts in a life, at most."""
    device, found = EpochDevice(change), Counter(dict.fromkeys(("lives", *FAULTS), 0))
    for _, flash, given in _begins(device):
        for plan in _plans(device, flash, deep):
            _life(device, flash, given, plan, found)
            if stop and any(found[f] for f in FAULTS):
                return found
    return found


def mutations() -> dict[str, str]:
    """Each of MUTATIONS -> the faults that show it, "" for one that nothing shows."""
    return {
        name: ", ".join(f for f in FAULTS if cuts(change, stop=True)[f])
        for name, change in MUTATIONS.items()
    }


def _begins(device: EpochDevice) -> Iterator[tuple[str, bytes, int]]:
    """Names, flashes and the highest epoch that was given out by then."""
    for dirty in (False, True):
        device.reflash(dirty)
        boots = last = 0
        for name, n in BEGINS:
            while boots < n:
                last, boots = device.boot() or last, boots + 1
            yield f"{name}{', dirty' * dirty}", device.flash, last
    device.reflash()
    device.wear(0, 1, 3)
    device.wear(1, 0, 2)
    device.boot()
    yield "worn units", device.flash, 1
    for _ in range(PLACES - 5):
        last = device.boot() or 0
    yield "worn units, nearly full", device.flash, last


def _plans(device: EpochDevice, flash: bytes, deep: int) -> Iterator[tuple[tuple[int, int], ...]]:
    """Every way to cut `deep` boots in a row, or fewer: (operation, way) for each."""
    for way in range(len(TEAR_MODES)):
        operation = 1
        while True:
            device.flash = flash
            if device.boot((operation, way)) is not None:
                break  # it has no so many operations
            here = device.flash
            yield ((operation, way),)
            if deep > 1:
                for later in _plans(device, here, deep - 1):
                    yield ((operation, way), *later)
            operation += 1


def _life(device: EpochDevice, flash: bytes, given: int, plan, found: Counter) -> None:
    device.flash = flash
    begun, numbers = device.c.powercut_broken(), [given]
    for cut in (*plan, *[None] * PEACE):
        epoch = device.boot(cut)
        if epoch:
            numbers.append(epoch)
        found["none"] += epoch == 0
    found["lives"] += 1
    found["twice"] += len(set(numbers)) < len(numbers)
    found["fell"] += numbers != sorted(numbers)
    found["broken"] += device.c.powercut_broken() > begun
