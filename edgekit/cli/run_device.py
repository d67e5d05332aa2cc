"""What the commands for updates share: a run's release, and the emulated device that lives in its folder.

`device/flash.bin` in the run's folder is what the device's flash holds between two commands.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from edgekit.cli import key_files
from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError


def release_of(run_dir: str, tflite: str = ""):
    """The Release of a run's model, or of another `.tflite` with the same features."""
    from edgekit import usecases
    from edgekit.packages import inspection
    from edgekit.pipeline.run import reopen

    run = reopen(Path(run_dir), "05_export", ("device.zip", "model.json"))
    case = usecases.load(run.use_case, run.workspace.folder)
    preprocess = usecases.preprocessors(case)[run.load("model.json").input]
    release = run.load("device.zip").with_features(preprocess).release
    if not tflite:
        return release
    return replace(release, tflite=inspection.read(tflite), generated=None)


def release_for(args, tflite: str = ""):
    """The Release for whom the command line names."""
    release = release_of(args.run_dir, tflite)
    vendor = args.vendor or os.environ.get("EDGEKIT_VENDOR") or release.vendor
    return replace(release, vendor=vendor, model=args.model or release.model)


@contextmanager
def simulated_device(args) -> Iterator:
    """The emulated device of a run, with the flash that it had; what it then has is kept."""
    from edgekit.agent.device_firmware import firmware
    from edgekit.agent.simulator import DeviceSimulator

    release = release_for(args)
    if args.kek:
        require_secrets(release)
    device = release.device(kek=device_kek(args), **named(args))
    flash = Path(args.run_dir) / "device" / "flash.bin"
    core = DeviceSimulator(firmware(release, key_files.trusted(args.trust)), device)
    if flash.is_file():
        core.restore_flash(flash.read_bytes())
    yield core
    atomic_write_bytes(flash, core.flash)


def named(args) -> dict:
    """A device's own name, if one was given."""
    return {"name": args.device} if args.device else {}


def device_kek(args) -> bytes:
    """The key that a device reads encrypted packages by, if one was named."""
    from edgekit.packages import encryption

    return encryption.file_kek(args.kek) if args.kek else b""


def require_secrets(release) -> None:
    if not release.encryption:
        raise EdgekitError(
            'devices of this design read no encrypted packages: encryption = "A128KW" in [hardware] '
            "of its design.toml, and export again"
        )


@contextmanager
def warnings_printed():
    """What a key warns of, said in one line."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        yield
    for warning in said:
        print(f"edgekit: {warning.message}", file=sys.stderr)
