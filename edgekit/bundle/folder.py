"""The folder: `wheels/`, a `workspace/` with notebooks and data, and pages that say what to do with them.

school/
  INSTALL.md      the two commands, for each computer that it is for
  LICENCES.md     of the data and of every package
  SHA256SUMS      of all files, for `sha256sum -c`
  wheels/         for `pip install --no-index --find-links wheels`
  workspace/      the notebooks, the pages and `data/cache/`; the learner's own
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from edgekit.bundle import cpu, lock, pages, wheels
from edgekit.bundle.wanted import Bundle
from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.datasets import mitbih
from edgekit.datasets.pinned import sha256
from edgekit.datasets.sources import cached, fetch, sources

STAMP = "bundle.json"


def write(folder: Path, wanted: Bundle, say: Callable[[str], None] = print) -> None:
    """Make or complete the bundle in `folder`, but for its notebooks; `say` is told each step, a line.

    What is there and whole stays. Raises EdgekitError for a folder with something else in it, an extra that
    the kit has not, and where a package or data set cannot be had; what was brought by then is kept.
    """
    claim(folder, wanted)
    (folder / "wheels").mkdir(exist_ok=True)
    kit = wheels.own(folder / "wheels")
    said = wheels.metadata(kit)
    extras = sorted(said.get_all("Provides-Extra") or ())
    for extra in wanted.extras:
        if extra not in extras:
            raise EdgekitError(f"edgekit has no extra {extra!r}.{did_you_mean(extra, extras)}")
    requirements, pins = said.get_all("Requires-Dist") or [], lock.read(lock.text())
    files = {kit}
    for platform in wanted.platforms:
        needed = lock.needed(pins, requirements, wanted.extras, platform, wanted.python)
        needed = cpu.lighter(needed, platform)
        files |= {cpu.stand_in(folder / "wheels", p.version) for p in needed if p.name == cpu.LIGHT}
        say(f"{platform.name}, Python {wanted.python}: {len(needed)} packages")
        brought = wheels.bring(needed, folder / "wheels", platform, wanted.python, say)
        say(f"  together {_megabytes(brought)}")
        files |= set(brought)
    cache = folder / "workspace" / "data" / "cache"
    for name in wanted.data:
        say(f"data {name}: {_megabytes(_files(_data(name, cache)))}")
    atomic_write_bytes(folder / "INSTALL.md", pages.install(wanted).encode())
    atomic_write_bytes(folder / "LICENCES.md", pages.licences(wanted.data, sorted(files)).encode())
    left = sorted(p.name for p in (folder / "wheels").glob("*") if p not in files)
    if left:
        say(f"wheels/ also holds {len(left)} files that this bundle does not need: {left[0]} …")


def seal(folder: Path) -> int:
    """Write SHA256SUMS over all that is in the folder; how many bytes that is."""
    files = {p.relative_to(folder).as_posix(): p for p in _files(folder)}
    lines = [f"{sha256(p)}  {name}\n" for name, p in sorted(files.items()) if name != "SHA256SUMS"]
    atomic_write_bytes(folder / "SHA256SUMS", "".join(lines).encode())
    return sum(p.stat().st_size for p in files.values())


def claim(folder: Path, wanted: Bundle) -> None:
    """Note in `folder` that it is a bundle. Raises EdgekitError where something else lies in it."""
    if folder.exists() and not folder.is_dir():
        raise EdgekitError(f"{folder} is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / STAMP).is_file():
        raise EdgekitError(f"{folder} holds something else than a bundle: name a new folder")
    text = {**asdict(wanted), "platforms": [p.name for p in wanted.platforms]}
    atomic_write_bytes(folder / STAMP, (json.dumps(text, indent=1) + "\n").encode())


def _data(name: str, cache: Path) -> Path:
    """A data set in the bundle's cache: copied from this computer's where it is whole, else downloaded."""
    if name == "mitbih":
        here, there = mitbih.folder(), cache / "mitbih"
        if not (there / mitbih.WHOLE).is_file():
            if here is None:
                return mitbih.download(there)
            shutil.copytree(here, there, dirs_exist_ok=True)
            mitbih.check(there)
            (there / mitbih.WHOLE).touch()
        return there
    here = cached(name)
    if here and not cached(name, cache):
        there = cache / sources()[name].slug
        shutil.rmtree(there, ignore_errors=True)
        shutil.copytree(here, there)
    return fetch(name, cache)


def _files(folder: Path) -> Sequence[Path]:
    return [p for p in folder.rglob("*") if p.is_file()]


def _megabytes(files: Iterable[Path]) -> str:
    return f"{sum(p.stat().st_size for p in files) / 1e6:,.0f} MB"
