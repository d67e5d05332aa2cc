"""Brings a public bearing set from its own home: what, whence, how large and under which licence is in
the package bearing-datasets, which is read at run time; every file must have the SHA-256 written there.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from pathlib import Path
from urllib.parse import quote

from edgekit.core import safe_files
from edgekit.core.errors import EdgekitError
from edgekit.core.lock import locked
from edgekit.datasets.bearing_sets import DATASETS, BearingDataset, dataset_of
from edgekit.datasets.download_notice import announce
from edgekit.datasets.sources import cache_folder, fetch

MENDELEY = "https://data.mendeley.com/public-api/datasets"
ATTEMPTS = 3
TIMEOUT = (10, 60)  # seconds to connect, seconds of silence


def dataset_metadata(field: str) -> dict:
    """What the index says of a set: `title`, `license`, `homepage`, `files` (dicts of name, size, sha256,
    those that `download` brings) and `bytes`. Fetches the index (0.5 MB) the first time.
    """
    chosen = dataset_of(field)
    folder = fetch("bearing-index", progress=False) / chosen.index
    try:
        text = (folder / "dataset.yaml").read_text(encoding="utf-8")
        files = json.loads((folder / "files.lock.json").read_text(encoding="utf-8"))
        files = [
            f for f in files if re.fullmatch(chosen.file_pattern, _label(chosen, folder, f["name"]))
        ]
        said = {key: _line(text, key) for key in ("title", "license", "homepage")}
        return {**said, "files": files, "bytes": sum(f["size"] for f in files), "yaml": text}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise EdgekitError(
            f"the index of bearing sets cannot be read ({type(error).__name__}: {error})"
        ) from None


def download(field: str, cache: Path | str | None = None, say=print) -> Path:
    """The folder with a set's files, each with its pinned size and SHA-256; what is there is not asked for.

    Shows title, licence, size and home before the first byte. Paderborn's are `.rar` archives, which
    nothing here can unpack: it raises EdgekitError with what to do. So do a network that does not answer
    and a file that is not the pinned one (it is removed).
    """
    chosen, metadata = dataset_of(field), dataset_metadata(field)
    folder = (Path(cache) if cache else cache_folder()) / f"bearing-{chosen.index}"
    lacking = [f for f in metadata["files"] if not _whole(folder / f["name"], f)]
    if lacking:
        size = sum(f["size"] for f in lacking) / 1e6
        files = f"{len(lacking)} of {len(metadata['files'])}"
        announce(
            metadata["title"],
            size,
            metadata["license"],
            say=say,
            home=metadata["homepage"],
            files=files,
        )
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder.with_suffix(".lock")):
            addresses = _addresses(metadata["yaml"], lacking)
            for number, file in enumerate(lacking, 1):
                _get(addresses[file["name"]], folder / file["name"], file)
                say(f"  {number} of {len(lacking)}: {file['name']}")
    archives = sorted(folder.glob("*.rar"))
    if archives and not any(folder.rglob("*.mat")):
        raise EdgekitError(
            f"unpack the {len(archives)} .rar files in {folder} where they are (7-Zip or unar can), "
            "and run again"
        )
    return folder


def _label(chosen: BearingDataset, folder: Path, name: str) -> str:
    """What `file_pattern` of a `BearingDataset` is matched with: the file's name, for CWRU what it means."""
    if chosen is not DATASETS["cwru"]:
        return name
    from edgekit.datasets.bearing_sets import _index

    row = next((r for r in _index(chosen)("files.csv") if r["file"] == name), None)
    return f"{row['fs'][:2]}k-{row['fault_end'] or 'N'}-{row['native_label']}" if row else ""


def _line(text: str, key: str) -> str:
    """A one-line value of the simple YAML these files are."""
    found = re.search(rf"^{key}:\s*(.+)$", text, re.M)
    return found.group(1).strip().strip("\"'") if found else "not stated"


def _addresses(yaml: str, files: list[dict]) -> dict[str, str]:
    """Name -> address: below the set's `base_url`, or found by SHA-256 in its Mendeley listing."""
    if base := re.search(r"^\s+base_url:\s*(\S+)", yaml, re.M):
        return {f["name"]: base.group(1).rstrip("/") + "/" + quote(f["name"]) for f in files}
    number, version = (
        re.search(rf"^\s+{key}:\s*(\S+)", yaml, re.M).group(1) for key in ("id", "version")
    )
    home = f"{MENDELEY}/{number}"
    folders = ["root", *(f["id"] for f in _json(f"{home}/folders/{version}"))]
    by_hash = {}
    for folder in folders:
        for entry in _json(f"{home}/files?folder_id={folder}&version={version}"):
            details = entry["content_details"]
            by_hash[details["sha256_hash"]] = details["download_url"]
    gone = [f["name"] for f in files if f["sha256"] not in by_hash]
    if gone:
        raise EdgekitError(f"{home} no longer lists {gone[0]}; download the set by hand")
    return {f["name"]: by_hash[f["sha256"]] for f in files}


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


def _whole(path: Path, file: dict) -> bool:
    return (
        path.is_file() and path.stat().st_size == file["size"] and _sha256(path) == file["sha256"]
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _get(url: str, path: Path, file: dict) -> None:
    """One file, resumed where an earlier call broke off; never more bytes than pinned."""
    from requests import RequestException, get

    if ".." in Path(file["name"]).parts or Path(file["name"]).is_absolute():
        raise EdgekitError(f"the index names an unsafe path, {file['name']}")
    path.parent.mkdir(parents=True, exist_ok=True)
    part, trouble = path.with_name(path.name + ".part"), None
    for attempt in range(ATTEMPTS):
        time.sleep(0.3 * attempt)
        have = safe_files.size(part)
        try:
            headers = {"Range": f"bytes={have}-"} if have else {}
            with get(url, headers=headers, stream=True, timeout=TIMEOUT) as reply:
                reply.raise_for_status()
                have = have if reply.status_code == 206 else 0
                with (
                    safe_files.open_to_append(part)
                    if have
                    else safe_files.create_new(part) as stream
                ):
                    for chunk in reply.iter_content(1 << 16):
                        have += stream.write(chunk)
                        if have > file["size"]:
                            break
        except (RequestException, OSError) as error:
            trouble = type(error).__name__
            if getattr(getattr(error, "response", None), "status_code", 0) == 416:
                part.unlink(missing_ok=True)
            continue
        if have >= file["size"]:
            break
    if part.exists() and _whole(part, file):
        part.replace(path)
        return
    whole = part.exists() and part.stat().st_size >= file["size"]
    if whole:
        part.unlink()
    why = "it is not the pinned file and was removed" if whole else trouble or "it ended early"
    raise EdgekitError(
        f"cannot download {file['name']} ({why}); run again, or download the set by hand and name its folder"
    )
