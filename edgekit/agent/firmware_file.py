"""A DeviceFirmware in a file: chapter 05 writes what chapter 06 signs for, and nothing is made twice.

A zip: program.elf, model.tflite, image.bin (what lies in the slot), source.json (the network's code, layers
and memory plan), features/ (their C) and firmware.json (core, flags, keys, contract, sizes by part).
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import Any

from edgekit.agent.device_firmware import DeviceFirmware
from edgekit.core.errors import EdgekitError
from edgekit.core.figures import Figure
from edgekit.core.schema import check_version
from edgekit.emulate.firmware import of_elf
from edgekit.export import bundle, read, source_file
from edgekit.packages import keyset
from edgekit.packages.release import Generated, Release

SCHEMA = 1
RELEASE = ("name", "board", "vendor", "model", "signature", "encryption", "sensitivity")


def to_bytes(firmware: DeviceFirmware) -> bytes:
    """The file; the same firmware gives the same bytes."""
    release = firmware.release
    facts = {
        "record": "DeviceFirmware",
        "schema": SCHEMA,
        "cpu": firmware.cpu,
        "flags": firmware.flags,
        "compiler": firmware.compiler,
        "sha256": firmware.sha256,
        "release": {name: getattr(release, name) for name in RELEASE},
        "requirements": release.requirements,
        "keys": firmware.keys.encoded.hex(),
        "parts": {name: size.to_dict() for name, size in firmware.parts.items()},
    }
    features = {f"features/{name}": text for name, text in firmware.feature_files.items()}
    return bundle(
        {
            "firmware.json": json.dumps(facts, indent=1),
            "program.elf": firmware.elf,
            "model.tflite": release.tflite,
            "image.bin": release.image,
            "source.json": source_file.to_text(firmware.source),
            **features,
        }
    )


def from_bytes(data: bytes) -> DeviceFirmware:
    """The firmware of a file; its features are C only, see `DeviceFirmware.with_features`.

    Raises EdgekitError for a damaged file, and for one of another version of edgekit.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
        facts = json.loads(files["firmware.json"])
        if facts["record"] != "DeviceFirmware":
            raise ValueError(f"it holds {facts['record']!r}")
        check_version("the firmware", facts["schema"], SCHEMA, "export it again")
        return _firmware(files, facts)
    except (zipfile.BadZipFile, ValueError, KeyError, TypeError, EOFError) as error:
        raise EdgekitError(f"the firmware's file is damaged ({error}): export it again") from None


def _firmware(files: dict[str, bytes], facts: dict[str, Any]) -> DeviceFirmware:
    tflite = files["model.tflite"]
    source = source_file.from_text(files["source.json"].decode(), read(tflite))
    generated = Generated(source, facts["requirements"], files["image.bin"])
    terms, flags = facts["release"], tuple(facts["flags"])
    program = of_elf(
        files["program.elf"], source, facts["cpu"], flags, facts["compiler"], None, terms["sensitivity"],
        {name[len("features/") :]: t.decode() for name, t in files.items() if name.startswith("features/")},
    )  # fmt: skip
    if program.sha256 != facts["sha256"]:
        raise EdgekitError("the program in the firmware's file is another one: export it again")
    return DeviceFirmware(
        **vars(program),
        release=Release(tflite, features=None, generated=generated, **terms),
        keys=keyset.parsed(bytes.fromhex(facts["keys"])),
        sizes={name: Figure.from_dict(size) for name, size in facts["parts"].items()},
    )
