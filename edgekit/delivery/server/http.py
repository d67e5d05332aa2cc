"""Serve packages over HTTP, so that a broken transfer can go on: ranges, and ETags that are the SHA-256.

Range, If-Range and strong ETags as RFC 9110 has them: a range is only answered if the ETag named with it
is still the file's, else all of the file is sent. Of a folder
only packages are there for others (see `files`). Who keeps a connection busy with nothing is cut off.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from edgekit.core.errors import EdgekitError
from edgekit.core.extras import missing
from edgekit.core.ports import listen
from edgekit.delivery.server.certificates import certify
from edgekit.delivery.server.files import FILE_NAME, KINDS, offered, read_offered
from edgekit.delivery.transport import RECEIVER, UPDATE, Files, Source, check_name

RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
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
        files = {UPDATE: files}

    async def pieces(data):
        for at in range(0, len(data), CHUNK):
            yield data[at : at + CHUNK]

    def answer(request):
        there = read_offered(files, request.path_params["name"], kinds)
        if there is None:
            return PlainTextResponse("no such file\n", 404)
        data, tag = memoryview(there[0]), f'"{there[1]}"'
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
                code, data = 206, data[span[0] : span[1] + 1]
        headers["Content-Length"] = str(len(data))
        return StreamingResponse(pieces(data), code, headers, media)

    return Starlette(routes=[Route("/{name}", answer, methods=["GET", "HEAD"])])


@contextmanager
def serve_http(
    files: bytes | Mapping[str, bytes] | Path, *, host: str = "127.0.0.1", port: int = 0,
    certificate: Path | None = None, key: Path | None = None, kinds: tuple[str, ...] = KINDS,
    connections: int = 64, min_bytes_per_s: float = 64.0, timeout_s: float = 30.0,
) -> Iterator[str]:  # fmt: skip
    """Serve `files` of these `kinds` (see `application`) at `host` while the `with` block runs; yields the
    address, without a slash.

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
    with listen(host, port) as listening:  # from here on a client waits and is not turned away
        server = Server(config, timeout_s)
        thread = threading.Thread(target=server.run, args=([listening],), name="http", daemon=True)
        thread.start()
        try:
            scheme, where = "https" if certificate else "http", f"[{host}]" if ":" in host else host
            yield f"{scheme}://{where}:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@dataclass(frozen=True)
class HttpOffer:
    """Files at `address`; `ca` vouches for it. Whoever asks is served."""

    address: str
    files: Files
    ca: Path | None = None

    def names(self) -> list[str]:
        """As `transport.Offer`."""
        if isinstance(self.files, bytes):
            return [UPDATE]
        return offered(self.files) if isinstance(self.files, Path) else sorted(self.files)

    def source(self, receiver: str = RECEIVER, name: str = UPDATE) -> Source:
        """As `transport.Offer`; any receiver will do."""
        check_name(receiver, "device")
        if not FILE_NAME.fullmatch(name):
            raise EdgekitError(
                f"{name[:80]!r} can name no file: 1 to 128 of A–Z, a–z, 0–9, _, - and ."
            )
        return Source(f"{self.address}/{name}", self.ca)


@contextmanager
def serve(
    files: Files, *, receivers: tuple[str, ...] = (RECEIVER,), folder: Path | None = None,
    host: str = "127.0.0.1", port: int = 0, certificate: Path | None = None, key: Path | None = None,
    **limits,
) -> Iterator[HttpOffer]:  # fmt: skip
    """As `transport.Serve`; `limits` as for `serve_http`. Without TLS where neither a `certificate` with its
    `key` nor a `folder` is named, in which an authority of its own makes one.

    `receivers` are not asked who they are.
    """
    ca = None
    if folder and not certificate:
        certificate, key, ca = certify(folder, "web", host), folder / "web.key", folder / "ca.pem"
    own = {"host": host, "port": port, "certificate": certificate, "key": key, **limits}
    with serve_http(files, **own) as address:
        yield HttpOffer(address, files, ca)


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
