"""Serve packages over HTTP, so that a broken transfer can go on: ranges, and ETags that are the SHA-256.

Range, If-Range and strong ETags as RFC 9110 has them: a range is only answered if the ETag named with it
is still the file's, else all of the file is sent. Of a folder only what is a package by its name is there for
others: the key that signs is often its neighbour. Who keeps a connection busy with nothing is cut off.
"""

from __future__ import annotations

import hashlib
import os
import re
import socket
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.core.safe_files import SAFE_FLAGS
from edgekit.delivery.partial_file import LIMIT

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")  # of a file: no path, nothing hidden
RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
FILE = "update"  # the name of a package that has none
KINDS = (".suit",)  # what is served of a folder
CHUNK = 65_536  # bytes that are handed to the connection at a time


def application(files: bytes | Mapping[str, bytes] | Path, kinds: tuple[str, ...] = KINDS):
    """An ASGI application that serves `files`: one package ("update"), a mapping that may change while it
    is served, or those files of a folder whose names end in one of `kinds` (see `offered`)."""
    try:
        from starlette.applications import Starlette
        from starlette.responses import PlainTextResponse, Response, StreamingResponse
        from starlette.routing import Route
    except ImportError as error:
        raise missing("HTTP needs", error.name, "ota") from None
    if isinstance(files, bytes):
        files = {FILE: files}

    async def pieces(data):
        for at in range(0, len(data), CHUNK):
            yield data[at : at + CHUNK]

    def answer(request):
        there = _read(files, request.path_params["name"], kinds)
        if there is None:
            return PlainTextResponse("no such file\n", 404)
        data, tag = there[0], f'"{there[1]}"'
        headers = {"ETag": tag, "Accept-Ranges": "bytes", "Cache-Control": "no-cache"}
        media, wanted, code = "application/octet-stream", request.headers.get("range"), 200
        if request.headers.get("if-none-match") == tag:
            return Response(None, 304, headers)
        if request.method == "GET" and wanted and request.headers.get("if-range", tag) == tag:
            span = _span(wanted, len(data))
            if span == ():
                return Response(None, 416, headers | {"Content-Range": f"bytes */{len(data)}"})
            if span:
                headers["Content-Range"] = f"bytes {span[0]}-{span[1]}/{len(data)}"
                code, data = 206, memoryview(data)[span[0] : span[1] + 1]
        headers["Content-Length"] = str(len(data))
        return StreamingResponse(pieces(memoryview(data)), code, headers, media)

    return Starlette(routes=[Route("/{name}", answer, methods=["GET", "HEAD"])])


@contextmanager
def serve_http(
    files: bytes | Mapping[str, bytes] | Path, *, host: str = "127.0.0.1", port: int = 0,
    certificate: Path | None = None, key: Path | None = None, kinds: tuple[str, ...] = KINDS,
    connections: int = 64, min_bytes_per_s: float = 64.0, timeout_s: float = 30.0,
) -> Iterator[str]:  # fmt: skip
    """Serve `files` (see `application`) while the `with` block runs; yields the address, without a slash.

    With a `certificate` and its `key` (PEM files) over TLS. At most `connections` at a time; one that is
    handed fewer than `min_bytes_per_s` bytes/s over `timeout_s` seconds is cut. Raises EdgekitError if the
    port is taken, or the certificate no use.
    """
    app = application(files, kinds)
    try:
        import uvicorn

        from edgekit.delivery.server.connection_limits import Server, protocol
    except ImportError as error:
        raise missing("HTTP needs", error.name, "ota") from None
    config = uvicorn.Config(
        app, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=1,
        ssl_certfile=certificate, ssl_keyfile=key, ssl_keyfile_password="", ws="none", loop="asyncio",
        http=protocol(connections, min_bytes_per_s, timeout_s),
        log_config=None,  # its own would close the handlers of everybody else in this process
    )  # fmt: skip
    try:
        config.load()
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
        said = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise EdgekitError(
            f"no TLS with {certificate} and {key or certificate}: {said}; both are PEM files, the "
            "key is not encrypted and is the certificate's"
        ) from None
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except (OSError, UnicodeError) as error:
            said = getattr(error, "strerror", None) or "no such host"
            raise EdgekitError(f"cannot serve at {host}:{port}: {said}") from None
        server = Server(config, timeout_s)
        listening.listen()  # from here on a client waits instead of being turned away
        thread = threading.Thread(target=server.run, args=([listening],), name="http", daemon=True)
        thread.start()
        try:
            scheme, where = "https" if certificate else "http", f"[{host}]" if ":" in host else host
            yield f"{scheme}://{where}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def offered(folder: Path, kinds: tuple[str, ...] = KINDS) -> list[str]:
    """Names of the files in `folder` that are served: a plain name that ends in one of `kinds`, of a file or
    of a link to such a one beside it, no larger than what a client takes (16 MiB)."""
    return sorted(p.name for p in folder.iterdir() if _file(folder, p.name, kinds))


def _file(folder: Path, name: str, kinds: tuple[str, ...]) -> tuple[Path, os.stat_result] | None:
    """The file of that name and what the system says of it, if it is one that is served."""
    if not NAME.fullmatch(name) or not name.endswith(kinds):
        return None
    folder = folder.resolve()
    try:
        file = (folder / name).resolve()  # a link may lead to another package, but not elsewhere
        found = file.lstat()
    except (OSError, RuntimeError):  # RuntimeError: links in a circle, before Python 3.13
        return None
    ours = file.parent == folder and NAME.fullmatch(file.name) and file.name.endswith(kinds)
    good = ours and stat.S_ISREG(found.st_mode) and found.st_size <= LIMIT
    return (file, found) if good else None


def _read(
    files: Mapping[str, bytes] | Path | str, name: str, kinds: tuple[str, ...]
) -> tuple[bytes, str] | None:
    """The bytes of that name and their SHA-256."""
    if isinstance(files, Mapping):
        data = files.get(name) if NAME.fullmatch(name) else None
        return None if data is None else (data, _sha256(data))
    if (there := _file(Path(files), name, kinds)) is None:
        return None
    file, found = there
    try:
        return _loaded(file, found.st_ino, found.st_size, found.st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=4)  # what many devices ask for at once is read once, and held once
def _loaded(file: Path, _inode: int, size: int, _changed: int) -> tuple[bytes, str]:
    with os.fdopen(os.open(file, os.O_RDONLY | SAFE_FLAGS), "rb") as opened:
        data = opened.read(size)
    return data, _sha256(data)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _span(wanted: str, size: int) -> tuple[int, int] | tuple[()] | None:
    """First and last byte of a Range; () if the file has none of them; None if it is to be ignored, as
    several ranges at once are here (RFC 9110, section 14.2)."""
    found = RANGE.fullmatch(wanted.strip())
    if not found or wanted.strip() == "bytes=-":
        return None
    if not found[1]:
        first, last = max(0, size - int(found[2])), size - 1
    else:
        first, last = int(found[1]), min(int(found[2] or size), size - 1)
        if found[2] and int(found[2]) < first:
            return None
    return (first, last) if first < size else ()
