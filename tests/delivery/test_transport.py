"""Every transport of the table keeps what each promises, and one more is one more record."""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from edgekit.core.atomic import atomic_write_bytes
from edgekit.core.errors import EdgekitError
from edgekit.delivery import TRANSPORTS, choose, estimate, fetch, serve
from edgekit.delivery.download_target import reserve_target
from edgekit.delivery.partial_file import PartialFile
from edgekit.delivery.transport import (
    LIMIT,
    Source,
    TimeoutPolicy,
    Transfer,
    Transport,
    check_name,
)
from edgekit.testing.transport import CHECKS, asked, lacks
from edgekit.testing.transport_bench import served

for needed in ("cbor2", "paho.mqtt", "httpx", "uvicorn", "starlette", "trustme"):
    pytest.importorskip(needed)


@pytest.fixture(scope="module", params=[(t, v) for t in TRANSPORTS for v in TRANSPORTS[t].variants])
def bench(request, tmp_path_factory):
    key, variant = request.param
    try:
        serving = served(TRANSPORTS[key], tmp_path_factory.mktemp(f"{key}{variant}"), variant)
        there = serving.__enter__()
    except EdgekitError as error:
        pytest.skip(str(error))
    yield there
    serving.__exit__(None, None, None)


@pytest.mark.parametrize("check", CHECKS)
def test_it_keeps_what_every_transport_promises(bench, check):
    assert asked(CHECKS[check], bench) == []


# ---- One more: through a folder that both sides see, as an SD card or a share would be ----

PIECE = 4096


@dataclass(frozen=True)
class FolderOffer:
    folder: Path

    @property
    def address(self):
        return f"folder://{quote(str(self.folder))}"

    def names(self):
        return sorted(p.name for p in self.folder.iterdir())

    def source(self, receiver="device", name="update"):
        return Source(f"{self.address}/{check_name(receiver, 'device')}/{check_name(name, 'file')}")


@contextmanager
def serve_folder(files, *, receivers=("device",), folder=None, host="127.0.0.1", port=0):
    """The mapping is the share, kept where `fetch_folder` finds it."""
    OPEN[str(folder)] = files if not isinstance(files, bytes) else {"update": files}
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in OPEN[str(folder)].items():
        (folder / name).write_bytes(data)
    try:
        yield FolderOffer(folder)
    finally:
        del OPEN[str(folder)]
        for path in folder.iterdir():
            path.unlink()


OPEN: dict[str, dict[str, bytes]] = {}


def fetch_folder(
    source, to, *, digest=None, limit=LIMIT, min_bytes_per_s=64.0, timeout_s=30.0, watch=None
):
    *folder, _receiver, name = Path(unquote(source.parts()[3])).parts or ("", "", "")
    share = Path(*folder)
    for kept, data in OPEN.get(str(share), {}).items():
        atomic_write_bytes(
            share / kept, data
        )  # in this process a share may change while it is served
    path = share / name
    policy, start = TimeoutPolicy(min_bytes_per_s, timeout_s), time.monotonic()
    with reserve_target(to, timeout_s) as to:
        try:
            data = path.read_bytes()
        except (OSError, ValueError):
            raise EdgekitError(f"no file at {source.address}") from None
        found = hashlib.sha256(data).digest()
        if len(data) > limit:
            raise EdgekitError(f"{path.name} has {len(data):,} bytes, {limit:,} are allowed")
        if digest not in (None, found):
            raise EdgekitError(f"{path.name} is another file than the one asked for")
        file = PartialFile(to, found, len(data), PIECE)
        received = 0
        try:
            for i in file.missing(file.count, file.count):
                if not path.exists():
                    raise EdgekitError(f"{path.name} is gone; {file.got:,} bytes are kept")
                file.put(i, data[i * file.block : i * file.block + file.length(i)])
                received += file.length(i)
                if watch:
                    watch(file.got, file.size)
                policy.check(received, f"{file.got:,} bytes are kept")
            file.finish()
        finally:
            file.close()
    seconds = time.monotonic() - start
    return Transfer(
        to, len(data), found.hex(), seconds, file.resumed_bytes, received, 0, 0, int(file.discarded)
    )


def estimate_folder(size, over, *, block_most, connected):
    return estimate.choice("folder", size, size / over.value("bytes_per_s"), size, over, "as it is")


FOLDER = Transport(
    "folder", "a share that both sides see", ("folder",), fetch_folder, serve_folder,
    estimate_folder, connects=False,
)  # fmt: skip


def test_one_more_transport_is_one_more_record(tmp_path, monkeypatch):
    """The contract holds, and everything that goes through the table knows it."""
    assert lacks(FOLDER) == []
    monkeypatch.setitem(TRANSPORTS, "folder", FOLDER)
    with serve("folder", b"a package", folder=tmp_path / "share") as offer:
        done = fetch(offer.source(), tmp_path / "got")
    assert done.path.read_bytes() == b"a package"
    assert {way.kind for way in choose(60_000, "wifi").others} | {"folder"} >= {"mqtt", "http"}
    assert choose(60_000, "wifi").kind == "folder"


def worse(**changes) -> Transport:
    return replace(FOLDER, **changes)


def _without(argument, value):
    def fetch(source, to, **how):
        how[argument] = value
        return fetch_folder(source, to, **how)

    return fetch


def _in_place(source, to, **how):
    """Writes under the file's own name from the start."""
    Path(to).write_bytes(b"")
    return fetch_folder(source, to, **how)


def _through_links(source, to, **how):
    (Path(to).with_name(f"{Path(to).name}.part")).write_bytes(b"gone")
    return fetch_folder(source, to, **how)


@pytest.mark.parametrize(
    ("check", "fetch"),
    [
        ("delivers_byte_for_byte", _without("watch", None)),
        ("goes_on_after_a_stop", lambda s, t, **how: fetch_folder(s, os.fspath(t) + "2", **how)),
        ("goes_on_when_its_process_was_killed", _in_place),
        ("gives_up_in_time", _without("min_bytes_per_s", 0.0)),
        ("refuses_other_bytes", _without("digest", None)),
        ("takes_no_more_than_its_limit", _without("limit", LIMIT)),
        ("writes_through_no_link", _through_links),
    ],
)
def test_the_contract_notices_a_worse_one(tmp_path, check, fetch):
    """Mutations: each promise broken is found, by the check that is for it."""
    with served(worse(fetch=fetch), tmp_path) as bench:
        try:
            found = asked(CHECKS[check], bench)
        except Exception as error:
            found = [repr(error)]
    assert found
