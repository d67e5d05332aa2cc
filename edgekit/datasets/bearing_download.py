"""Brings a public bearing set from its own home: what, whence, how large and under which licence is in
the package bearing-datasets, which is read at run time; every file must have the SHA-256 written there.
"""

from __future__ import annotations

import json
import re
from functools import partial
from pathlib import Path
from urllib.parse import quote

from edgekit.core.errors import EdgekitError
from edgekit.core.lock import locked
from edgekit.datasets import pinned
from edgekit.datasets.bearing_files import DATASETS, BearingDataset, dataset_of, index
from edgekit.datasets.download_notice import announce
from edgekit.datasets.pinned import TIMEOUT, Pin
from edgekit.datasets.sources import cache_folder, fetch
from edgekit.datasets.yaml_file import read_yaml

MENDELEY = "https://data.mendeley.com/public-api/datasets"


def dataset_metadata(target: str) -> dict:
    """What the index says of a set: `title`, `license`, `homepage`, `sources` (where its files are), `files`
    (dicts of name, size, sha256, those that `download` brings) and `bytes`. Fetches the index (0.5 MB) the
    first time. Raises EdgekitError where the index cannot be read.
    """
    chosen = dataset_of(target)
    folder = fetch("bearing-index", progress=False) / chosen.index
    try:
        about = read_yaml(folder / "dataset.yaml")
        files = json.loads((folder / "files.lock.json").read_text(encoding="utf-8"))
        files = [f for f in files if re.fullmatch(chosen.file_pattern, _label(chosen, f["name"]))]
        told = {key: str(about.get(key, "not stated")) for key in ("title", "license", "homepage")}
        sources = [s for s in about.get("sources", []) if isinstance(s, dict)]
        return {**told, "sources": sources, "files": files, "bytes": sum(f["size"] for f in files)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EdgekitError(
            f"the index of bearing sets cannot be read ({type(error).__name__}: {error})"
        ) from None


def download(target: str, cache: Path | str | None = None, say=print) -> Path:
    """The folder with a set's files, each with its pinned size and SHA-256; what is there is not asked for.

    Shows title, licence, size and home before the first byte. Paderborn's are `.rar` archives, which
    nothing here can unpack: it raises EdgekitError with what to do. So do a network that does not answer,
    a disk that refuses and a file that is not the pinned one (it is removed).
    """
    chosen, metadata = dataset_of(target), dataset_metadata(target)
    folder = (Path(cache) if cache else cache_folder()) / f"bearing-{chosen.index}"
    pins = [Pin(_safe(f["name"]), f["size"], f["sha256"]) for f in metadata["files"]]
    lacking = [pin for pin in pins if not pin.matches(folder / pin.name)]
    if lacking:
        announce(
            metadata["title"], sum(pin.size for pin in lacking) / 1e6, metadata["license"], say=say,
            home=metadata["homepage"], files=f"{len(lacking)} of {len(pins)}",
        )  # fmt: skip
        try:
            _bring(lacking, folder, metadata["sources"], say)
        except OSError as error:
            raise EdgekitError(
                f"cannot write {chosen.title} to {folder} ({error.strerror or error}); free some space "
                "or set EDGEKIT_CACHE to another folder"
            ) from None
    archives = sorted(folder.glob("*.rar"))
    if archives and not any(folder.rglob("*.mat")):
        raise EdgekitError(
            f"unpack the {len(archives)} .rar files in {folder} where they are (7-Zip or unar can), "
            "and run again"
        )
    return folder


def _bring(lacking: list[Pin], folder: Path, sources: list[dict], say) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_suffix(".lock")):
        addresses = _addresses(sources, lacking)
        for number, pin in enumerate(lacking, 1):
            path, url = folder / pin.name, addresses[pin.name]
            path.parent.mkdir(parents=True, exist_ok=True)
            pinned.download(
                pin, path, partial(str, url),
                instead="download the set by hand and name its folder",
            )  # fmt: skip
            say(f"  {number} of {len(lacking)}: {pin.name}")


def _label(chosen: BearingDataset, name: str) -> str:
    """What `file_pattern` of a `BearingDataset` is matched with: the file's name, for CWRU what it means."""
    if chosen is not DATASETS["cwru"]:
        return name
    row = next((r for r in index(chosen)("files.csv") if r["file"] == name), None)
    return f"{row['fs'][:2]}k-{row['fault_end'] or 'N'}-{row['native_label']}" if row else ""


def _safe(name: str) -> str:
    """The name of a file below the set's folder. Raises EdgekitError for one that leads out of it."""
    if ".." in Path(name).parts or Path(name).is_absolute():
        raise EdgekitError(f"the index names an unsafe path, {name}")
    return name


def _addresses(sources: list[dict], pins: list[Pin]) -> dict[str, str]:
    """Name -> address: below the set's `base_url`, or found by SHA-256 in its Mendeley listing.

    Raises EdgekitError where a set has neither, or its listing has changed.
    """
    if base := next((str(s["base_url"]) for s in sources if "base_url" in s), ""):
        return {pin.name: base.rstrip("/") + "/" + quote(pin.name) for pin in pins}
    listing = next((s for s in sources if {"id", "version"} <= set(s)), None)
    if listing is None:
        raise EdgekitError("the index does not say where the set is; download it by hand")
    home, version = f"{MENDELEY}/{listing['id']}", listing["version"]
    folders = ["root", *(f["id"] for f in _json(f"{home}/folders/{version}"))]
    by_hash = {}
    for folder in folders:
        for entry in _json(f"{home}/files?folder_id={folder}&version={version}"):
            details = entry["content_details"]
            by_hash[details["sha256_hash"]] = details["download_url"]
    gone = [pin.name for pin in pins if pin.sha256 not in by_hash]
    if gone:
        raise EdgekitError(f"{home} no longer lists {gone[0]}; download the set by hand")
    return {pin.name: by_hash[pin.sha256] for pin in pins}


def _json(url: str):
    from requests import RequestException, get

    try:
        reply = get(url, timeout=TIMEOUT)
        reply.raise_for_status()
        return reply.json()
    except (RequestException, ValueError) as error:
        raise EdgekitError(
            f"{url.split('?')[0]} does not answer ({type(error).__name__})"
        ) from None
