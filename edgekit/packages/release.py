"""One model as updates see it: the program it needs, what lies in a slot, and a device that runs it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from edgekit import catalog, export
from edgekit.core.errors import EdgekitError
from edgekit.emulate.cores import STAND_IN
from edgekit.emulate.selftest import slot_image
from edgekit.emulate.target import core_for
from edgekit.export.source import Source
from edgekit.packages.flash_layout import SECTOR, sectors
from edgekit.packages.package import WORKSHOP, Device, device_for, unsigned
from edgekit.packages.regions import Region
from edgekit.signal.step import Step

DEFAULT_LIFETIME_DAYS = (
    180  # days that a package is taken from its making; a device without a clock takes it for ever
)


def expiry(days: float = DEFAULT_LIFETIME_DAYS) -> int:
    """POSIX seconds `days` from now; 0, which is never, for 0. Raises EdgekitError beyond 2106."""
    when = int(time.time() + 86_400 * days) if days else 0
    if when >= 1 << 32:
        raise EdgekitError(
            f"{days:,.0f} days from now is beyond February 2106, where the devices' time ends"
        )
    return when


@dataclass(frozen=True, eq=False)
class Generated:
    """What is made of a release once: code that reads its constants from a slot, what it asks of a device
    (`export.compatibility`), and what lies in the slot: the constants, and the answer to the self-test."""

    source: Source
    requirements: dict[str, Any]
    image: bytes


@dataclass(frozen=True)
class Release:
    """An int8 `.tflite` with the features it takes, a step of `edgekit.signal`; None if it takes the samples.

    `sensitivity` as `emulate.build` takes it; `name` (of the use case) prefixes the generated C, `board`
    names what it runs on, `vendor` is a domain name (that of EDGEKIT_VENDOR, or the workshop's). `model`
    names the class of devices that take it, if it is not to be `name`/`board`: devices that shall not take
    each other's packages need classes of their own.
    `generated`: what was made of it before; else it is made when it is asked for.
    `signature` is how devices check one, of `packages.verifiers`; empty: by the key. `encryption` is
    "A128KW" for devices that read payloads which are encrypted for them (`packages.encryption`).
    """

    tflite: bytes
    features: Step | None
    sensitivity: float | None
    name: str
    board: str
    vendor: str = field(default_factory=lambda: os.environ.get("EDGEKIT_VENDOR") or WORKSHOP)
    model: str = ""
    signature: str = ""
    encryption: str = ""
    generated: Generated | None = field(default=None, repr=False, compare=False)

    @property
    def class_name(self) -> str:
        """The name of the class of devices that take it."""
        return self.model or f"{self.name}/{self.board}"

    @cached_property
    def source(self) -> Source:
        """Generated code that reads its constants from a slot."""
        if self.generated:
            return self.generated.source
        graph = export.read(self.tflite)
        export.require_int8(graph)
        return export.generate(graph, self.name, slot=True)

    @cached_property
    def requirements(self) -> dict:
        """What a device compares before it takes this model: `export.compatibility`."""
        if self.generated:
            return self.generated.requirements
        graph = self.source.graph
        into = graph.tensors[graph.inputs[0]]
        scale = (into.scale[0], int(into.zero_point[0]))
        files: Mapping[str, str] = {}
        if self.features is not None:
            files = self.features.c(self.name, quantization=scale, sensitivity=self.sensitivity)
        return export.compatibility(self.source, files)

    @cached_property
    def image(self) -> bytes:
        """What lies in the slot: the constants, and the answer to the self-test on the board's core."""
        if self.generated:
            return self.generated.image
        cpu = core_for(catalog.board(self.board)) if self.board else STAND_IN
        return slot_image(self.source, cpu)

    @property
    def regions(self) -> list[Region]:
        """What the image is made of."""
        return [Region(*part) for part in export.image_regions(self.source)]

    def content(self, kind: str) -> bytes:
        """The image, or for an interpreter on a gateway the `.tflite` itself."""
        return self.image if kind == "weights" else self.tflite

    def unsigned(
        self, sequence: int, base: Release | None = None, kind: str = "weights",
        expires: int | None = None, device: bytes = b"", recipients: tuple[bytes, ...] = (),
    ) -> bytes:  # fmt: skip
        """A package of this release, not signed yet; a delta if that is smaller.

        `expires` in POSIX seconds, 0 never, DEFAULT_LIFETIME_DAYS from now if nothing is said; `device` and
        `recipients` as `packages.unsigned`. Raises EdgekitError if no device that runs `base` could take it:
        then its program has to change too.
        """
        known = ("inputs", "outputs", "features") if kind == "tflite" else self.requirements
        if base and (changed := [k for k in known if self.requirements[k] != base.requirements[k]]):
            raise EdgekitError(
                f"devices with the other release cannot take this one, its {', '.join(changed)} "
                "changed: their program has to change too (packages.mcuboot_image)"
            )
        return unsigned(
            self.content(kind), self.requirements, sequence=sequence, vendor=self.vendor,
            model=self.class_name,
            base=base.content(kind) if base else None, kind=kind,
            regions=self.regions if kind == "weights" else None,
            expires=expiry() if expires is None else expires, device=device, recipients=recipients,
        )  # fmt: skip

    def device(
        self,
        kind: str = "weights",
        sequence: int = 0,
        base: bytes = b"",
        name: str = "device 1",
        kek: bytes = b"",
    ) -> Device:
        """What the device of this name with this release's program knows of itself, running `base` if any.

        `kek`: the key that it reads encrypted payloads by, if it does.
        """
        slot_bytes = SECTOR * sectors(len(self.content(kind)))
        return device_for(
            self.requirements, vendor=self.vendor, model=self.class_name, slot_bytes=slot_bytes, kind=kind,
            sequence=sequence, base=base, name=name, kek=kek,
        )  # fmt: skip
