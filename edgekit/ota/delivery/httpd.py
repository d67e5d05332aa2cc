"""Serve files over HTTP, so that a broken transfer can go on: ranges, and ETags that are the SHA-256.

Range, If-Range and strong ETags as RFC 9110 has them: a range is only answered if the ETag named with it
is still the file's, else all of the file is sent.
"""

from __future__ import annotations

import hashlib
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from edgekit.errors import EdgekitError
from edgekit.extras import missing

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,127}")  # of a file: no path, nothing hidden
RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
FILE = "update"  # the name of a package that has none


def application(files: bytes | Mapping[str, bytes] | Path):
    """An ASGI application that serves `files`: one package ("update"), a mapping that may change while it
    is served, or the files of a folder."""
    try:
        from starlette.applications import Starlette
        from starlette.responses import PlainTextResponse, Response
        from starlette.routing import Route
    except ImportError as error:
        raise missing("HTTP needs", error.name, "ota") from None
    if isinstance(files, bytes):
        files = {FILE: files}

    def answer(request):
        data = _read(files, request.path_params["name"])
        if data is None:
            return PlainTextResponse("no such file\n", 404)
        tag = f'"{hashlib.sha256(data).hexdigest()}"'
        headers = {"ETag": tag, "Accept-Ranges": "bytes", "Cache-Control": "no-cache"}
        media, wanted = "application/octet-stream", request.headers.get("range")
        if request.headers.get("if-none-match") == tag:
            return Response(None, 304, headers)
        if request.method == "GET" and wanted and request.headers.get("if-range", tag) == tag:
            span = _span(wanted, len(data))
            if span == ():
                return Response(None, 416, headers | {"Content-Range": f"bytes */{len(data)}"})
            if span:
                first, last = span
                headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
                return Response(data[first : last + 1], 206, headers, media)
        return Response(data, 200, headers, media)

    return Starlette(routes=[Route("/{name}", answer, methods=["GET", "HEAD"])])


@contextmanager
def serve_http(
    files: bytes | Mapping[str, bytes] | Path, *, host: str = "127.0.0.1", port: int = 0,
    certificate: Path | None = None, key: Path | None = None,
) -> Iterator[str]:  # fmt: skip
    """Serve `files` (see `application`) while the `with` block runs; yields the address, without a slash.

    With a `certificate` and its `key` (PEM files) over TLS. Raises EdgekitError if the port is taken.
    """
    app = application(files)
    try:
        import uvicorn
    except ImportError as error:
        raise missing("HTTP needs", error.name, "ota") from None
    with socket.socket() as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, port))
        except OSError as error:
            raise EdgekitError(f"cannot serve at {host}:{port}: {error.strerror}") from None
        server = uvicorn.Server(
            uvicorn.Config(
                app, log_level="error", access_log=False, lifespan="off", timeout_graceful_shutdown=1,
                ssl_certfile=certificate, ssl_keyfile=key,
                log_config=None,  # its own would close the handlers of everybody else in this process
            )
        )  # fmt: skip
        listening.listen()  # from here on a client waits instead of being turned away
        thread = threading.Thread(target=server.run, args=([listening],), name="http", daemon=True)
        thread.start()
        try:
            scheme = "https" if certificate else "http"
            yield f"{scheme}://{host}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _read(files: Mapping[str, bytes] | Path | str, name: str) -> bytes | None:
    if not NAME.fullmatch(name):
        return None
    if isinstance(files, Mapping):
        return files.get(name)
    folder = Path(files).resolve()
    file = (folder / name).resolve()  # a link that leads out of the folder is not followed
    return file.read_bytes() if file.parent == folder and file.is_file() else None


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
