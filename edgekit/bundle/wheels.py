"""Wheels of what is needed, brought by pip and held to the lock, and the kit's own."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from edgekit.bundle.lock import Locked
from edgekit.bundle.platforms import Platform
from edgekit.core import workspace
from edgekit.core.atomic import atomic_write
from edgekit.core.errors import EdgekitError
from edgekit.core.extras import canonical, installed_from
from edgekit.core.programs import SAID
from edgekit.datasets.pinned import sha256

SOURCES = ("pyproject.toml", "setup.py", "requirements.lock", "README.md", "LICENSE", "edgekit",
           "notebooks", "data", "docs")  # fmt: skip
LEFT_OUT = shutil.ignore_patterns("cache", "__pycache__", ".ipynb_checkpoints", "*.pyc")
BATCH = 16  # packages a call of pip, which keeps what it brought when it ends: so much may be lost
EPOCH = "1577836800"  # 2020-01-01: the same sources make the same bytes, whenever they are built


def find(folder: Path, pin: Locked, platform: Platform, python: str) -> Path | None:
    """The wheel of a pin in `folder` that installs on that platform; one with other bytes is removed."""
    for path in sorted(folder.glob("*.whl")):
        try:
            name, version, _, tags = parse_wheel_filename(path.name)
        except InvalidWheelFilename:
            continue
        if (canonical(name), str(version)) != (pin.name, pin.version):
            continue
        if tags.isdisjoint(platform.wheel_tags(python)):
            continue
        if sha256(path) in pin.hashes:
            return path
        path.unlink()
    return None


def bring(
    pins: Sequence[Locked],
    folder: Path,
    platform: Platform,
    python: str,
    say: Callable[[str], None],
) -> list[Path]:
    """The wheel of each pin, in `folder`; what is there whole is not asked for again.

    `say` is told each that is downloaded. Raises EdgekitError where pip finds no such wheel or no network.
    """
    found = {pin: find(folder, pin, platform, python) for pin in pins}
    lacking = [pin for pin, path in found.items() if path is None]
    for some in _batches(lacking):
        _download(some, folder, platform, python)
        for pin in some:
            path = found[pin] = find(folder, pin, platform, python)
            if path is None:
                raise EdgekitError(f"pip brought no wheel of {pin.name} {pin.version}")
            say(f"  {path.name}, {path.stat().st_size / 1e6:,.2f} MB")
    return [path for path in found.values() if path]


def _batches(pins: Sequence[Locked]) -> list[list[Locked]]:
    """In parts that pip takes: of two releases of one package, one at a time."""
    parts: list[list[Locked]] = []
    for pin in pins:
        if not parts or len(parts[-1]) == BATCH or any(p.name == pin.name for p in parts[-1]):
            parts.append([])
        parts[-1].append(pin)
    return parts


def _download(pins: Sequence[Locked], folder: Path, platform: Platform, python: str) -> None:
    """By pip, so that its settings (a mirror, a proxy) count; the lock judges, not the release's markers."""
    lines = [
        " ".join([f"{p.name}=={p.version}", *(f"--hash=sha256:{h}" for h in sorted(p.hashes))])
        for p in pins
    ]
    with tempfile.TemporaryDirectory(prefix="edgekit-") as name:
        asked = Path(name, "requirements.txt")
        asked.write_text("\n".join(lines) + "\n", encoding="utf-8")
        pip(
            f"packages for {platform.name}, Python {python}",
            "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--require-hashes",
            "--dest", folder, "--python-version", python, "--implementation", "cp",
            *(f"--platform={tag}" for tag in platform.tags), "-r", asked,
        )  # fmt: skip


def pip(what: str, *words: object) -> None:
    """Run pip. Raises EdgekitError, with its last complaint, where it is missing or fails."""
    if importlib.util.find_spec("pip") is None:
        raise EdgekitError("this environment has no pip: python -m ensurepip, and again")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *map(str, words)],
        env={**os.environ, "SOURCE_DATE_EPOCH": EPOCH}, **SAID,
    )  # fmt: skip
    if done.returncode:
        said = [s for s in done.stderr.splitlines() if s.strip()]
        errors = [s for s in said if s.startswith("ERROR:")] or said or ["no word"]
        raise EdgekitError(f"pip cannot get {what}: {errors[-1].removeprefix('ERROR: ')[:300]}")


def own(folder: Path) -> Path:
    """The kit's own wheel in `folder`: built of the checkout that it runs from, else the one that it was
    installed from. Raises EdgekitError where there is neither."""
    sources = workspace.PACKAGE.parent
    if (sources / "setup.py").is_file() and (sources / "pyproject.toml").is_file():
        return _built(sources, folder)
    wheel, _ = installed_from()
    if wheel is None or wheel.suffix != ".whl" or not wheel.is_file():
        raise EdgekitError(
            "the wheel that this edgekit was installed from is gone; install it again from one that stays, "
            "or run this in a checkout"
        )
    if not (folder / wheel.name).exists() or sha256(folder / wheel.name) != sha256(wheel):
        with atomic_write(folder / wheel.name) as draft:
            shutil.copyfile(wheel, draft)
    return folder / wheel.name


def _built(sources: Path, folder: Path) -> Path:
    """Of a copy: nothing is left in the checkout, and nothing that an earlier build left there gets in."""
    with tempfile.TemporaryDirectory(prefix="edgekit-") as name:
        copy, made = Path(name, "edgekit"), Path(name, "wheel")
        copy.mkdir()
        for part in SOURCES:
            if (sources / part).is_dir():
                shutil.copytree(sources / part, copy / part, ignore=LEFT_OUT)
            else:
                shutil.copyfile(sources / part, copy / part)
        pip("edgekit itself", "wheel", "--no-deps", "--no-build-isolation", "--no-index",
            "--wheel-dir", made, copy)  # fmt: skip
        (wheel,) = made.glob("*.whl")
        with atomic_write(folder / wheel.name) as draft:
            shutil.copyfile(wheel, draft)
        return folder / wheel.name


def metadata(wheel: Path) -> Message:
    """What a wheel says of itself. Raises EdgekitError for one that says nothing."""
    try:
        with zipfile.ZipFile(wheel) as file:
            (inside,) = (
                n
                for n in file.namelist()
                if n.count("/") == 1 and n.endswith(".dist-info/METADATA")
            )
            return message_from_bytes(file.read(inside))
    except (OSError, ValueError, zipfile.BadZipFile):
        raise EdgekitError(f"{wheel.name} is no wheel: remove it, and again") from None
